/* poll_plan: a device's points to as few requests as its limits allow (pure).
 *
 * Points of one table and poll class are joined into a block while the registers between them do not exceed
 * max_gap and the block not max_registers. No hole of the profile is read along. A point is never split.
 */
#pragma once

#include "config/config.h"

/* Poll classes with a rhythm of their own; fast and normal are one: every interval. */
enum poll_rhythm { RHYTHM_EVERY, RHYTHM_TENTH, RHYTHM_ONCE, RHYTHM_COUNT };

/* Most bits in one request; the protocol's limit, and 16 for each register that the device gives. */
#define PLAN_BITS_MAX 2000

/* What whoever polls has found out about a block so far. From so many failures on, in which nothing came, it
 * is searched for what in it is mute. */
#define POLL_SEARCH_FAILURES 2

struct poll_trial {
	unsigned cycle;	   /* the last in which it was asked */
	unsigned failures; /* one after the other */
	int64_t failed_ns; /* the last of them */
	int exception;	   /* it was refused with; 0 = it was not answered */
	int64_t wait_ns; /* it cannot be split and never answers: it is left out for so long; 0 = it is not */
};

struct poll_block {
	enum poll_rhythm rhythm;
	enum register_table table;
	uint16_t address;
	uint16_t count;		/* registers, or bits for coils and discrete inputs */
	const uint32_t *points; /* indices of the points in it, by address; in the plan's memory */
	size_t point_count;
	struct poll_trial trial; /* zero in a new block */
};

struct poll_plan {
	struct poll_block *blocks; /* by rhythm, then table, then address */
	size_t block_count;
	uint32_t *points;
};

struct poll_limits {
	unsigned max_registers, max_gap;
	struct profile_holes holes;
};

struct poll_limits poll_limits_of(const struct device_config *d);

/* How many poll intervals a rhythm has; 0 = once. */
int poll_rhythm_factor(enum poll_rhythm r);

/* Splits a block that the device refused or never answered as a whole: at its widest gap, else between two
 * points near its middle, into halves of different size. The second half becomes the next block. False when
 * it cannot be split: it is one point, or points that share registers. */
bool poll_plan_split(struct poll_plan *plan, size_t block, const struct point *points);

bool poll_plan_can_split(const struct poll_block *b, const struct point *points);

/* 0 or -ENOMEM; free with poll_plan_deinit. */
int poll_plan_init(
    struct poll_plan *plan, const struct point *points, size_t count, struct poll_limits limits);
void poll_plan_deinit(struct poll_plan *plan);
