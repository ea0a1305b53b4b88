#include "daemon/http/metrics.h"

#include "daemon/http/health_metrics.h"
#include "daemon/http/pue_metrics.h"
#include "daemon/publish/json_payload.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAMED(n) "coolantd_" n
static void put_build(struct metrics_writer *w, const struct api *api)
{
	static const struct metric_family build = { NAMED("build"), METRIC_INFO, NULL,
		"what this coolantd is" };
	static const struct metric_family start = { NAMED("start_time_seconds"), METRIC_GAUGE, "seconds",
		"when the process was started, since the epoch" };
	static const struct metric_family healthy = { NAMED("healthy"), METRIC_GAUGE, NULL,
		"whether all moves: else the watchdog is not fed" };
	char hash[17], stuck[API_STUCK_MAX];
	const struct config *c = api->live->config;
	snprintf(hash, sizeof(hash), "%016" PRIx64, c->fingerprint);
	metrics_family(w, &build);
	metrics_sample(w,
	    METRIC_LABELS("version", COOLANTD_VERSION, "site", c->daemon->site, "rack", c->daemon->rack,
		"config_hash", hash),
	    1, JSON_DECIMAL);
	metrics_family(w, &start);
	metrics_sample(w, NULL, (double)api->started_ms / 1e3, JSON_DECIMAL);
	metrics_family(w, &healthy);
	metrics_sample(w, NULL, !api->is_stuck(api->user, stuck), JSON_DECIMAL);
}

#define DEVICE_LABELS 6 /* of each, before its own */
#define LABELS_MAX 32	/* of a device's own: what the configuration allows */

/* The labels of a device as label_KEY, with _ for -; of keys that become the same the first. */
struct device_labels {
	char keys[LABELS_MAX][NAME_LENGTH_MAX + 8];
	const char *items[2 * (DEVICE_LABELS + LABELS_MAX) + 1]; /* a name, its value, … */
	size_t count;
};

static void add_label(struct device_labels *l, size_t i, const char *label)
{
	const char *value = strchr(label, ':') + 1;
	int n = snprintf(l->keys[i], sizeof(l->keys[i]), "label_%.*s", (int)(value - label - 1), label);
	for (int k = 0; k < n; k++)
		if (l->keys[i][k] == '-')
			l->keys[i][k] = '_';
	for (size_t k = 0; k < l->count; k += 2)
		if (strcmp(l->items[k], l->keys[i]) == 0)
			return;
	l->items[l->count++] = l->keys[i];
	l->items[l->count++] = value + strspn(value, " \t");
}

static void put_device_info(struct metrics_writer *w, const struct live *l)
{
	static const struct metric_family info = { NAMED("device"), METRIC_INFO, NULL,
		"what a device is, with its labels" };
	metrics_family(w, &info);
	for (size_t i = 0; i < l->config->device_count; i++) {
		const struct device_config *d = &l->config->devices[i];
		char unit[24];
		snprintf(unit, sizeof(unit), "%" PRId64, d->unit);
		struct device_labels labels = { .items = { "device", d->name, "bus", d->bus_name, "unit_id",
						    unit, "profile", d->profile_name, "vendor",
						    d->profile ? d->profile->vendor : "", "model",
						    d->profile ? d->profile->model : "" },
			.count = (size_t)2 * DEVICE_LABELS };
		for (size_t k = 0; k < d->labels.count && k < LABELS_MAX; k++)
			add_label(&labels, k, d->labels.items[k]);
		metrics_sample(w, labels.items, 1, JSON_DECIMAL);
	}
}

static void put_point(struct metrics_writer *w, const struct table_device *d, size_t i, bool quality)
{
	const struct point *p = &d->config->points[i];
	const struct sample *s = &d->points[i].sample;
	const char *device = d->config->name;
	if (quality)
		metrics_sample(
		    w, METRIC_LABELS("device", device, "point", p->name), s->quality, JSON_DECIMAL);
	else if (quality_has_value(s->quality))
		metrics_sample(w, METRIC_LABELS("device", device, "point", p->name, "unit", p->unit),
		    value_number(&s->value), json_payload_digits(p));
}

static void put_points(struct metrics_writer *w, const struct live *l, bool quality)
{
	static const struct metric_family value_family = { NAMED("point_value"), METRIC_GAUGE, NULL,
		"the latest reading, in its unit; a flag is 0 or 1" };
	static const struct metric_family quality_family = { NAMED("point_quality"), METRIC_GAUGE, NULL,
		"of the latest reading" METRICS_QUALITY_HELP };
	metrics_family(w, quality ? &quality_family : &value_family);
	for (size_t i = 0; i < l->config->device_count; i++)
		for (size_t k = 0; k < l->table->devices[i].config->point_count; k++)
			put_point(w, &l->table->devices[i], k, quality);
}

static void put_point_counts(struct metrics_writer *w, const struct live *l)
{
	static const struct metric_family points = { NAMED("points"), METRIC_GAUGE, NULL,
		"how many points have a reading of this quality" };
	size_t counts[QUALITY_OUT_OF_SERVICE + 1] = { 0 };
	for (size_t i = 0; i < l->config->device_count; i++)
		for (size_t k = 0; k < l->table->devices[i].config->point_count; k++)
			counts[l->table->devices[i].points[k].sample.quality]++;
	metrics_family(w, &points);
	for (unsigned q = 0; q <= QUALITY_OUT_OF_SERVICE; q++)
		metrics_sample(w, METRIC_LABELS("quality", quality_word((enum quality)q)), (double)counts[q],
		    JSON_DECIMAL);
}

