#include "daemon/publish/json_payload.h"

#include "config/ini/text.h"
#include "drivers/os/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum json_digits json_payload_digits(const struct point *p)
{
	if (p->type == POINT_F16 || p->type == POINT_F32)
		return JSON_FLOAT;
	return p->type == POINT_F64 && p->scale == 1 && p->offset == 0 && !point_is_scaled_by_other(p)
		   ? JSON_DOUBLE
		   : JSON_DECIMAL;
}

static void put_time(struct json_writer *w, const char *key, int64_t ms)
{
	if (ms != 0)
		json_integer(w, key, ms);
	else
		json_null(w, key);
}

/* The word of a whole number, or of a bool as 0 and 1; NULL when it has none. */
static const char *word_of(const struct point *p, const struct value *v)
{
	switch (v->kind) {
	case VALUE_INTEGER:
		return point_enum_word(p, v->integer);
	case VALUE_UNSIGNED:
		return point_enum_word(p, (int64_t)v->unsigned_integer);
	case VALUE_BOOL:
		return point_enum_word(p, v->truth);
	default:
		return NULL;
	}
}

void json_payload_value(struct json_writer *w, const char *key, const struct point *p, const struct sample *s)
{
	const struct value *v = &s->value;
	if (!quality_has_value(s->quality)) {
		json_null(w, key);
		return;
	}
	const char *word = word_of(p, v);
	if (word) {
		json_text(w, key, word);
		return;
	}
	switch (v->kind) {
	case VALUE_NONE:
		json_null(w, key);
		break;
	case VALUE_NUMBER:
		json_number(w, key, v->number, json_payload_digits(p));
		break;
	case VALUE_INTEGER:
		json_integer(w, key, v->integer);
		break;
	case VALUE_UNSIGNED:
		json_unsigned(w, key, v->unsigned_integer);
		break;
	case VALUE_BOOL:
		json_bool(w, key, v->truth);
		break;
	case VALUE_TEXT:
		json_text(w, key, v->text);
		break;
	}
}

/* Points of one cycle are read one after the other: so far apart their times are the same. A cycle that is
 * shorter divides it. */
#define SAME_TIME_MAX_NS (100 * NS_PER_MS)
#define SAME_TIME_SHARE 10

/* Whether a point was read at another time than the message is of. */
static bool has_own_time(const struct output_device *d, const struct sample *s, int64_t ms)
{
	int64_t share = d->device->config->poll_interval / SAME_TIME_SHARE;
	int64_t same = share < SAME_TIME_MAX_NS ? share : SAME_TIME_MAX_NS;
	return s->time_ns != 0 && s->quality != QUALITY_STALE && llabs(d->ts_ms - ms) * NS_PER_MS > same;
}

void json_payload_device(struct json_writer *w, const struct output_device *d, const bool *news)
{
	const struct device_config *c = d->device->config;
	const struct table_point *points = d->device->points;
	json_open(w, NULL);
	json_integer(w, "ts", d->ts_ms);
	json_unsigned(w, "seq", d->seq);
	json_open(w, "values");
	for (size_t i = 0; i < c->point_count; i++)
		if (!news || news[i])
			json_payload_value(w, c->points[i].name, &c->points[i], &points[i].sample);
	json_close(w);
	json_open(w, "quality");
	for (size_t i = 0; i < c->point_count; i++)
		if ((!news || news[i]) && points[i].sample.quality != QUALITY_GOOD)
			json_text(w, c->points[i].name, quality_word(points[i].sample.quality));
	json_close(w);
	json_open(w, "times");
	for (size_t i = 0; i < c->point_count; i++) {
		int64_t ms = (points[i].sample.time_ns + d->device->utc_offset_ns) / NS_PER_MS;
		if ((!news || news[i]) && has_own_time(d, &points[i].sample, ms))
			json_integer(w, c->points[i].name, ms);
	}
	json_close(w);
	json_close(w);
}

