/* alarm: the state of one alarm (pure).
 *
 * ISA-18.2 / IEC 62682 vocabulary. A condition must hold for delay_on to raise the alarm and be gone for
 * delay_off to clear it; with hysteresis the limit to clear is further inside. A latched alarm stays until it
 * is acknowledged, also while its input is unknown.
 */
#pragma once

#include "loop.h"
#include "state.h"

enum alarm_state {
	ALARM_UNKNOWN, /* the input is not good; also before the first input */
	ALARM_NORMAL,
	ALARM_ACTIVE,
	ALARM_CLEARED_UNACKNOWLEDGED,
};

const char *alarm_state_word(enum alarm_state s);

struct alarm {
	const struct alarm_config *config;
	enum alarm_state state, previous;
	bool acknowledged;
	bool condition;		 /* as last judged, with hysteresis */
	int64_t condition_since; /* CLOCK_BOOTTIME */
	struct figure input;	 /* the last one */
	int64_t changed_ms;	 /* UTC of the last change of state; 0 = never */
	int64_t
	    hold_until_ns; /* after a restart: until then the state stays while its input is not yet there */
};

/* How long a state that was saved stands without an input. */
#define ALARM_HOLD_NS INT64_C(30000000000)

void alarm_init(struct alarm *a, const struct alarm_config *config);

/* The state as bytes, with times in UTC, and back. */
void alarm_save(const struct alarm *a, int64_t offset_ns, struct state_writer *w);
void alarm_load(struct alarm *a, int64_t offset_ns, int64_t now_ns, struct state_reader *r);

/* Judges an input at `now_ns` (CLOCK_BOOTTIME); `utc_ms` stamps a change. For bools the figure is 0 or 1.
 * Returns whether the state changed. */
bool alarm_update(struct alarm *a, const struct figure *input, int64_t now_ns, int64_t utc_ms);
