#include "daemon/live/live.h"

#include <stdlib.h>

struct live *live_new(struct config *c, int64_t now_ns)
{
	struct live *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->config = config_ref(c);
	l->table = point_table_new(c, now_ns);
	l->loops = loops_new(c, l->table);
	l->pues = pues_new(c, l->table, l->loops);
	l->groups = groups_new(c, l->loops);
	l->alarms = alarms_new(c, l->table, l->loops, l->groups, l->pues);
	l->records = l->pues && l->loops ? records_new(c, l->table, l->loops, l->pues) : NULL;
	l->trends = trends_new(c, l->loops, l->pues);
	if (l->table && l->loops && l->groups && l->pues && l->alarms && l->records && l->trends)
		return l;
	live_free(l);
	return NULL;
}

void live_inherit(struct live *l, struct live *old)
{
	point_table_inherit(l->table, old->table);
	loops_inherit(l->loops, old->loops);
	pues_inherit(l->pues, old->pues);
	alarms_inherit(l->alarms, old->alarms);
	records_inherit(l->records, old->records, l->alarms);
	trends_inherit(l->trends, old->trends);
	retained_inherit(&l->retained, &old->retained);
}

void live_free(struct live *l)
{
	if (!l)
		return;
	retained_clear(&l->retained);
	trends_free(l->trends);
	records_free(l->records);
	alarms_free(l->alarms);
	pues_free(l->pues);
	groups_free(l->groups);
	loops_free(l->loops);
	point_table_free(l->table);
	config_unref(l->config);
	free(l);
}

struct table_device *live_feed(struct live *l, struct batch *b)
{
	struct table_device *d = point_table_apply(l->table, b);
	if (!d)
		return NULL;
	pues_feed(l->pues, d);
	alarms_device(l->alarms, (size_t)(d - l->table->devices));
	return d;
}

static void show_alarm(const struct alarm *a, void *user)
{
	groups_see_alarm(user, a);
}

void live_tick(struct live *l)
{
	loops_tick(l->loops);
	if (l->config->group_count > 0)
		alarms_each(l->alarms, show_alarm, l->groups);
	groups_tick(l->groups);
	pues_tick(l->pues);
}
