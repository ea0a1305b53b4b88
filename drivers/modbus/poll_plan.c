#include "drivers/modbus/poll_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum poll_rhythm rhythm_of(const struct point *p)
{
	if (p->poll == POINT_ONCE)
		return RHYTHM_ONCE;
	return p->poll == POINT_SLOW ? RHYTHM_TENTH : RHYTHM_EVERY;
}

struct poll_limits poll_limits_of(const struct device_config *d)
{
	if (!d->profile)
		return (struct poll_limits){ .max_registers = MODBUS_REGISTERS_MAX };
	return (struct poll_limits){ (unsigned)d->profile->max_registers, (unsigned)d->profile->max_gap,
		d->profile->holes };
}

int poll_rhythm_factor(enum poll_rhythm r)
{
	static const int factors[] = { [RHYTHM_EVERY] = 1, [RHYTHM_TENTH] = 10, [RHYTHM_ONCE] = 0 };
	return factors[r];
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

/* Whether an address of first..end-1 is in a hole. */
static bool has_hole(
    const struct profile_holes *holes, enum register_table table, unsigned first, unsigned end)
{
	for (size_t i = 0; i < holes->count; i++)
		if (holes->items[i].table == table && holes->items[i].first < end &&
		    holes->items[i].last >= first)
			return true;
	return false;
}

static bool joins(const struct poll_block *b, const struct point *p, struct poll_limits limits)
{
	if (b->rhythm != rhythm_of(p) || b->table != p->reg.table)
		return false;
	unsigned block_end = (unsigned)b->address + b->count, end = point_first(p) + point_span(p);
	if (point_first(p) > block_end + limits.max_gap ||
	    has_hole(&limits.holes, b->table, block_end, point_first(p)))
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

/* Addresses that the first `n` points of a block reach up to, from its start. */
static unsigned reach(const struct poll_block *b, size_t n, const struct point *points)
{
	unsigned end = b->address;
	for (size_t i = 0; i < n; i++) {
		const struct point *p = &points[b->points[i]];
		if (point_first(p) + point_span(p) > end)
			end = point_first(p) + point_span(p);
	}
	return end;
}

/* How many points the first half gets; 0 = there is no place to split. */
static size_t split_place(const struct poll_block *b, const struct point *points)
{
	size_t best = 0;
	unsigned best_gap = 0, best_distance = 0, middle = b->address + b->count / 2u;
	for (size_t n = 1; n < b->point_count; n++) {
		unsigned end = reach(b, n, points), next = point_first(&points[b->points[n]]);
		unsigned distance = next > middle ? next - middle : middle - next;
		if (next < end)
			continue; /* the points overlap */
		/* on a serial line, replies of one size could be taken for each other's */
		if (end - b->address == b->address + b->count - next)
			distance += 2;
		if (best == 0 || next - end > best_gap ||
		    (next - end == best_gap && distance < best_distance)) {
			best = n;
			best_gap = next - end;
			best_distance = distance;
		}
	}
	return best;
}

bool poll_plan_can_split(const struct poll_block *b, const struct point *points)
{
	return split_place(b, points) > 0;
}

bool poll_plan_split(struct poll_plan *plan, size_t block, const struct point *points)
{
	struct poll_block *b = &plan->blocks[block];
	size_t first = split_place(b, points);
	if (first == 0)
		return false;
	/* there is room: a plan has memory for a block for each point */
	memmove(b + 2, b + 1, (plan->block_count - block - 1) * sizeof(*b));
	plan->block_count++;
	unsigned end = b->address + b->count;
	b[1] = *b;
	b[1].points += first;
	b[1].point_count -= first;
	b[1].address = (uint16_t)point_first(&points[b[1].points[0]]);
	b[1].count = (uint16_t)(end - b[1].address);
	b[0].count = (uint16_t)(reach(b, first, points) - b[0].address);
	b[0].point_count = first;
	b[0].trial = b[1].trial = (struct poll_trial){ 0 };
	return true;
}

void poll_plan_deinit(struct poll_plan *plan)
{
	free(plan->blocks);
	free(plan->points);
	*plan = (struct poll_plan){ 0 };
}