/* A figure of loop `i`: its value with its unit, or the quality of that. */
static void put_loop(struct metrics_writer *w, const struct live *l, size_t i, unsigned v, bool quality)
{
	const struct loop_config *c = &l->config->loops[i];
	const struct figure *f = &loops_figures(l->loops, i)[v];
	const char *word = loop_values[v].word;
	if (!loop_has_value(c, (enum loop_value)v))
		return;
	if (quality)
		metrics_sample(w, METRIC_LABELS("loop", c->name, "figure", word), f->quality, JSON_DECIMAL);
	else
		metrics_sample(w, METRIC_LABELS("loop", c->name, "figure", word, "unit", loop_values[v].unit),
		    f->value, JSON_FIGURE);
}

static void put_loops(struct metrics_writer *w, const struct live *l, bool quality)
{
	static const struct metric_family value_family = { NAMED("loop_value"), METRIC_GAUGE, NULL,
		"a figure of a coolant loop, in its unit" };
	static const struct metric_family quality_family = { NAMED("loop_quality"), METRIC_GAUGE, NULL,
		"of a figure of a coolant loop" METRICS_QUALITY_HELP };
	metrics_family(w, quality ? &quality_family : &value_family);
	for (size_t i = 0; i < l->config->loop_count; i++)
		for (unsigned v = 0; v < LOOP_VALUE_COUNT; v++)
			put_loop(w, l, i, v, quality);
}

static void put_groups(struct metrics_writer *w, const struct live *l)
{
	static const struct metric_family value = { NAMED("group_value"), METRIC_GAUGE, NULL,
		"a figure of a group of loops, in its unit; redundancy is how many more may be lost" };
	metrics_family(w, &value);
	for (size_t i = 0; i < l->config->group_count; i++)
		for (unsigned v = 0; v < GROUP_VALUE_COUNT; v++)
			metrics_sample(w,
			    METRIC_LABELS("group", l->config->groups[i].name, "figure", group_values[v].word,
				"unit", group_values[v].unit),
			    groups_figures(l->groups, i)[v].value, JSON_FIGURE);
}

static void put_alarm(const struct alarm *a, void *user)
{
	static const bool is_active[ALARM_STATE_COUNT] = { [ALARM_ACTIVE] = true, [ALARM_SUPPRESSED] = true };
	if (a->state != ALARM_UNKNOWN && a->state != ALARM_SHELVED)
		metrics_sample(user,
		    METRIC_LABELS("alarm", a->config->name, "severity", alarm_severity_word(a->severity)),
		    is_active[a->state], JSON_DECIMAL);
}

static void put_unacknowledged(const struct alarm *a, void *user)
{
	bool waits = a->state == ALARM_CLEARED_UNACKNOWLEDGED || a->state == ALARM_ACTIVE;
	metrics_sample(
	    user, METRIC_LABELS("alarm", a->config->name), waits && !a->acknowledged, JSON_DECIMAL);
}

static void put_suppressed(const struct alarm *a, void *user)
{
	metrics_sample(
	    user, METRIC_LABELS("alarm", a->config->name), a->state == ALARM_SUPPRESSED, JSON_DECIMAL);
}

static void count_alarm(const struct alarm *a, void *user)
{
	size_t *counts = user;
	counts[a->state]++;
}

static void put_alarms(struct metrics_writer *w, const struct live *l)
{
	static const struct metric_family active = { NAMED("alarm_active"), METRIC_GAUGE, NULL,
		"whether its condition holds, suppressed or not; absent while unknown or shelved" };
	static const struct metric_family suppressed = { NAMED("alarm_suppressed"), METRIC_GAUGE, NULL,
		"whether another alarm explains it" };
	static const struct metric_family waits = { NAMED("alarm_unacknowledged"), METRIC_GAUGE, NULL,
		"whether it was raised and nobody has acknowledged it" };
	static const struct metric_family states = { NAMED("alarms"), METRIC_GAUGE, NULL,
		"how many alarms are in this state" };
	size_t counts[ALARM_STATE_COUNT] = { 0 };
	metrics_family(w, &active);
	alarms_each(l->alarms, put_alarm, w);
	metrics_family(w, &suppressed);
	alarms_each(l->alarms, put_suppressed, w);
	metrics_family(w, &waits);
	alarms_each(l->alarms, put_unacknowledged, w);
	metrics_family(w, &states);
	alarms_each(l->alarms, count_alarm, counts);
	for (unsigned s = 0; s < ALARM_STATE_COUNT; s++)
		metrics_sample(w, METRIC_LABELS("state", alarm_state_word((enum alarm_state)s)),
		    (double)counts[s], JSON_DECIMAL);
}

/* Who does not ask for OpenMetrics, but for plain text, gets the older format. */
static bool wants_classic(const char *accept)
{
	return strstr(accept, "text/plain") && !strstr(accept, "application/openmetrics-text");
}

struct http_answer metrics_answer(struct api *api, const char *name, const struct http_request *r)
{
	struct metrics_writer w;
	struct health h;
	const struct live *l = api->live;
	bool classic = wants_classic(r->accept);
	if (api->describe(api->user, &h) < 0)
		return (struct http_answer){ 0 };
	metrics_begin(&w, classic);
	put_build(&w, api);
	health_metrics_put(&w, &h);
	health_deinit(&h);
	put_device_info(&w, l);
	put_points(&w, l, false);
	put_points(&w, l, true);
	put_point_counts(&w, l);
	put_loops(&w, l, false);
	put_loops(&w, l, true);
	put_groups(&w, l);
	pue_metrics_put(&w, l);
	put_alarms(&w, l);
	return (struct http_answer){ .status = HTTP_OK,
		.text = metrics_finish(&w),
		.keep = true,
		.type = classic ? "text/plain; version=0.0.4; charset=utf-8"
				: "application/openmetrics-text; version=1.0.0; charset=utf-8" };
}
