/* alarm: the state of one alarm (pure).
 *
 * ISA-18.2 / IEC 62682 vocabulary. A condition must hold for delay_on to raise the alarm and be gone for
 * delay_off to clear it; with hysteresis the limit to clear is further inside. A latched alarm stays until it
 * is acknowledged, also while its input is unknown; a critical one that cleared before anybody saw it too.
 * While another alarm explains it that is at least as severe, it is suppressed, unless it has to stay. One
 * that is still active after escalate_after becomes more severe.
 *
 * Of a list with any: or N of: the input is how many of its points meet the condition. One with any: that
 * escalates does so at once for two of them: a leak group, as SONiC and OCP rack managers have it.
 *
 * Readings that are missing between others neither raise nor clear, and restart no delay: a reading speaks
 * for its own poll interval, and what is known before and after decides, unless more than three polls in a
 * row have missed. Then the alarm is unknown; its latch and its acknowledgement outlast that.
 */
#pragma once

#include "daemon/control/bytes.h"
#include "daemon/control/figure.h"
#include "daemon/control/wall_clock.h"

enum alarm_state {
	ALARM_UNKNOWN, /* the input is not good for more than three polls; also before the first input */
	ALARM_NORMAL,
	ALARM_ACTIVE,
	ALARM_CLEARED_UNACKNOWLEDGED,
	ALARM_SUPPRESSED, /* the condition holds, but another alarm explains it */
	ALARM_SHELVED,	  /* an operator does not want to hear of it for a while */
	ALARM_STATE_COUNT
};

/* So long a user's name may be, with its NUL (LOGIN_NAME_MAX of shadow is 32). */
#define ALARM_USER_MAX 40
/* A shelf has an end: what is away for longer is for the configuration. */
#define ALARM_SHELF_MAX_NS (INT64_C(7) * 86400 * 1000000000)

const char *alarm_state_word(enum alarm_state s);

struct alarm {
	const struct alarm_config *config;
	enum alarm_state state, previous;   /* as it is shown */
	enum alarm_state phase;		    /* as it is apart from that: never unknown */
	enum alarm_severity severity, told; /* as it is now; as it was at the last update */
	bool acknowledged;
	bool known;		 /* there was an input, and no more than three polls have missed since */
	bool idle;		 /* there is no load */
	bool lost;		 /* one of its points is, by its own rhythm */
	bool escalated;		 /* it was active for too long */
	bool raised;		 /* by the last update */
	bool condition;		 /* as last judged, with hysteresis */
	int64_t condition_since; /* CLOCK_BOOTTIME */
	int64_t active_since;	 /* CLOCK_BOOTTIME */
	int64_t read_ns;	 /* CLOCK_BOOTTIME of the last usable reading; 0 = none yet */
	char acknowledged_by[ALARM_USER_MAX], shelved_by[ALARM_USER_MAX];
	int64_t shelved_ns, shelved_until_ns, shelved_until_ms; /* CLOCK_BOOTTIME, and UTC; 0 = it is not */
	const char *suppressed_by; /* the name of the alarm that explains it, of the configuration */
	struct figure input;	   /* the last one */
	uint64_t aside;		   /* its owner's: of what else was told of it */
	int64_t changed_ms;	   /* UTC of the last change of state; 0 = never */
	int64_t hold_until_ns;	   /* until then the state stays while its input is not yet there */
};

/* How long a state that was saved stands without an input. */
#define ALARM_HOLD_NS INT64_C(30000000000)

void alarm_init(struct alarm *a, const struct alarm_config *config);

/* Its input cannot be there before `until_ns`: until then its absence is not judged. */
void alarm_hold(struct alarm *a, int64_t until_ns);

/* More than so many new alarms in so short a time are a flood (ISA-18.2): nobody reads them one by one. */
#define ALARM_FLOOD_LIMIT 10
#define ALARM_FLOOD_NS INT64_C(600000000000)

struct alarm_flood {
	int64_t times[ALARM_FLOOD_LIMIT + 1]; /* of the last new alarms, a ring; 0 = none */
	size_t next;
};

void alarm_flood_note(struct alarm_flood *f, int64_t now_ns);
bool alarm_flood_lasts(const struct alarm_flood *f, int64_t now_ns);

/* Whether a reading of one point meets the condition; `held`: it did before, so that hysteresis counts. */
bool alarm_holds(const struct alarm_config *c, const struct figure *f, bool held);

/* Whether there is a load that needs what it watches: one with `needs_load` that is raised
 * without is but a warning until there is. */
void alarm_set_load(struct alarm *a, bool loaded);

/* More than three polls; half of one more, because readings do not come on the dot. */
bool alarm_is_gap(int64_t interval_ns, int64_t passed_ns);

/* Of one that looks for what is lost: whether one of its points is, by its own rhythm; without a point that
 * is read more often than the others the last usable reading tells it alone. */
void alarm_set_lost(struct alarm *a, bool lost);

/* Which other alarm explains this one now, by its name that stays; NULL = none. Released, a condition that
 * still holds must last for delay_on again. An alarm that is latched already stays. */
void alarm_set_suppressed(struct alarm *a, const char *by, int64_t now_ns);

/* An operator has seen it: an alarm that waited for that becomes normal. NULL, or why there is
 * nothing to acknowledge. */
const char *alarm_acknowledge(struct alarm *a, const char *by, int64_t utc_ms);

/* An operator does not want to hear of it for `for_ns`, or now for another time. It goes on underneath, and
 * comes back by itself with the first update after that, also over a restart. NULL, or why not. */
const char *alarm_shelve(struct alarm *a, const char *by, int64_t for_ns, int64_t now_ns, int64_t utc_ms);
const char *alarm_unshelve(struct alarm *a, int64_t utc_ms);

/* The state as it is without the shelf. */
enum alarm_state alarm_beneath(const struct alarm *a);

/* The state as bytes, with times in UTC, and back. */
void alarm_save(const struct alarm *a, int64_t offset_ns, struct bytes_writer *w);
void alarm_load(struct alarm *a, const struct wall_clock *clock, struct bytes_reader *r);

/* Judges an input at `now_ns`, that was read at `read_ns` (both CLOCK_BOOTTIME; of an input without a value
 * that does not count; 0 = of something that was not read, as how many points are stale); `utc_ms` stamps a
 * change. For bools the figure is 0 or 1. Returns whether the state changed, or the severity of what is not
 * over. What became more severe is to be acknowledged anew. */
bool alarm_update(
    struct alarm *a, const struct figure *input, int64_t read_ns, int64_t now_ns, int64_t utc_ms);
