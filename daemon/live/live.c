#include "daemon/live/live_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct alarm *find_alarm(struct live *old, const struct alarm_config *new)
{
	size_t i = config_find_alarm(old->config, new->name);
	bool same = i != SIZE_MAX && old->config->alarms[i].fingerprint == new->fingerprint;
	return same ? &old->alarms[i] : NULL;
}

/* By rank, else as configured. */
static void sort_alarms(struct live *l)
{
	size_t n = 0;
	for (unsigned rank = 0; n < l->config->alarm_count; rank++)
		for (size_t i = 0; i < l->config->alarm_count; i++)
			if (l->config->alarms[i].rank == rank)
				l->order[n++] = i;
}

static bool init_parts(struct live *l)
{
	const struct config *c = l->config;
	if (!l->loops || !l->pues || !l->alarms || !l->alarm_inputs || !l->order)
		return false;
	sort_alarms(l);
	bool good = true;
	for (size_t i = 0; i < c->loop_count; i++)
		good &= live_loop_init(&l->loops[i], &c->loops[i]);
	for (size_t i = 0; i < c->pue_count; i++)
		good &= live_pue_init(&l->pues[i], c, &c->pues[i]);
	for (size_t i = 0; i < c->alarm_count; i++) {
		alarm_init(&l->alarms[i], &c->alarms[i]);
		good &= input_init(&l->alarm_inputs[i], &c->alarms[i].points, c->alarms[i].point_name);
	}
	return good;
}

struct live *live_new(struct config *c)
{
	struct live *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->config = config_ref(c);
	l->loops = calloc(c->loop_count + 1, sizeof(l->loops[0]));
	l->pues = calloc(c->pue_count + 1, sizeof(l->pues[0]));
	l->alarms = calloc(c->alarm_count + 1, sizeof(l->alarms[0]));
	l->alarm_inputs = calloc(c->alarm_count + 1, sizeof(l->alarm_inputs[0]));
	l->order = calloc(c->alarm_count + 1, sizeof(l->order[0]));
	if (init_parts(l))
		return l;
	live_free(l);
	return NULL;
}

void live_inherit(struct live *l, struct live *old)
{
	for (size_t i = 0; i < l->config->loop_count; i++)
		live_loop_inherit(&l->loops[i], old);
	for (size_t i = 0; i < l->config->pue_count; i++) {
		struct live_pue *same = live_pue_find(old, &l->pues[i]);
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

void live_free(struct live *l)
{
	if (!l)
		return;
	for (size_t i = 0; l->loops && i < l->config->loop_count; i++)
		live_loop_deinit(&l->loops[i]);
	for (size_t i = 0; l->pues && i < l->config->pue_count; i++)
		live_pue_deinit(&l->pues[i]);
	for (size_t i = 0; l->alarm_inputs && i < l->config->alarm_count; i++)
		input_deinit(&l->alarm_inputs[i]);
	free(l->loops);
	free(l->pues);
	free(l->alarms);
	free(l->alarm_inputs);
	free(l->order);
	config_unref(l->config);
	free(l);
}

void live_feed(struct live *l, const struct point_table *t, const struct table_device *d)
{
	for (size_t p = 0; p < l->config->pue_count; p++)
		live_pue_feed(&l->pues[p], t, d);
}

void live_tick(struct live *l, struct point_table *t)
{
	for (size_t i = 0; i < l->config->loop_count; i++)
		live_loop_tick(&l->loops[i], t);
	for (size_t i = 0; i < l->config->pue_count; i++)
		live_pue_tell(&l->pues[i], t);
}

static struct figure alarm_input(struct live *l, struct point_table *t, size_t i)
{
	const struct alarm_config *a = l->alarms[i].config;
	int64_t when;
	switch (a->source) {
	case SOURCE_POINT:
		return input_value(&l->alarm_inputs[i], t);
	case SOURCE_LOOP:
		return l->loops[a->entry].figures[a->value];
	case SOURCE_PUE:
		if (a->value == 0)
			return pue_power_ratio(l->pues[a->entry].pue, &when);
		return pue_window(l->pues[a->entry].pue, a->value - 1).pue;
	}
	return (struct figure){ NAN, QUALITY_INVALID, NULL };
}

/* Whether an alarm that explains this one is active, or would be if it were not explained itself. */
static bool is_explained(const struct live *l, const struct alarm_config *a)
{
	for (size_t i = 0; i < a->suppressor_names.count; i++) {
		enum alarm_state state = l->alarms[a->suppressors[i]].state;
		if (state == ALARM_ACTIVE || state == ALARM_SUPPRESSED)
			return true;
	}
	return false;
}

void live_judge(struct live *l, struct point_table *t, enum judged which, int64_t now_ns, int64_t utc_ms,
    void (*changed)(const struct alarm *a, void *user), void *user)
{
	for (size_t k = 0; k < l->config->alarm_count; k++) {
		size_t i = l->order[k];
		struct alarm *a = &l->alarms[i];
		if (which == JUDGE_POINTS && a->config->source != SOURCE_POINT)
			continue;
		struct figure input = alarm_input(l, t, i);
		alarm_set_suppressed(a, is_explained(l, a->config), now_ns);
		if (alarm_update(a, &input, now_ns, utc_ms))
			changed(a, user);
	}
}
