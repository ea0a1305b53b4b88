#include "daemon/http/api.h"

#include "config/ini/text.h"
#include "daemon/http/api_bus.h"
#include "daemon/http/api_records.h"
#include "daemon/http/explain.h"
#include "daemon/http/metrics.h"
#include "daemon/http/views.h"
#include "daemon/publish/json_payload.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <stdio.h>
#include <string.h>

/* PUE-DEVICE-POINT-lost, the longest names that there are. */
#define LONGEST_NAME (3 * NAME_LENGTH_MAX + 8)

/* What was done with an alarm: as it is now, or why it was not. */
static struct http_answer done(
    const struct api *api, const struct alarm *a, const char *what, const char *why)
{
	char text[LONGEST_NAME + 128];
	if (why) {
		snprintf(text, sizeof(text), "%s cannot be %s: %s", a->config->name, what, why);
		return http_error(HTTP_CONFLICT, text);
	}
	struct json_writer w;
	json_begin(&w);
	json_payload_alarm(&w, NULL, api->live->config, a, clock_utc_ms());
	return (struct http_answer){ .status = HTTP_OK, .text = json_finish(&w) };
}

static struct http_answer no_alarm(void)
{
	return http_error(HTTP_NOT_FOUND, "no such alarm (allowed: a name of GET /v1/alarms)");
}

static struct http_answer acknowledge(struct api *api, const char *name, const struct http_request *r)
{
	struct alarm *a = alarms_find(api->live->alarms, name);
	return a ? done(api, a, "acknowledged", alarms_acknowledge(api->live->alarms, a, r->who))
		 : no_alarm();
}

/* {"for":"2h"} alone. */
static bool take_time(const char *body, int64_t *ret)
{
	char length[16];
	int end = -1;
	(void)sscanf(body, " { \"for\" : \"%15[0-9a-z]\" } %n", length, &end);
	return end >= 0 && body[end] == '\0' && text_duration(length, ret) == 0;
}

static struct http_answer shelve(struct api *api, const char *name, const struct http_request *r)
{
	int64_t length;
	struct alarm *a = alarms_find(api->live->alarms, name);
	if (!a)
		return no_alarm();
	if (!take_time(r->body, &length))
		return http_error(
		    HTTP_BAD_REQUEST, "for how long is not told (allowed: {\"for\":\"2h\"}, 1s to 7d)");
	return done(api, a, "shelved", alarms_shelve(api->live->alarms, a, r->who, length));
}

static struct http_answer unshelve(struct api *api, const char *name, const struct http_request *r)
{
	struct alarm *a = alarms_find(api->live->alarms, name);
	return a ? done(api, a, "unshelved", alarms_unshelve(api->live->alarms, a, r->who)) : no_alarm();
}

static struct http_answer learn(struct api *api, const char *name, const struct http_request *r)
{
	char text[LONGEST_NAME + 128];
	struct loop_reference learned;
	const struct config *c = api->live->config;
	const struct loop_config *loop = name_index_find(&c->loop_names, name, strlen(name));
	if (!loop)
		return http_error(
		    HTTP_NOT_FOUND, "no such loop (allowed: a [loop:NAME] of the configuration)");
	const char *why = loops_learn(api->live->loops, (size_t)(loop - c->loops), &learned);
	if (why) {
		snprintf(text, sizeof(text), "%s cannot learn: %s", name, why);
		return http_error(HTTP_CONFLICT, text);
	}
	api->changed(api->user);
	log_line(LOG_NOTICE,
	    "loop %s has learned its state now as that of a clean filter and a new pump, by %s", name,
	    r->who);
	struct json_writer w;
	json_begin(&w);
	json_payload_reference(&w, &learned);
	return (struct http_answer){ .status = HTTP_OK, .text = json_finish(&w) };
}

#define ROUTE_PARAMETERS_MAX 4

