#include "daemon/http/views.h"

#include "config/ini/text.h"
#include "daemon/http/config_view.h"
#include "daemon/http/glob.h"
#include "daemon/publish/json_payload.h"
#include "drivers/os/clock.h"

#include <stdio.h>

static void begin(struct json_writer *w)
{
	json_begin(w);
	json_open(w, NULL);
}

static struct http_answer finish(struct json_writer *w, unsigned status)
{
	json_close(w);
	return (struct http_answer){ .status = status, .text = json_finish(w) };
}

/* What takes a while to make, and is no worse for being a moment old. */
static struct http_answer keep(struct http_answer a)
{
	a.keep = true;
	return a;
}

/* `ts`, then an object under `key` of what is put by `put`. */
static struct http_answer list(
    const struct api *api, const char *key, void (*put)(struct json_writer *w, const struct live *l))
{
	struct json_writer w;
	begin(&w);
	json_integer(&w, "ts", clock_utc_ms());
	json_open(&w, key);
	put(&w, api->live);
	json_close(&w);
	return finish(&w, HTTP_OK);
}

struct http_answer views_healthz(struct api *api, const char *name, const struct http_request *r)
{
	char stuck[API_STUCK_MAX];
	bool healthy = !api->is_stuck(api->user, stuck);
	struct json_writer w;
	begin(&w);
	json_bool(&w, "healthy", healthy);
	if (!healthy)
		json_text(&w, "reason", stuck);
	return finish(&w, healthy ? HTTP_OK : HTTP_UNAVAILABLE);
}

static void put_devices(struct json_writer *w, const struct live *l)
{
	size_t up = 0, points = 0, usable = 0;
	int64_t now = clock_boottime();
	for (size_t i = 0; i < l->config->device_count; i++) {
		const struct table_device *d = &l->table->devices[i];
		up += point_table_is_up(d, now);
		points += d->config->point_count;
		for (size_t k = 0; k < d->config->point_count; k++)
			usable += quality_has_value(d->points[k].sample.quality);
	}
	json_open(w, "devices");
	json_unsigned(w, "configured", l->config->device_count);
	json_unsigned(w, "up", up);
	json_close(w);
	json_open(w, "points");
	json_unsigned(w, "configured", points);
	json_unsigned(w, "usable", usable);
	json_close(w);
}

static void count_alarm(const struct alarm *a, void *user)
{
	size_t *counts = user;
	counts[a->state]++;
}

static void put_alarm_counts(struct json_writer *w, const struct live *l)
{
	size_t counts[ALARM_STATE_COUNT] = { 0 };
	alarms_each(l->alarms, count_alarm, counts);
	json_open(w, "alarms");
	for (unsigned s = 0; s < ALARM_STATE_COUNT; s++)
		json_unsigned(w, alarm_state_word((enum alarm_state)s), counts[s]);
	json_close(w);
}

struct http_answer views_status(struct api *api, const char *name, const struct http_request *r)
{
	char stuck[API_STUCK_MAX];
	struct json_writer w;
	struct health h;
	if (api->describe(api->user, &h) < 0)
		return (struct http_answer){ 0 };
	begin(&w);
	json_payload_own_health(&w, &h);
	health_deinit(&h);
	json_bool(&w, "healthy", !api->is_stuck(api->user, stuck));
	put_devices(&w, api->live);
	put_alarm_counts(&w, api->live);
	json_payload_info(&w, "info", api->live, api->started_ms);
	return finish(&w, HTTP_OK);
}

struct http_answer views_points(struct api *api, const char *name, const struct http_request *r)
{
	const char *match = http_parameter(r, "match");
	char full[2 * NAME_LENGTH_MAX + 2];
	struct json_writer w;
	begin(&w);
	json_integer(&w, "ts", clock_utc_ms());
	json_open(&w, "points");
	for (size_t i = 0; i < api->live->config->device_count; i++) {
		const struct table_device *d = &api->live->table->devices[i];
		for (size_t k = 0; k < d->config->point_count; k++) {
			snprintf(full, sizeof(full), "%s.%s", d->config->name, d->config->points[k].name);
			if (!match || glob_matches(match, full))
				json_payload_reading(&w, full, d, k);
		}
	}
	json_close(&w);
	return keep(finish(&w, HTTP_OK));
}

static void put_loops(struct json_writer *w, const struct live *l)
{
	int64_t now_ms = clock_utc_ms();
	for (size_t i = 0; i < l->config->loop_count; i++) {
		const struct loop_config *c = &l->config->loops[i];
		json_payload_loop(w, c->name, c, loops_figures(l->loops, i), now_ms);
	}
}

struct http_answer views_loops(struct api *api, const char *name, const struct http_request *r)
{
	return keep(list(api, "loops", put_loops));
}

static void put_groups(struct json_writer *w, const struct live *l)
{
	int64_t now_ms = clock_utc_ms();
	for (size_t i = 0; i < l->config->group_count; i++) {
		const struct group_config *c = &l->config->groups[i];
		json_payload_group(w, c->name, c, l->groups, i, now_ms);
	}
}

struct http_answer views_groups(struct api *api, const char *name, const struct http_request *r)
{
	return keep(list(api, "groups", put_groups));
}

static void put_pues(struct json_writer *w, const struct live *l)
{
	int64_t now_ms = clock_utc_ms(), offset = clock_realtime_offset();
	for (size_t i = 0; i < l->config->pue_count; i++) {
		const struct pue_config *c = &l->config->pues[i];
		json_payload_pue(w, c->name, c, pues_at(l->pues, i), offset, now_ms);
	}
}

struct http_answer views_pue(struct api *api, const char *name, const struct http_request *r)
{
	return keep(list(api, "pues", put_pues));
}

struct alarm_list {
	struct json_writer *w;
	const struct config *config;
	int64_t now_ms;
};

static void put_alarm(const struct alarm *a, void *user)
{
	const struct alarm_list *l = user;
	json_payload_alarm(l->w, a->config->name, l->config, a, l->now_ms);
}

static void put_alarms(struct json_writer *w, const struct live *l)
{
	struct alarm_list list = { w, l->config, clock_utc_ms() };
	alarms_each(l->alarms, put_alarm, &list);
}

struct http_answer views_alarms(struct api *api, const char *name, const struct http_request *r)
{
	return list(api, "alarms", put_alarms);
}

static void put_change(const struct alarm_change *c, void *user)
{
	json_payload_alarm_change(user, c);
}

struct http_answer views_history(struct api *api, const char *name, const struct http_request *r)
{
	struct json_writer w;
	begin(&w);
	json_open_list(&w, "history");
	alarm_log_each(alarms_log(api->live->alarms), clock_utc_ms(), put_change, &w);
	json_close_list(&w);
	return finish(&w, HTTP_OK);
}

struct http_answer views_buses(struct api *api, const char *name, const struct http_request *r)
{
	struct json_writer w;
	struct health h;
	if (api->describe(api->user, &h) < 0)
		return (struct http_answer){ 0 };
	begin(&w);
	json_integer(&w, "ts", h.ts_ms);
	json_open(&w, "buses");
	for (size_t i = 0; i < h.config->bus_count; i++)
		json_payload_bus_health(&w, &h, i);
	json_close(&w);
	health_deinit(&h);
	return finish(&w, HTTP_OK);
}

static void put_config(struct json_writer *w, const struct live *l)
{
	config_view_put(w, l->config);
}

struct http_answer views_config(struct api *api, const char *name, const struct http_request *r)
{
	return keep(list(api, "sections", put_config));
}
