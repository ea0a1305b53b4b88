#include "control_loop.h"

#include "quantity.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct control_meter {
	struct meter_ref ref;
};

static unsigned counter_width(const struct point *p)
{
	if (p->type == POINT_F32 || p->type == POINT_F64)
		return 0;
	if (p->bits.low >= 0)
		return (unsigned)(p->bits.high - p->bits.low + 1);
	return 16 * point_length(p);
}

static struct counter_type counter_type_of(const struct point *p)
{
	double factor;
	(void)quantity_of(p->unit, &factor);
	unsigned width = counter_width(p);
	return (struct counter_type){
		.width = width,
		.is_signed = p->type == POINT_I16 || p->type == POINT_I32 || p->type == POINT_I64,
		.joules = width > 0 ? p->scale * factor : factor,
		.mantissa = p->type == POINT_F32 ? 24 : 53,
	};
}

static const struct point *point_of(const struct config *c, struct point_ref r)
{
	return &c->devices[r.device].points[r.point];
}

static struct meter_type meter_type_of(const struct config *c, struct meter_ref ref)
{
	struct meter_type type = { .accuracy = NAN };
	struct point_ref any = point_ref_is_set(ref.power) ? ref.power : ref.energy;
	if (point_ref_is_set(any))
		type.accuracy = c->devices[any.device].accuracy_class / 100;
	if (point_ref_is_set(ref.energy)) {
		type.has_counter = true;
		type.counter = counter_type_of(point_of(c, ref.energy));
		type.interval_ns = c->devices[ref.energy.device].poll_interval;
	}
	if (point_ref_is_set(ref.power)) {
		const struct point *p = point_of(c, ref.power);
		double factor;
		(void)quantity_of(p->unit, &factor);
		type.has_power = true;
		type.interval_ns = c->devices[ref.power.device].poll_interval;
		type.max_watts = isnan(p->max) ? 0 : p->max * factor;
	}
	return type;
}

/* Changes when the section or a device of its meters changes. */
static uint64_t pue_fingerprint(const struct config *c, const struct pue_config *pc)
{
	uint64_t sum = ini_section_fingerprint(ini_tree_find(&c->tree, "pue", pc->name));
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		for (size_t i = 0; i < pc->role_names[r].count; i++) {
			struct meter_ref m = pc->meters[r][i];
			struct point_ref ref = point_ref_is_set(m.power) ? m.power : m.energy;
			sum = sum * 31 + c->devices[ref.device].fingerprint;
		}
	return sum;
}

static struct control_pue *find_pue(struct control_loop *old, const struct control_pue *new)
{
	for (size_t i = 0; i < old->config->pue_count; i++)
		if (strcmp(old->pues[i].config->name, new->config->name) == 0 &&
		    old->pues[i].fingerprint == new->fingerprint)
			return &old->pues[i];
	return NULL;
}

static bool init_pue(struct control_pue *out, const struct config *c, const struct pue_config *pc)
{
	size_t n = 0;
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		n += pc->role_names[r].count;
	out->config = pc;
	out->fingerprint = pue_fingerprint(c, pc);
	out->meters = calloc(n + 1, sizeof(out->meters[0]));
	struct pue_meter_spec *specs = calloc(n + 1, sizeof(*specs));
	for (unsigned r = 0; out->meters && specs && r < PUE_ROLE_COUNT; r++) {
		for (size_t i = 0; i < pc->role_names[r].count; i++) {
			specs[out->meter_count] = (struct pue_meter_spec){ (enum pue_role)r,
				pc->role_names[r].items[i], meter_type_of(c, pc->meters[r][i]) };
			out->meters[out->meter_count++].ref = pc->meters[r][i];
		}
	}
	struct pue_spec spec = { specs, out->meter_count, pc->windows, pc->window_count };
	out->pue = out->meters && specs ? pue_new(&spec) : NULL;
	free(specs);
	return out->pue != NULL;
}

static struct alarm *find_alarm(struct control_loop *old, const struct alarm_config *new)
{
	for (size_t i = 0; i < old->config->alarm_count; i++)
		if (strcmp(old->alarms[i].config->name, new->name) == 0 &&
		    old->alarms[i].config->fingerprint == new->fingerprint)
			return &old->alarms[i];
	return NULL;
}

struct control_loop *control_loop_new(struct config *c)
{
	struct control_loop *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->config = config_ref(c);
	l->loops = calloc(c->loop_count + 1, sizeof(l->loops[0]));
	l->loop_reasons = calloc(c->loop_count + 1, sizeof(l->loop_reasons[0]));
	l->pues = calloc(c->pue_count + 1, sizeof(l->pues[0]));
	l->alarms = calloc(c->alarm_count + 1, sizeof(l->alarms[0]));
	bool good = l->loops && l->loop_reasons && l->pues && l->alarms;
	for (size_t i = 0; good && i < c->pue_count; i++)
		good = init_pue(&l->pues[i], c, &c->pues[i]);
	if (!good) {
		control_loop_free(l);
		return NULL;
	}
	for (size_t i = 0; i < c->alarm_count; i++)
		alarm_init(&l->alarms[i], &c->alarms[i]);
	return l;
}