static const struct route {
	const char *method, *before, *after; /* of the path around NAME */
	struct http_answer (*answer)(struct api *api, const char *name, const struct http_request *r);
	const char *parameters[ROUTE_PARAMETERS_MAX]; /* that may be told */
} routes[] = {
	{ "GET", "/healthz", NULL, views_healthz },
	{ "GET", "/metrics", NULL, metrics_answer },
	{ "GET", "/v1/status", NULL, views_status },
	{ "GET", "/v1/points", NULL, views_points, { "match" } },
	{ "GET", "/v1/loops", NULL, views_loops },
	{ "GET", "/v1/groups", NULL, views_groups },
	{ "GET", "/v1/pue", NULL, views_pue },
	{ "GET", "/v1/alarms", NULL, views_alarms },
	{ "GET", "/v1/alarms/history", NULL, views_history },
	{ "GET", "/v1/buses", NULL, views_buses },
	{ "GET", "/v1/explain", NULL, explain_answer, { "figure" } },
	{ "GET", "/v1/records", NULL, api_records_answer, { "from", "to", "step" } },
	{ "POST", "/v1/records/strike", NULL, api_records_strike, { "from", "to", "reason" } },
	{ "POST", "/v1/records/unstrike", NULL, api_records_unstrike, { "from", "to" } },
	{ "GET", "/v1/config", NULL, views_config },
	{ "POST", "/v1/alarms/", "/ack", acknowledge },
	{ "POST", "/v1/alarms/", "/shelve", shelve },
	{ "POST", "/v1/alarms/", "/unshelve", unshelve },
	{ "POST", "/v1/loops/", "/learn", learn },
	{ "POST", "/v1/buses/", "/read", api_bus_read },
	{ "POST", "/v1/buses/", "/capture", api_bus_capture, { "from" } },
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

/* Whether the path is of the route; `name` is what stands at NAME. */
static bool matches(const struct route *r, const char *path, char name[static LONGEST_NAME])
{
	size_t before = strlen(r->before), all = strlen(path);
	name[0] = '\0';
	if (!r->after)
		return strcmp(path, r->before) == 0;
	size_t after = strlen(r->after);
	if (strncmp(path, r->before, before) != 0 || all <= before + after ||
	    all - before - after >= LONGEST_NAME || strcmp(path + all - after, r->after) != 0)
		return false;
	snprintf(name, LONGEST_NAME, "%.*s", (int)(all - before - after), path + before);
	return true;
}

/* Every path that there is. */
static struct http_answer no_such_path(void)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "no such path (allowed:");
	for (size_t i = 0; i < ROUTE_COUNT && n < (int)sizeof(text); i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s %s %s%s%s", i ? "," : "",
		    routes[i].method, routes[i].before, routes[i].after ? "NAME" : "",
		    routes[i].after ? routes[i].after : "");
	if (n < (int)sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, ")");
	return http_error(HTTP_NOT_FOUND, text);
}

/* A word that is misspelt would otherwise ask for everything. */
static bool takes(const struct route *route, const char *parameter)
{
	for (size_t i = 0; i < ROUTE_PARAMETERS_MAX && route->parameters[i]; i++)
		if (strcmp(route->parameters[i], parameter) == 0)
			return true;
	return false;
}

static struct http_answer wrong_parameter(const struct route *route)
{
	char text[128] = "no such parameter (allowed: ";
	size_t n = strlen(text);
	for (size_t i = 0; i < ROUTE_PARAMETERS_MAX && route->parameters[i]; i++)
		n +=
		    (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? ", " : "", route->parameters[i]);
	snprintf(text + n, sizeof(text) - n, "%s)", route->parameters[0] ? "" : "none");
	return http_error(HTTP_BAD_REQUEST, text);
}

static struct http_answer wrong_method(const struct route *route)
{
	struct http_answer a = http_error(HTTP_METHOD_NOT_ALLOWED, "not with this method (see coolantd(8))");
	a.allow = strcmp(route->method, "GET") == 0 ? "GET, HEAD" : route->method;
	return a;
}

struct http_answer api_answer(const struct http_request *r, void *user)
{
	char name[LONGEST_NAME];
	const char *method = http_reads(r) ? "GET" : r->method;
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (!matches(&routes[i], r->path, name))
			continue;
		if (strcmp(method, routes[i].method) != 0)
			return wrong_method(&routes[i]);
		for (size_t k = 0; k < r->parameter_count; k++)
			if (!takes(&routes[i], r->parameters[k].key))
				return wrong_parameter(&routes[i]);
		return routes[i].answer(user, name, r);
	}
	return no_such_path();
}
