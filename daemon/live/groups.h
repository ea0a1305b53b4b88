/* groups: loops that stand in for each other, from what the loops and the alarms say (holder, main thread).
 *
 * The arithmetic is in control/group.h. Made anew for each configuration; nothing of it outlives a tick.
 */
#pragma once

#include "daemon/control/alarm.h"
#include "daemon/control/group.h"
#include "daemon/live/loops.h"

struct groups;

/* Looks at figures of the loops, which must outlive the groups. NULL without memory. */
struct groups *groups_new(const struct config *c, const struct loops *loops);
void groups_free(struct groups *g);

/* Shows the state of an alarm; what they say counts at the next tick, for it alone. */
void groups_see_alarm(struct groups *g, const struct alarm *a);

/* Computes all figures from the loops as of their last tick and the alarms that were shown. */
void groups_tick(struct groups *g);

/* The GROUP_VALUE_COUNT figures of group `i` of the configuration, as of the last tick. */
const struct figure *groups_figures(const struct groups *g, size_t i);

/* Why loop `k` of that group does not work; NULL when it does. */
const char *groups_unfit(const struct groups *g, size_t i, size_t k);
