#include "daemon/http/api.h"

#include "config/ini/text.h"
#include "daemon/publish/json_payload.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <stdio.h>
#include <string.h>

/* LOOP-SUFFIX or DEVICE-POINT, the longest names that there are. */
#define LONGEST_NAME (2 * NAME_LENGTH_MAX + 2)

enum { HTTP_OK = 200, HTTP_NOT_FOUND = 404, HTTP_METHOD_NOT_ALLOWED = 405, HTTP_CONFLICT = 409 };

static struct http_answer error(unsigned status, const char *what)
{
	struct json_writer w;
	json_begin(&w);
	json_open(&w, NULL);
	json_text(&w, "error", what);
	json_close(&w);
	return (struct http_answer){ status, json_finish(&w) };
}

struct alarm_list {
	struct json_writer w;
	const struct config *config;
};

static void put_alarm(const struct alarm *a, void *user)
{
	struct alarm_list *l = user;
	json_payload_alarm(&l->w, a->config->name, l->config, a, clock_utc_ms());
}

static struct http_answer get_alarms(struct api *api, const char *name)
{
	struct alarm_list l = { .config = api->live->config };
	json_begin(&l.w);
	json_open(&l.w, NULL);
	json_open(&l.w, "alarms");
	alarms_each(api->live->alarms, put_alarm, &l.w);
	json_close(&l.w);
	json_close(&l.w);
	return (struct http_answer){ HTTP_OK, json_finish(&l.w) };
}

static struct http_answer acknowledge(struct api *api, const char *name)
{
	char text[LONGEST_NAME + 64];
	struct alarm *a = alarms_find(api->live->alarms, name);
	if (!a)
		return error(HTTP_NOT_FOUND, "no such alarm (allowed: a name of GET /v1/alarms)");
	const char *why = alarms_acknowledge(api->live->alarms, a);
	if (why) {
		snprintf(text, sizeof(text), "%s cannot be acknowledged: %s", name, why);
		return error(HTTP_CONFLICT, text);
	}
	struct json_writer w;
	json_begin(&w);
	json_payload_alarm(&w, NULL, api->live->config, a, clock_utc_ms());
	return (struct http_answer){ HTTP_OK, json_finish(&w) };
}

static struct http_answer learn(struct api *api, const char *name)
{
	char text[LONGEST_NAME + 128];
	struct loop_reference learned;
	const struct config *c = api->live->config;
	const struct loop_config *loop = name_index_find(&c->loop_names, name, strlen(name));
	if (!loop)
		return error(HTTP_NOT_FOUND, "no such loop (allowed: a [loop:NAME] of the configuration)");
	const char *why = loops_learn(api->live->loops, (size_t)(loop - c->loops), &learned);
	if (why) {
		snprintf(text, sizeof(text), "%s cannot learn: %s", name, why);
		return error(HTTP_CONFLICT, text);
	}
	api->changed(api->user);
	log_line(
	    LOG_NOTICE, "loop %s has learned its state now as that of a clean filter and a new pump", name);
	struct json_writer w;
	json_begin(&w);
	json_payload_reference(&w, &learned);
	return (struct http_answer){ HTTP_OK, json_finish(&w) };
}

static const struct route {
	const char *method, *before, *after; /* of the path around NAME */
	struct http_answer (*answer)(struct api *api, const char *name);
} routes[] = {
	{ "GET", "/v1/alarms", NULL, get_alarms },
	{ "POST", "/v1/alarms/", "/ack", acknowledge },
	{ "POST", "/v1/loops/", "/learn", learn },
};

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

struct http_answer api_answer(const char *method, const char *path, void *user)
{
	char name[LONGEST_NAME];
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!matches(&routes[i], path, name))
			continue;
		if (strcmp(method, routes[i].method) == 0)
			return routes[i].answer(user, name);
		return error(HTTP_METHOD_NOT_ALLOWED, "not with this method (see coolantd(8))");
	}
	return error(HTTP_NOT_FOUND, "no such path (allowed: GET /v1/alarms, POST /v1/alarms/NAME/ack, "
				     "POST /v1/loops/NAME/learn)");
}
