#include "daemon/publish/sparkplug_metrics.h"

#include "daemon/publish/json_payload.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Figures of a window beside its energies, and metrics of an alarm. */
#define WINDOW_FIGURES 4
#define ALARM_METRICS 5

void sparkplug_list_free(struct sparkplug_list *l)
{
	free(l->metrics);
	free(l->names);
	*l = (struct sparkplug_list){ 0 };
}

/* Empties it; there is room for so many then. */
static bool begin(struct sparkplug_list *l, size_t most, int64_t ts_ms)
{
	l->count = 0;
	l->ts_ms = ts_ms;
	if (most <= l->capacity)
		return true;
	free(l->metrics);
	free(l->names);
	l->metrics = calloc(most, sizeof(l->metrics[0]));
	l->names = calloc(most, sizeof(l->names[0]));
	l->capacity = l->metrics && l->names ? most : 0;
	return l->capacity > 0;
}

/* Of a metric whose value is its type's already. */
static void add(struct sparkplug_list *l, const struct sparkplug_metric *m)
{
	l->metrics[l->count] = *m;
	if (l->metrics[l->count].ts_ms == 0)
		l->metrics[l->count].ts_ms = l->ts_ms;
	l->count++;
}

static void add_figure(struct sparkplug_list *l, const char *name, const char *unit, struct figure f)
{
	const struct value v = { .kind = VALUE_NUMBER, .number = f.value };
	add(l, &(struct sparkplug_metric){ .name = name,
		   .type = SPARKPLUG_DOUBLE,
		   .value = sparkplug_value(SPARKPLUG_DOUBLE, &v),
		   .quality = f.quality,
		   .unit = unit });
}

static void add_text(struct sparkplug_list *l, const char *name, const char *text, enum quality quality)
{
	const struct value v = { .kind = text ? VALUE_TEXT : VALUE_NONE, .text = (char *)text };
	add(l, &(struct sparkplug_metric){
		   .name = name, .type = SPARKPLUG_STRING, .value = v, .quality = quality });
}

/* A number that reads as a word is told as that, as everywhere. */
static bool has_words(const struct point *p)
{
	return point_is_number(p) && p->enums.count > 0 && p->scale == 1 && p->offset == 0;
}

static enum sparkplug_type type_of(const struct point *p)
{
	enum point_format format = point_format(p);
	if (format == POINT_TEXT || has_words(p))
		return SPARKPLUG_STRING;
	if (!point_is_number(p))
		return SPARKPLUG_BOOLEAN;
	if (format == POINT_FLOAT || p->scale != 1 || p->offset != 0 || point_is_scaled_by_other(p))
		return SPARKPLUG_DOUBLE;
	return format == POINT_UNSIGNED && p->type == POINT_U64 && !p->has_minus ? SPARKPLUG_UINT64
										 : SPARKPLUG_INT64;
}

/* The word of a number; one that has none is written in figures, into `room`. */
static struct value word_of(const struct point *p, const struct value *v, char room[SPARKPLUG_NAME_MAX])
{
	const struct value n = sparkplug_value(SPARKPLUG_INT64, v);
	if (n.kind == VALUE_NONE)
		return n;
	const char *word = point_enum_word(p, n.integer);
	if (!word)
		snprintf(room, SPARKPLUG_NAME_MAX, "%lld", (long long)n.integer);
	return (struct value){ .kind = VALUE_TEXT, .text = word ? (char *)word : room };
}

/* As everywhere, 0.7 is not 0.7000000000000001: what was scaled has fifteen digits. */
static void round_value(const struct point *p, struct value *v)
{
	char text[JSON_NUMBER_MAX];
	if (v->kind != VALUE_NUMBER || json_payload_digits(p) != JSON_DECIMAL)
		return;
	json_number_text(text, v->number, JSON_DECIMAL);
	v->number = strtod(text, NULL);
}

static void add_point(struct sparkplug_list *l, const struct table_device *d, size_t i)
{
	const struct point *p = &d->config->points[i];
	const struct sample *s = &d->points[i].sample;
	struct sparkplug_metric m = { .name = p->name,
		.type = type_of(p),
		.value = { .kind = VALUE_NONE },
		.quality = s->quality,
		.unit = p->unit };
	bool known = d->points[i].updates > 0;
	if (!known && s->quality == QUALITY_GOOD)
		m.quality = QUALITY_STALE; /* not read yet */
	if (known && quality_has_value(s->quality)) {
		m.ts_ms = (s->time_ns + d->utc_offset_ns) / NS_PER_MS;
		m.value =
		    has_words(p) ? word_of(p, &s->value, l->names[i]) : sparkplug_value(m.type, &s->value);
		round_value(p, &m.value);
	}
	add(l, &m);
}

