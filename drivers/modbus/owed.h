/* owed: the replies that a serial line still owes (holder, one thread; times are CLOCK_BOOTTIME).
 *
 * On a serial line nothing tells two replies of one unit, function and size apart. So what was asked and not
 * answered in time is remembered for as long as its reply may still come, and no request goes out meanwhile
 * whose reply could be taken for that one. The same request may be repeated: then any of the replies is
 * right.
 *
 * A device may be late with each reply; one that does one thing after the other is then late with all that
 * was asked meanwhile, for longer than with any of them. So a reply is given up only when the line has been
 * silent for as long as one may be late, or when something asked after it was answered in time.
 */
#pragma once

#include "drivers/modbus/pdu.h"

/* How long after its time-out a reply is still reckoned with: 5 s, and what a loaded machine takes to see it.
 */
#define OWED_LATE_NS INT64_C(5500000000)

struct owed_reply {
	struct modbus_request request;
	unsigned count;	      /* how many replies to it are owed */
	int64_t due_ns;	      /* when the last of them should have been there */
	int64_t timed_out_ns; /* when one was not there in time for the last time */
};

struct owed {
	struct owed_reply *items; /* of different unit, function and size each */
	size_t count, room;
	int64_t heard_ns;	  /* the last frame */
	int64_t prompt_ns;	  /* when the last request was made that was answered in time, for certain */
	int64_t unknown_until_ns; /* without memory to remember what is owed, nothing goes until then */
};

void owed_deinit(struct owed *o);

/* From when on the request can go as far as other requests are concerned: `now`, or later; it may be put off
 * then. */
int64_t owed_free_at(struct owed *o, const struct modbus_request *q, int64_t now);
/* Whether replies to this very request are owed. */
bool owed_repeats(struct owed *o, const struct modbus_request *q, int64_t now);

/* The request goes out; its reply comes by `deadline`, if not late. */
void owed_asked(struct owed *o, const struct modbus_request *q, int64_t deadline);
/* What was asked at `asked` was answered now, or not by its deadline. */
void owed_answered(struct owed *o, const struct modbus_request *q, int64_t asked, int64_t now);
void owed_missed(struct owed *o, const struct modbus_request *q, int64_t now);

/* A frame came that is no answer to the request at hand: true when it was owed, which it then is no more. A
 * refusal (`bytes` is then of no meaning) has no size and settles only what it must be the answer to. */
bool owed_settle(struct owed *o, uint8_t unit, uint8_t function, unsigned bytes, bool refusal, int64_t now);

/* Whether it is owed. */
bool owed_owes(const struct owed *o, uint8_t unit, uint8_t function, unsigned bytes);

/* Whether a refusal that comes now may be the late answer to another request than `q`. */
bool owed_refusal_is_unclear(const struct owed *o, const struct modbus_request *q, int64_t now);
