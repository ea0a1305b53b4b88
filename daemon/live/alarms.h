/* alarms: all alarms, those of the configuration and those about coolantd itself (holder, main thread).
 *
 * Their one owner: whatever changes an alarm goes through here, is in the journal and told to `changed`,
 * once. The arithmetic is in control/alarm.h; here points and figures are bound to its inputs. Made anew for
 * each configuration; an alarm whose section did not change goes on with its state.
 */
#pragma once

#include "daemon/control/alarm.h"
#include "daemon/live/alarm_log.h"
#include "daemon/live/groups.h"
#include "daemon/live/loops.h"
#include "daemon/live/point_table.h"
#include "daemon/live/pues.h"

/* Those about coolantd itself. Their names begin with OWN_ALARM_PREFIX, which the configuration may not use.
 */
enum own_alarm {
	OWN_ALARM_SPOOL, /* the disk does not take what must outlive an outage */
	OWN_ALARM_STATE, /* nor what must outlive a restart */
	OWN_ALARM_FLOOD, /* more new alarms than anybody reads */
	OWN_ALARM_COUNT
};

struct alarms;

/* Judges points of the table and figures of the others, which must outlive the alarms. NULL without memory.
 */
struct alarms *alarms_new(const struct config *c, struct point_table *table, const struct loops *loops,
    const struct groups *groups, const struct pues *pues);
/* Takes what did not change out of `old`; says which the configuration has no more. */
void alarms_inherit(struct alarms *a, struct alarms *old);
void alarms_free(struct alarms *a);

/* Who is told of each change: of a state, of an own alarm's text, of an acknowledgement; and of a value that
 * is known no more, or again, while the state stays. */
typedef void alarms_see(const struct alarm *a, void *user);
void alarms_watch(struct alarms *a, alarms_see *changed, alarms_see *valued, void *user);

/* A device of the configuration has new samples: the alarms on its points are due. */
void alarms_device(struct alarms *a, size_t device);

/* The table was told from when on devices are asked: what none can be asked for yet stays as it is. */
void alarms_hold(struct alarms *a, int64_t now_ns);

/* Judges the alarms of the configuration. JUDGE_POINTS: those that are due; figures only change with
 * a tick. */
enum judged { JUDGE_ALL, JUDGE_POINTS };
void alarms_judge(struct alarms *a, enum judged which, int64_t now_ns);

/* Whether there is a flood of new alarms. */
void alarms_judge_flood(struct alarms *a, int64_t now_ns);

/* Raises one about coolantd itself with what is to be said, or with NULL clears it. */
void alarms_set_own(struct alarms *a, enum own_alarm which, const char *trouble);

/* One call for each alarm, first those of the configuration. */
void alarms_each(const struct alarms *a, alarms_see *see, void *user);

/* Alarm `i`: those of the configuration as there, then the OWN_ALARM_COUNT about coolantd itself. */
const struct alarm *alarms_at(const struct alarms *a, size_t i);

/* By name; NULL = none. */
struct alarm *alarms_find(struct alarms *a, const char *name);

/* What operators do, with who it is: NULL, or why not. See control/alarm.h. */
const char *alarms_acknowledge(struct alarms *a, struct alarm *alarm, const char *by);
const char *alarms_shelve(struct alarms *a, struct alarm *alarm, const char *by, int64_t for_ns);
const char *alarms_unshelve(struct alarms *a, struct alarm *alarm, const char *by);

/* The longest time from a device's reply to an alarm of it since the last call; 0 = there was none. */
int64_t alarms_take_latency(struct alarms *a);

/* The states of those of the configuration, as an entry for each, and back: whether there is still that
 * alarm. One that is configured no more is said. */
#define ALARMS_ENTRY "alarm"
void alarms_save(const struct alarms *a, int64_t offset_ns, struct bytes_writer *w);
bool alarms_load(struct alarms *a, struct bytes_entry *e, const struct wall_clock *clock);

/* What has happened, of all alarms that there were; but not that a reading is there, or gone. */
struct alarm_log *alarms_log(struct alarms *a);