void json_payload_point(struct json_writer *w, const struct table_device *d, size_t point, int64_t now_ms)
{
	const struct sample *s = &d->points[point].sample;
	/* a value that turned stale has no reply of its own: the time is that of finding it out */
	bool has_time = s->time_ns != 0 && s->quality != QUALITY_STALE;
	json_open(w, NULL);
	json_integer(w, "ts", has_time ? (s->time_ns + d->utc_offset_ns) / NS_PER_MS : now_ms);
	json_payload_value(w, "value", &d->config->points[point], s);
	json_text(w, "quality", quality_word(s->quality));
	json_close(w);
}

void json_payload_reading(struct json_writer *w, const char *key, const struct table_device *d, size_t point)
{
	const struct point *p = &d->config->points[point];
	const struct sample *s = &d->points[point].sample;
	json_open(w, key);
	put_time(w, "ts", s->time_ns != 0 ? (s->time_ns + d->utc_offset_ns) / NS_PER_MS : 0);
	json_payload_value(w, "value", p, s);
	json_text(w, "unit", p->unit);
	json_text(w, "quality", quality_word(s->quality));
	json_close(w);
}

static void put_point_info(struct json_writer *w, const struct point *p)
{
	json_open(w, p->name);
	json_text(w, "unit", p->unit);
	json_text(w, "description", p->description);
	json_text(w, "type", point_type_word(p->type));
	if (p->counter)
		json_bool(w, "counter", true);
	if (p->enums.count > 0) {
		json_open_list(w, "enum");
		for (size_t i = 0; i < p->enums.count; i++)
			json_text(w, NULL, p->enums.items[i].word);
		json_close_list(w);
	}
	json_close(w);
}

static void put_alarm_name(const struct alarm *a, void *user)
{
	json_text(user, NULL, a->config->name);
}

void json_payload_info(struct json_writer *w, const char *key, const struct live *l, int64_t started_ms)
{
	const struct config *c = l->config;
	char hash[17];
	snprintf(hash, sizeof(hash), "%016" PRIx64, c->fingerprint);
	json_open(w, key);
	json_text(w, "version", COOLANTD_VERSION);
	json_text(w, "config_hash", hash);
	json_integer(w, "start_time", started_ms);
	json_text(w, "site", c->daemon->site);
	json_text(w, "rack", c->daemon->rack);
	json_open_list(w, "devices");
	for (size_t i = 0; i < c->device_count; i++)
		json_text(w, NULL, c->devices[i].name);
	json_close_list(w);
	json_open_list(w, "loops");
	for (size_t i = 0; i < c->loop_count; i++)
		json_text(w, NULL, c->loops[i].name);
	json_close_list(w);
	json_open_list(w, "groups");
	for (size_t i = 0; i < c->group_count; i++)
		json_text(w, NULL, c->groups[i].name);
	json_close_list(w);
	json_open_list(w, "pues");
	for (size_t i = 0; i < c->pue_count; i++)
		json_text(w, NULL, c->pues[i].name);
	json_close_list(w);
	json_open_list(w, "alarms");
	alarms_each(l->alarms, put_alarm_name, w);
	json_close_list(w);
	json_close(w);
}

static void put_labels(struct json_writer *w, const struct schema_list *labels)
{
	char key[NAME_LENGTH_MAX + 1];
	json_open(w, "labels");
	for (size_t i = 0; i < labels->count; i++) {
		const char *label = labels->items[i], *value = strchr(label, ':') + 1;
		snprintf(key, sizeof(key), "%.*s", (int)(value - label - 1), label);
		json_text(w, key, value + strspn(value, " \t"));
	}
	json_close(w);
}

void json_payload_device_info(struct json_writer *w, const struct device_config *d)
{
	json_open(w, NULL);
	json_text(w, "bus", d->bus_name);
	json_integer(w, "unit_id", d->unit);
	json_text(w, "profile", d->profile_name);
	json_text(w, "vendor", d->profile ? d->profile->vendor : "");
	json_text(w, "model", d->profile ? d->profile->model : "");
	put_labels(w, &d->labels);
	json_integer(w, "poll_interval_ms", d->poll_interval / NS_PER_MS);
	json_bool(w, "enabled", d->enabled);
	json_open(w, "points");
	for (size_t i = 0; i < d->point_count; i++)
		put_point_info(w, &d->points[i]);
	json_close(w);
	json_close(w);
}