void sparkplug_list_device(struct sparkplug_list *l, const struct table_device *d, int64_t ts_ms)
{
	if (!begin(l, d->config->point_count, ts_ms))
		return;
	for (size_t i = 0; i < d->config->point_count; i++)
		add_point(l, d, i);
}

void sparkplug_list_loop(struct sparkplug_list *l, const struct live *live, size_t i, int64_t ts_ms)
{
	const struct figure *figures = loops_figures(live->loops, i);
	if (!begin(l, LOOP_VALUE_COUNT, ts_ms))
		return;
	for (enum loop_value v = 0; v < LOOP_VALUE_COUNT; v++)
		if (loop_has_value(&live->config->loops[i], v))
			add_figure(l, loop_values[v].word, loop_values[v].unit, figures[v]);
}

void sparkplug_list_group(struct sparkplug_list *l, const struct live *live, size_t i, int64_t ts_ms)
{
	const struct figure *figures = groups_figures(live->groups, i);
	if (!begin(l, GROUP_VALUE_COUNT, ts_ms))
		return;
	for (enum group_value v = 0; v < GROUP_VALUE_COUNT; v++) {
		if (v == GROUP_REDUNDANCY)
			add_text(
			    l, group_values[v].word, group_redundancy_word(&figures[v]), figures[v].quality);
		else
			add_figure(l, group_values[v].word, group_values[v].unit, figures[v]);
	}
}

/* A figure whose name is made for it. */
static void add_named(struct sparkplug_list *l, const char *unit, struct figure f, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void add_named(struct sparkplug_list *l, const char *unit, struct figure f, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	(void)vsnprintf(l->names[l->count], SPARKPLUG_NAME_MAX, format, ap);
	va_end(ap);
	add_figure(l, NULL, unit, f);
	l->metrics[l->count - 1].name = l->names[l->count - 1];
}

/* A number that is as good as the figure that it is a part of. */
static struct figure part_of(const struct figure *whole, double value)
{
	enum quality q = isfinite(value) == quality_has_value(whole->quality) ? whole->quality
			 : isfinite(value)				      ? QUALITY_GOOD
									      : QUALITY_INVALID;
	return (struct figure){ .value = value, .quality = q };
}

static void add_window(struct sparkplug_list *l, const struct pue_config *c, const struct pue *p, size_t i)
{
	const char *name = c->window_names.items[i];
	struct pue_window w = pue_window(p, i);
	add_named(l, "1", w.pue, "windows/%s/pue", name);
	if (c->role_names[PUE_REUSE_HEAT].count > 0)
		add_named(l, "1", w.ere, "windows/%s/ere", name);
	add_named(l, "1", part_of(&w.pue, w.coverage), "windows/%s/coverage", name);
	add_named(l, "1", part_of(&w.pue, w.uncertainty), "windows/%s/uncertainty", name);
	for (enum pue_role r = 0; r < PUE_ROLE_COUNT; r++)
		if (c->role_names[r].count > 0)
			add_named(
			    l, "kWh", part_of(&w.pue, w.kwh[r]), "windows/%s/%s_kwh", name, pue_role_word(r));
}

void sparkplug_list_pue(struct sparkplug_list *l, const struct live *live, size_t i, int64_t ts_ms)
{
	const struct pue_config *c = &live->config->pues[i];
	const struct pue *p = pues_at(live->pues, i);
	int64_t when;
	if (!begin(l, 1 + PUE_ROLE_COUNT + c->window_count * (WINDOW_FIGURES + PUE_ROLE_COUNT), ts_ms))
		return;
	add_figure(l, "power_ratio", "1", pue_power_ratio(p, &when));
	for (enum pue_role r = 0; r < PUE_ROLE_COUNT; r++)
		if (c->role_names[r].count > 0)
			add_named(l, "kW", pue_role_power(p, r), "%s_kw", pue_role_word(r));
	for (size_t w = 0; w < c->window_count; w++)
		add_window(l, c, p, w);
}

void sparkplug_list_alarm(struct sparkplug_list *l, const struct alarm *a, int64_t ts_ms)
{
	if (!begin(l, ALARM_METRICS, ts_ms))
		return;
	add_text(l, "state", alarm_state_word(a->state), QUALITY_GOOD);
	add_text(l, "severity", alarm_severity_word(a->severity), QUALITY_GOOD);
	add_text(l, "message", a->config->message, QUALITY_GOOD);
	add(l, &(struct sparkplug_metric){ .name = "acknowledged",
		   .type = SPARKPLUG_BOOLEAN,
		   .value = { .kind = VALUE_BOOL, .truth = a->acknowledged },
		   .quality = QUALITY_GOOD });
	add_figure(l, "value", "", a->input);
}
