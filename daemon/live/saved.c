#include "daemon/live/saved.h"

#include <string.h>

void saved_put(const struct live *l, int64_t offset_ns, bool at_end, struct bytes_writer *w)
{
	pues_save(l->pues, w);
	loops_save(l->loops, w);
	loops_save_makeup(l->loops, offset_ns, w);
	alarms_save(l->alarms, offset_ns, w);
	trends_save(l->trends, w);
	retained_save(&l->retained, w);
	records_save(l->records, w);
	if (at_end)
		pues_save_traces(l->pues, w);
}

bool saved_take(struct live *l, struct bytes_entry *e, struct wall_clock *clock)
{
	if (strcmp(e->kind, PUES_ENTRY) == 0)
		return pues_load(l->pues, e, clock);
	if (strcmp(e->kind, LOOPS_ENTRY) == 0)
		return loops_load(l->loops, e);
	if (strcmp(e->kind, LOOPS_MAKEUP_ENTRY) == 0)
		return loops_load_makeup(l->loops, e, clock);
	if (trends_load(l->trends, e, clock))
		return false; /* its loop or figure is told of already */
	if (strcmp(e->kind, PUES_TRACE_ENTRY) == 0)
		pues_load_trace(l->pues, e);
	if (strcmp(e->kind, RECORDS_ENTRY) == 0)
		records_load(l->records, e);
	if (strcmp(e->kind, RETAINED_ENTRY) == 0)
		retained_load(&l->retained, e);
	if (strcmp(e->kind, ALARM_LOG_ENTRY) == 0)
		alarm_log_load(alarms_log(l->alarms), e);
	return strcmp(e->kind, ALARMS_ENTRY) == 0 && alarms_load(l->alarms, e, clock);
}