void control_loop_inherit(struct control_loop *l, struct control_loop *old)
{
	for (size_t i = 0; i < l->config->pue_count; i++) {
		struct control_pue *same = find_pue(old, &l->pues[i]);
		if (!same)
			continue;
		pue_free(l->pues[i].pue);
		l->pues[i].pue = same->pue;
		same->pue = NULL;
	}
	for (size_t i = 0; i < l->config->alarm_count; i++) {
		const struct alarm_config *config = l->alarms[i].config;
		const struct alarm *same = find_alarm(old, config);
		if (!same)
			continue;
		l->alarms[i] = *same;
		l->alarms[i].config = config;
		l->alarms[i].input.reason = NULL; /* its text goes with the old one */
	}
}

void control_loop_free(struct control_loop *l)
{
	if (!l)
		return;
	for (size_t i = 0; l->pues && i < l->config->pue_count; i++) {
		pue_free(l->pues[i].pue);
		free(l->pues[i].meters);
	}
	free(l->loops);
	free(l->loop_reasons);
	free(l->pues);
	free(l->alarms);
	config_unref(l->config);
	free(l);
}

/* The version of what follows in the bytes: a new one for each change of what is saved. */
#define STATE_VERSION 2

static void put_entry(
    struct state_writer *w, const char *name, uint64_t fingerprint, struct state_writer *block)
{
	state_put_text(w, name);
	state_put_integer(w, (int64_t)fingerprint);
	state_put_block(w, block);
	state_writer_deinit(block);
}

void control_loop_save(const struct control_loop *l, int64_t offset_ns, struct state_writer *w)
{
	state_put_integer(w, STATE_VERSION);
	state_put_integer(w, (int64_t)l->config->pue_count);
	for (size_t i = 0; i < l->config->pue_count; i++) {
		struct state_writer block = { 0 };
		pue_save(l->pues[i].pue, &block);
		put_entry(w, l->pues[i].config->name, l->pues[i].fingerprint, &block);
	}
	state_put_integer(w, (int64_t)l->config->alarm_count);
	for (size_t i = 0; i < l->config->alarm_count; i++) {
		struct state_writer block = { 0 };
		alarm_save(&l->alarms[i], offset_ns, &block);
		put_entry(w, l->alarms[i].config->name, l->alarms[i].config->fingerprint, &block);
	}
}

/* Loads into a new figure, so that bytes that turn out to be bad leave nothing behind. */
static bool load_pue(struct control_loop *l, const char *name, uint64_t fingerprint,
    struct state_reader *block, int64_t offset_ns, int64_t now_ns)
{
	for (size_t i = 0; i < l->config->pue_count; i++) {
		struct control_pue *p = &l->pues[i], fresh = { 0 };
		if (strcmp(p->config->name, name) != 0 || p->fingerprint != fingerprint)
			continue;
		bool good = init_pue(&fresh, l->config, p->config) &&
			    pue_load(fresh.pue, block, offset_ns, now_ns) == 0;
		if (good) {
			pue_free(p->pue);
			p->pue = fresh.pue;
		} else {
			pue_free(fresh.pue);
		}
		free(fresh.meters);
		return good;
	}
	return false;
}

static bool load_alarm(struct control_loop *l, const char *name, uint64_t fingerprint,
    struct state_reader *block, int64_t offset_ns, int64_t now_ns)
{
	for (size_t i = 0; i < l->config->alarm_count; i++) {
		struct alarm *a = &l->alarms[i];
		if (strcmp(a->config->name, name) != 0 || a->config->fingerprint != fingerprint)
			continue;
		alarm_load(a, offset_ns, now_ns, block);
		return !block->bad;
	}
	return false;
}

int control_loop_load(
    struct control_loop *l, struct state_reader *r, int64_t offset_ns, int64_t now_ns, size_t *taken)
{
	*taken = 0;
	if (state_take_integer(r) != STATE_VERSION)
		return -EBADMSG;
	for (unsigned kind = 0; kind < 2; kind++) {
		for (int64_t n = state_take_within(r, 0, INT64_MAX); n > 0 && !r->bad; n--) {
			char name[STATE_TEXT_MAX];
			state_take_text(r, name);
			uint64_t fingerprint = (uint64_t)state_take_integer(r);
			struct state_reader block = state_take_block(r);
			*taken += kind == 0 ? load_pue(l, name, fingerprint, &block, offset_ns, now_ns)
					    : load_alarm(l, name, fingerprint, &block, offset_ns, now_ns);
		}
	}
	return r->bad ? -EBADMSG : 0;
}