void json_payload_loop(struct json_writer *w, const char *key, const struct loop_config *l,
    const struct figure values[LOOP_VALUE_COUNT], int64_t ts_ms)
{
	json_open(w, key);
	json_integer(w, "ts", ts_ms);
	json_open(w, "values");
	for (unsigned v = 0; v < LOOP_VALUE_COUNT; v++)
		if (loop_has_value(l, (enum loop_value)v))
			json_number(w, loop_value_word((enum loop_value)v), values[v].value, JSON_FIGURE);
	json_close(w);
	json_open(w, "quality");
	for (unsigned v = 0; v < LOOP_VALUE_COUNT; v++)
		if (loop_has_value(l, (enum loop_value)v))
			json_text(w, loop_value_word((enum loop_value)v), quality_word(values[v].quality));
	json_close(w);
	json_open(w, "reason");
	for (unsigned v = 0; v < LOOP_VALUE_COUNT; v++)
		if (loop_has_value(l, (enum loop_value)v) && values[v].quality != QUALITY_GOOD &&
		    values[v].reason)
			json_text(w, loop_value_word((enum loop_value)v), values[v].reason);
	json_close(w);
	json_close(w);
}

static void put_group_value(struct json_writer *w, enum group_value v, const struct figure *f)
{
	const char *word = group_redundancy_word(f);
	if (v != GROUP_REDUNDANCY)
		json_number(w, group_values[v].word, f->value, JSON_FIGURE);
	else if (word)
		json_text(w, group_values[v].word, word);
	else
		json_null(w, group_values[v].word);
}

void json_payload_group(struct json_writer *w, const char *key, const struct group_config *c,
    const struct groups *g, size_t i, int64_t ts_ms)
{
	const struct figure *values = groups_figures(g, i);
	json_open(w, key);
	json_integer(w, "ts", ts_ms);
	json_open(w, "values");
	for (unsigned v = 0; v < GROUP_VALUE_COUNT; v++)
		put_group_value(w, (enum group_value)v, &values[v]);
	json_close(w);
	json_open(w, "quality");
	for (unsigned v = 0; v < GROUP_VALUE_COUNT; v++)
		if (values[v].quality != QUALITY_GOOD)
			json_text(w, group_values[v].word, quality_word(values[v].quality));
	json_close(w);
	json_open(w, "reason");
	for (unsigned v = 0; v < GROUP_VALUE_COUNT; v++)
		if (values[v].quality != QUALITY_GOOD && values[v].reason)
			json_text(w, group_values[v].word, values[v].reason);
	json_close(w);
	json_open(w, "unfit");
	for (size_t k = 0; k < c->loop_names.count; k++) {
		const char *why = groups_unfit(g, i, k);
		if (why)
			json_text(w, c->loop_names.items[k], why);
	}
	json_close(w);
	json_close(w);
}

static void put_reason(struct json_writer *w, const struct figure *f)
{
	if (f->quality != QUALITY_GOOD && f->reason)
		json_text(w, "reason", f->reason);
}

static void put_role(
    struct json_writer *w, enum pue_role r, const char *unit, double value, enum json_digits digits)
{
	char key[40];
	snprintf(key, sizeof(key), "%s_%s", pue_role_word(r), unit);
	json_number(w, key, value, digits);
}

/* Why a figure beside a PUE that is known is not. */
static void put_reasons(struct json_writer *w, const struct pue_window *win)
{
	const struct {
		const char *key, *reason;
		bool is_missing;
	} figures[] = {
		{ "ere", win->ere.reason, win->has_role[PUE_REUSE_HEAT] && isnan(win->ere.value) },
		{ "wue", win->wue.reason, win->has_role[PUE_WATER] && isnan(win->wue.value) },
		{ "cooling", "it is not known for all of the time",
		    win->has_role[PUE_COOLING] && isnan(win->kwh[PUE_COOLING]) },
	};
	bool is_open = false;
	for (size_t i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		if (isnan(win->pue.value) || !figures[i].is_missing || !figures[i].reason)
			continue;
		if (!is_open)
			json_open(w, "reasons");
		is_open = true;
		json_text(w, figures[i].key, figures[i].reason);
	}
	if (is_open)
		json_close(w);
}

