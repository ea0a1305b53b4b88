/* device: the state of one polled device (holder, one thread; times are CLOCK_BOOTTIME).
 *
 * Knows what is asked next of the device, and keeps what its answers, refusals and silences have said
 * (verdict.h). It asks nothing itself.
 */
#pragma once

#include "drivers/driver.h"
#include "drivers/modbus/identity.h"
#include "drivers/modbus/poll_plan.h"
#include "drivers/modbus/schedule.h"

enum device_standing {
	STANDING_UNPROVEN, /* it has not answered yet */
	STANDING_PROVEN,   /* it answers: nobody may make it late */
	STANDING_RETRY,	   /* its last request was not answered: it is asked once more */
	STANDING_LOOK,	   /* a block failed: whether something else is answered is looked at */
	STANDING_BUSY,	   /* it asked to be left alone */
	STANDING_SILENT,   /* it does not answer: it is probed */
};

/* A profile of another model has hundreds of registers that are not there: the first ones show that. */
#define REFUSALS_TOLD_MAX 8

/* What was said of all that it refuses (refusals.h). */
struct refusals {
	bool all; /* that it refuses everything, and it still does */
	uint32_t points[REFUSALS_TOLD_MAX];
	size_t count;	/* of points that were said */
	bool more_told; /* and how many more there are, too */
};

/* A round of requests for all blocks of a rhythm. */
struct device_cycle {
	struct batch *batch; /* NULL = there is none under way */
	enum poll_rhythm rhythm;
	unsigned number; /* from 1 on */
	int64_t begin_ns;
	bool search;	/* beside the rhythms: of blocks that hold something mute */
	bool in_vain;	/* something was not answered in it */
	bool held_back; /* a block had to wait for a reply that is owed */
	bool looked;	/* whether anything is answered with values, and nothing was since */
};

struct device {
	const struct device_config *config;
	size_t index;	     /* in the configuration */
	int retries;	     /* its bus's */
	int64_t max_backoff; /* its bus's too */
	struct poll_plan plan;
	struct schedule_job jobs[RHYTHM_COUNT];
	int64_t wire_ns; /* most that one of its requests takes on the line beside the response time-out */

	enum device_standing standing;
	bool was_up;	    /* up or down has been told */
	int64_t due_ns;	    /* when it is asked again, from STANDING_RETRY on */
	int64_t backoff_ns; /* how long it is left alone; 0 = not */
	int64_t busy_ns;    /* the last wait because it is busy */
	int64_t heard_ns;   /* the last answer of any kind, */
	int64_t read_ns;    /* and the last with values */
	int64_t failing_ns; /* since when it does not answer; 0 = it does */
	bool suspect;	    /* others have fallen silent since it answered */
	int retries_left;   /* for the block at hand */
	int64_t search_ns;  /* no search before: what it would ask could be taken for what is owed */
	unsigned probes;    /* since it fell silent */
	size_t look;	    /* the point that is looked at next */
	struct device_cycle cycle;
	struct refusals refusals;
	struct identity identity;

	int64_t findings_end_ns;  /* what was found out about blocks is tried again then; 0 = nothing was */
	int64_t findings_span_ns; /* for how long that is believed */
	int64_t whole_ns;	  /* since when all is read in spite of them; 0 = it is not */
	int64_t findings_gone_ns; /* when it was tried again last */

	struct device_stats stats;
};

/* What is asked: a block of the plan; a look at one point, to see whether the device lives; or a register
 * that tells which device it is. */
struct device_question {
	struct modbus_request request;
	struct poll_block *block;		 /* NULL = another */
	const struct profile_identity *identity; /* NULL = another */
};

/* 0 or -ENOMEM. */
int device_init(struct device *d, const struct config *c, size_t index);
void device_deinit(struct device *d);
/* Goes on where `from`, the same device of another configuration, is. */
void device_inherit(struct device *d, struct device *from);

/* All its jobs are due at `when`. */
void device_set_due(struct device *d, int64_t when);
/* It answers again: the slots of jobs that are behind go on from now, beside those of others that do, so that
 * a pause is left to look for more. */
void device_resume(struct device *d, int64_t now);
/* When it wants to be asked next; SCHEDULE_NEVER = not at all. */
int64_t device_due(const struct device *d);
/* When it has a block that is to be searched, beside what it is due for: each question may take a whole
 * time-out for nothing. SCHEDULE_NEVER = it has none, or cannot now. */
int64_t device_search_due(const struct device *d);
/* Begins a cycle for that, which device_ask goes on with until one question was in vain. False without
 * memory. */
bool device_begin_search(struct device *d, struct config *c);
/* Whether its next request may take a whole time-out for nothing. */
static inline bool device_is_doubtful(const struct device *d)
{
	return d->standing != STANDING_PROVEN || d->suspect;
}

/* The next thing to ask, of a device that is due. False when there is none now: the cycle is over, or has to
 * wait. A cycle begins here, with a reference of `c`. */
bool device_ask(struct device *d, struct config *c, struct modbus_link *l, struct device_question *ret);

/* A block failed: whether the device lives is known, or will be, without a look. */
bool device_will_tell(const struct device *d, struct modbus_link *l, const struct poll_block *failed);
/* Whether a look at something else than what is failing is possible now. */
bool device_can_look(struct device *d, struct modbus_link *l);

/* Ends a cycle. Returns its batch when there is something in it, which is the caller's then. `*missed` is how
 * many slots passed meanwhile. */
struct batch *device_end_cycle(struct device *d, uint64_t *missed);
