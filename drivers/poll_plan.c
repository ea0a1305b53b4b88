#include "poll_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum poll_rhythm rhythm_of(const struct point *p)
{
	if (p->poll == POINT_ONCE)
		return RHYTHM_ONCE;
	return p->poll == POINT_SLOW ? RHYTHM_TENTH : RHYTHM_EVERY;
}

static int by_place(const void *x, const void *y, void *user)
{
	const struct point *points = user, *a = &points[*(const uint32_t *)x],
			   *b = &points[*(const uint32_t *)y];
	int d = (int)rhythm_of(a) - (int)rhythm_of(b);
	if (d == 0)
		d = (int)a->reg.table - (int)b->reg.table;
	if (d == 0)
		d = (int)point_first(a) - (int)point_first(b);
	if (d == 0)
		d = (int)point_span(a) - (int)point_span(b);
	return d;
}

static unsigned max_count(enum register_table table, struct poll_limits limits)
{
	if (!point_is_bit_table(table))
		return limits.max_registers;
	unsigned bits = limits.max_registers * 16;
	return bits < PLAN_BITS_MAX ? bits : PLAN_BITS_MAX;
}

static bool joins(const struct poll_block *b, const struct point *p, struct poll_limits limits)
{
	if (b->rhythm != rhythm_of(p) || b->table != p->reg.table)
		return false;
	unsigned block_end = (unsigned)b->address + b->count, end = point_first(p) + point_span(p);
	if (point_first(p) > block_end + limits.max_gap)
		return false;
	return end <= block_end || end - b->address <= max_count(b->table, limits);
}

int poll_plan_init(
    struct poll_plan *plan, const struct point *points, size_t count, struct poll_limits limits)
{
	plan->block_count = 0;
	plan->points = calloc(count + 1, sizeof(plan->points[0]));
	plan->blocks = calloc(count + 1, sizeof(plan->blocks[0]));
	if (!plan->points || !plan->blocks) {
		poll_plan_deinit(plan);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		plan->points[i] = i;
	qsort_r(plan->points, count, sizeof(plan->points[0]), by_place, (void *)points);

	struct poll_block *b = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct point *p = &points[plan->points[i]];
		if (!b || !joins(b, p, limits)) {
			b = &plan->blocks[plan->block_count++];
			*b = (struct poll_block){ .rhythm = rhythm_of(p),
				.table = p->reg.table,
				.address = (uint16_t)point_first(p),
				.points = &plan->points[i] };
		}
		unsigned end = point_first(p) + point_span(p) - b->address;
		if (end > b->count)
			b->count = (uint16_t)end;
		b->point_count++;
	}
	return 0;
}

void poll_plan_deinit(struct poll_plan *plan)
{
	free(plan->blocks);
	free(plan->points);
	*plan = (struct poll_plan){ 0 };
}