static void put_window(
    struct json_writer *w, const char *name, const struct pue_window *win, double carbon_factor)
{
	static const char *const parts[] = { [PUE_PART_IT] = "it",
		[PUE_PART_COOLING] = "cooling",
		[PUE_PART_LOSS] = "loss",
		[PUE_PART_OTHER] = "other" };
	json_open(w, name);
	json_number(w, "pue", win->pue.value, JSON_FIGURE);
	if (win->has_role[PUE_REUSE_HEAT])
		json_number(w, "ere", win->ere.value, JSON_FIGURE);
	if (win->has_role[PUE_WATER])
		json_number(w, "wue", win->wue.value, JSON_FIGURE);
	if (win->has_role[PUE_FACILITY] && !isnan(carbon_factor))
		json_number(w, "cue", win->pue.value * carbon_factor, JSON_FIGURE);
	put_time(w, "start", win->start_ms);
	put_time(w, "end", win->end_ms);
	json_number(w, "coverage", round(win->coverage * 1e4) / 1e4, JSON_DECIMAL);
	json_bool(w, "energy_complete", win->energy_complete);
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		if (win->has_role[r])
			put_role(w, (enum pue_role)r, pue_role_unit(r)->amount,
			    pue_role_unit(r)->per_kwh * win->kwh[r], JSON_ENERGY);
	json_open(w, "parts_kwh");
	for (unsigned i = 0; i < PUE_PART_COUNT; i++)
		if (win->parts.has[i])
			json_number(w, parts[i], win->parts.kwh[i], JSON_ENERGY);
	json_close(w);
	json_text(w, "quality", quality_word(win->pue.quality));
	put_reason(w, &win->pue);
	put_reasons(w, win);
	json_number(w, "uncertainty", round(win->uncertainty * 1e6) / 1e6, JSON_DECIMAL);
	json_close(w);
}

void json_payload_pue(struct json_writer *w, const char *key, const struct pue_config *c, const struct pue *p,
    int64_t utc_offset_ns, int64_t now_ms)
{
	int64_t when;
	struct figure ratio = pue_power_ratio(p, &when);
	bool stated = quality_has_value(ratio.quality);

	json_open(w, key);
	json_integer(w, "ts", stated ? (when + utc_offset_ns) / NS_PER_MS : now_ms);
	json_text(w, "boundary", c->boundary);
	json_bool(w, "partial", pue_is_partial(p));
	if (c->category > 0)
		json_integer(w, "category", c->category);
	json_number(w, "power_ratio", ratio.value, JSON_FIGURE);
	json_text(w, "quality", quality_word(ratio.quality));
	put_reason(w, &ratio);
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		if (c->role_names[r].count > 0)
			put_role(w, (enum pue_role)r, pue_role_unit(r)->rate,
			    pue_role_unit(r)->per_kw * pue_role_power(p, (enum pue_role)r).value,
			    JSON_FIGURE);
	json_open(w, "windows");
	for (size_t i = 0; i < c->window_count; i++) {
		struct pue_window win = pue_window(p, i);
		put_window(w, c->window_names.items[i], &win, c->carbon_factor);
	}
	json_close(w);
	json_close(w);
}

/* As the point that it looks at is printed. */
static enum json_digits alarm_digits(const struct config *all, const struct alarm_config *c)
{
	bool is_reading = c->source == SOURCE_POINT && c->points.count == 1;
	return is_reading ? json_payload_digits(reference_get(all, c->points.refs[0])) : JSON_FIGURE;
}