static bool is_usable(const struct sample *s)
{
	return s->quality <= QUALITY_ESTIMATED && s->value.kind != VALUE_NONE;
}

static void feed_meter(
    struct control_pue *p, size_t i, const struct point_table *t, const struct table_device *d)
{
	struct meter_ref ref = p->meters[i].ref;
	if (point_ref_is_set(ref.power) && &t->devices[ref.power.device] == d) {
		const struct sample *s = &point_table_at(t, ref.power)->sample;
		struct meter_reading r = { .time_ns = s->time_ns,
			.power_good = true,
			.watts = point_table_figure(t, ref.power).value };
		if (is_usable(s))
			pue_read(p->pue, i, &r, d->utc_offset_ns);
	}
	if (point_ref_is_set(ref.energy) && &t->devices[ref.energy.device] == d) {
		const struct sample *s = &point_table_at(t, ref.energy)->sample;
		struct meter_reading r = { .time_ns = s->time_ns,
			.counter_good = true,
			.raw = s->raw,
			.number = value_number(&s->value) };
		if (is_usable(s))
			pue_read(p->pue, i, &r, d->utc_offset_ns);
	}
}

static enum quality quality_at(const struct point_table *t, struct point_ref r)
{
	return point_ref_is_set(r) ? point_table_at(t, r)->sample.quality : QUALITY_GOOD;
}

static void tell_qualities(struct control_pue *p, const struct point_table *t)
{
	for (size_t i = 0; i < p->meter_count; i++)
		pue_set_quality(
		    p->pue, i, quality_at(t, p->meters[i].ref.power), quality_at(t, p->meters[i].ref.energy));
}

void control_loop_feed(struct control_loop *l, const struct point_table *t, const struct table_device *d)
{
	for (size_t p = 0; p < l->config->pue_count; p++)
		for (size_t i = 0; i < l->pues[p].meter_count; i++)
			feed_meter(&l->pues[p], i, t, d);
}

static void tick_loop(struct control_loop *l, size_t i, const struct point_table *t)
{
	const struct loop_config *config = &l->config->loops[i];
	struct figure inputs[LOOP_IN_COUNT];
	for (unsigned k = 0; k < LOOP_IN_COUNT; k++) {
		char *reason = l->loop_reasons[i][k];
		inputs[k] = point_table_figure(t, config->inputs[k]);
		if (inputs[k].quality == QUALITY_GOOD || !point_ref_is_set(config->inputs[k]))
			continue;
		const char *what = inputs[k].quality == QUALITY_INVALID ? "without a reading yet"
									: quality_word(inputs[k].quality);
		snprintf(reason, CONTROL_REASON_MAX, "%s is %s", config->input_names[k], what);
		inputs[k].reason = reason;
	}
	loop_compute((enum coolant)config->coolant, inputs, l->loops[i]);
}

void control_loop_tick(struct control_loop *l, const struct point_table *t)
{
	for (size_t i = 0; i < l->config->loop_count; i++)
		tick_loop(l, i, t);
	for (size_t i = 0; i < l->config->pue_count; i++)
		tell_qualities(&l->pues[i], t);
}

static struct figure alarm_input(
    const struct control_loop *l, const struct point_table *t, const struct alarm_config *a)
{
	int64_t when;
	switch (a->source) {
	case SOURCE_POINT:
		return point_table_value(t, a->point);
	case SOURCE_LOOP:
		return l->loops[a->entry][a->value];
	case SOURCE_PUE:
		if (a->value == 0)
			return pue_power_ratio(l->pues[a->entry].pue, &when);
		return pue_window(l->pues[a->entry].pue, a->value - 1).pue;
	}
	return (struct figure){ NAN, QUALITY_INVALID, NULL };
}

/* Whether an alarm that explains this one is active, or would be if it were not explained itself. */
static bool is_explained(const struct control_loop *l, const struct alarm_config *a)
{
	for (size_t i = 0; i < a->suppressor_names.count; i++) {
		enum alarm_state state = l->alarms[a->suppressors[i]].state;
		if (state == ALARM_ACTIVE || state == ALARM_SUPPRESSED)
			return true;
	}
	return false;
}

void control_loop_judge(struct control_loop *l, const struct point_table *t, int64_t now_ns, int64_t utc_ms,
    void (*changed)(const struct alarm *a, void *user), void *user)
{
	bool more = true;
	for (unsigned rank = 0; more; rank++) {
		more = false;
		for (size_t i = 0; i < l->config->alarm_count; i++) {
			struct alarm *a = &l->alarms[i];
			more |= a->config->rank > rank;
			if (a->config->rank != rank)
				continue;
			struct figure input = alarm_input(l, t, a->config);
			alarm_set_suppressed(a, is_explained(l, a->config), now_ns);
			if (alarm_update(a, &input, now_ns, utc_ms))
				changed(a, user);
		}
	}
}