/* What belongs to the state that it is in. */
static void put_why(struct json_writer *w, const struct alarm *a)
{
	const char *reason = a->input.reason;
	bool is_lost = a->state == ALARM_ACTIVE && a->config->when == WHEN_LOST;
	if (a->acknowledged && a->acknowledged_by[0])
		json_text(w, "acknowledged_by", a->acknowledged_by);
	if (a->state == ALARM_UNKNOWN || is_lost)
		json_text(w, "reason", reason ? reason : quality_word(a->input.quality));
	if (a->state == ALARM_SUPPRESSED && a->suppressed_by)
		json_text(w, "suppressed_by", a->suppressed_by);
	if (a->state == ALARM_SHELVED) {
		json_integer(w, "shelved_until", a->shelved_until_ms);
		json_text(w, "shelved_by", a->shelved_by);
	}
}

void json_payload_alarm(
    struct json_writer *w, const char *key, const struct config *all, const struct alarm *a, int64_t now_ms)
{
	const struct alarm_config *c = a->config;
	bool is_count = c->source == SOURCE_POINT && c->points.how == COMBINE_COUNT;
	bool is_truth = (c->when == WHEN_TRUE || c->when == WHEN_FALSE) && !is_count;
	json_open(w, key);
	json_integer(w, "ts", a->changed_ms ? a->changed_ms : now_ms);
	json_text(w, "state", alarm_state_word(a->state));
	json_text(w, "severity", alarm_severity_word(a->severity));
	if (is_truth && quality_has_value(a->input.quality))
		json_bool(w, "value", a->input.value != 0);
	else
		json_number(w, "value", a->input.value, alarm_digits(all, c));
	json_text(w, "point", c->point_name);
	json_text(w, "message", c->message);
	json_bool(w, "acknowledged", a->acknowledged);
	put_why(w, a);
	json_close(w);
}

void json_payload_alarm_change(struct json_writer *w, const struct alarm_change *c)
{
	json_open(w, NULL);
	json_integer(w, "ts", c->ts_ms);
	json_text(w, "name", c->name);
	json_text(w, "state", alarm_state_word(c->state));
	json_text(w, "severity", alarm_severity_word(c->severity));
	json_number(w, "value", c->value, JSON_FIGURE);
	json_text(w, "message", c->message);
	json_bool(w, "acknowledged", c->acknowledged);
	if (c->by[0])
		json_text(w, "by", c->by);
	json_close(w);
}

void json_payload_reference(struct json_writer *w, const struct loop_reference *r)
{
	json_open(w, NULL);
	json_number(w, "nominal_flow", r->flow * LOOP_LPM, JSON_FIGURE);
	json_number(w, "clean_resistance", r->filter_resistance / LOOP_RESISTANCE, JSON_FIGURE);
	json_number(w, "differential_pressure", r->pressure / 1e3, JSON_FIGURE);
	json_number(w, "pump_speed", r->pump_speed * 100, JSON_FIGURE);
	json_close(w);
}

void json_payload_gap(struct json_writer *w, int64_t from_ms, int64_t to_ms, uint64_t dropped)
{
	json_open(w, NULL);
	json_integer(w, "from", from_ms);
	json_integer(w, "to", to_ms);
	json_unsigned(w, "dropped", dropped);
	json_close(w);
}

/* To a microsecond. */
static double milliseconds(int64_t ns)
{
	return round((double)ns / 1e3) / 1e3;
}

static void put_device_health(struct json_writer *w, const struct health *h, const struct device_stats *d)
{
	json_open(w, d->name);
	json_bool(w, "up", !d->silent && d->last_reply_ns != 0);
	json_bool(w, "wrong", d->wrong);
	json_number(w, "backoff_s", (double)d->backoff_ns / NS_PER_S, JSON_DECIMAL);
	if (d->last_reply_ns)
		json_integer(w, "last_reply", (d->last_reply_ns + h->utc_offset_ns) / NS_PER_MS);
	else
		json_null(w, "last_reply");
	json_unsigned(w, "requests", d->requests);
	json_unsigned(w, "replies", d->replies);
	json_unsigned(w, "timeouts", d->timeouts);
	json_unsigned(w, "exceptions", d->exceptions);
	json_unsigned(w, "bad_replies", d->bad_replies);
	json_unsigned(w, "missed_cycles", d->missed_cycles);
	json_close(w);
}

void json_payload_bus_health(struct json_writer *w, const struct health *h, size_t bus)
{
	const struct bus_config *config = &h->config->buses[bus];
	const struct driver_stats *s = &h->buses[bus];
	json_open(w, config->name);
	if (bus_has_load(config)) /* as planned, a share of the line's time */
		json_number(w, "load", round(h->loads[bus].share * 1e4) / 1e4, JSON_DECIMAL);
	json_bool(w, "connected", s->connected);
	json_unsigned(w, "requests", s->requests);
	json_unsigned(w, "replies", s->replies);
	json_unsigned(
	    w, "errors", s->timeouts + s->bad_replies + s->exceptions + s->closed + s->connect_failures);
	json_unsigned(w, "timeouts", s->timeouts);
	json_unsigned(w, "exceptions", s->exceptions);
	json_unsigned(w, "bad_replies", s->bad_replies);
	json_unsigned(w, "stray_replies", s->stray_replies);
	json_unsigned(w, "echoes", s->echoes);
	json_unsigned(w, "closed", s->closed);
	json_unsigned(w, "connects", s->connects);
	json_unsigned(w, "connect_failures", s->connect_failures);
	json_number(w, "latency_ms",
	    s->replies ? round((double)s->latency_sum_ns / (double)s->replies / 1e3) / 1e3 : NAN,
	    JSON_DECIMAL);
	json_number(w, "latency_max_ms", s->replies ? milliseconds(s->latency_max_ns) : NAN, JSON_DECIMAL);
	json_open(w, "devices");
	for (size_t i = 0; i < s->device_count; i++)
		put_device_health(w, h, &s->devices[i]);
	json_close(w);
	json_close(w);
}

static void put_broker(struct json_writer *w, const struct health_broker *b)
{
	json_open(w, "publisher");
	json_bool(w, "connected", b->connected);
	json_unsigned(w, "published", b->published);
	json_unsigned(w, "acknowledged", b->acknowledged);
	json_unsigned(w, "dropped", b->dropped);
	json_unsigned(w, "reconnects", b->reconnects);
	json_unsigned(w, "queued", b->queued);
	json_unsigned(w, "in_flight", b->in_flight);
	json_close(w);
	json_open(w, "spool");
	json_unsigned(w, "depth", b->waiting);
	json_unsigned(w, "bytes", b->waiting_bytes);
	json_unsigned(w, "dropped", b->waiting_dropped);
	put_time(w, "oldest", b->oldest_ms);
	if (b->spool_trouble && b->spool_trouble[0])
		json_text(w, "problem", b->spool_trouble);
	else
		json_null(w, "problem");
	json_close(w);
}

void json_payload_own_health(struct json_writer *w, const struct health *h)
{
	json_integer(w, "ts", h->ts_ms);
	json_integer(w, "uptime_s", h->uptime_s);
	json_unsigned(w, "samples", h->samples);
	json_unsigned(w, "batches_dropped", h->batches_dropped);
	json_number(w, "loop_lag_ms", milliseconds(h->lag_ns), JSON_DECIMAL);
	json_number(w, "alarm_latency_ms", h->alarm_latency_ns ? milliseconds(h->alarm_latency_ns) : NAN,
	    JSON_DECIMAL);
	put_broker(w, &h->brokers[OUTPUT_MAIN]);
	json_open(w, "connections");
	for (enum output_connection i = OUTPUT_MAIN + 1; i < OUTPUT_CONNECTIONS; i++) {
		if (!output_connection_of(h->config, i))
			continue;
		json_open(w, output_connection_word(i));
		put_broker(w, &h->brokers[i]);
		json_close(w);
	}
	json_close(w);
}

void json_payload_health(struct json_writer *w, const struct health *h)
{
	json_open(w, NULL);
	json_payload_own_health(w, h);
	json_open(w, "buses");
	for (size_t i = 0; i < h->config->bus_count; i++)
		json_payload_bus_health(w, h, i);
	json_close(w);
	json_close(w);
}
