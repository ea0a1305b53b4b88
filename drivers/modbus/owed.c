#include "drivers/modbus/owed.h"

#include <stdlib.h>

/* Units, functions and sizes that are owed at one time; a line on which more is owed rests. */
#define OWED_MAX 1024

/* After so long without a time-out, a request that is repeated shows that what was owed of it was lost. */
#define STEADY_NS INT64_C(30000000000)

void owed_deinit(struct owed *o)
{
	free(o->items);
	*o = (struct owed){ 0 };
}

static bool looks_alike(const struct modbus_request *a, const struct modbus_request *b)
{
	return a->unit == b->unit && a->table == b->table && modbus_reply_bytes(a) == modbus_reply_bytes(b);
}

static void drop(struct owed *o, struct owed_reply *r)
{
	*r = o->items[--o->count];
}

/* Until when it is reckoned with. */
static int64_t until(const struct owed *o, const struct owed_reply *r)
{
	bool passed_over = o->prompt_ns > r->due_ns;
	return (passed_over || r->due_ns > o->heard_ns ? r->due_ns : o->heard_ns) + OWED_LATE_NS;
}

static void forget_old(struct owed *o, int64_t now)
{
	for (size_t i = o->count; i-- > 0;)
		if (until(o, &o->items[i]) <= now)
			drop(o, &o->items[i]);
}

/* The one that a reply to `q` would be taken for. */
static struct owed_reply *find(struct owed *o, const struct modbus_request *q)
{
	for (size_t i = 0; i < o->count; i++)
		if (looks_alike(&o->items[i].request, q))
			return &o->items[i];
	return NULL;
}

static struct owed_reply *find_same(struct owed *o, const struct modbus_request *q)
{
	struct owed_reply *r = find(o, q);
	return r && modbus_same_request(&r->request, q) ? r : NULL;
}

int64_t owed_free_at(struct owed *o, const struct modbus_request *q, int64_t now)
{
	forget_old(o, now);
	const struct owed_reply *r = find(o, q);
	int64_t when = o->unknown_until_ns > now ? o->unknown_until_ns : now;
	return r && !modbus_same_request(&r->request, q) && until(o, r) > when ? until(o, r) : when;
}

bool owed_repeats(struct owed *o, const struct modbus_request *q, int64_t now)
{
	forget_old(o, now);
	return find_same(o, q) != NULL;
}

void owed_asked(struct owed *o, const struct modbus_request *q, int64_t deadline)
{
	struct owed_reply *r = find_same(o, q);
	if (!r)
		return;
	/* which of the replies comes next nobody knows: the other one is late then */
	r->count++;
	r->due_ns = deadline;
}

void owed_answered(struct owed *o, const struct modbus_request *q, int64_t asked, int64_t now)
{
	struct owed_reply *r = find_same(o, q);
	o->heard_ns = now;
	/* it may be an earlier one's answer; but not if all have been answered in time for so long */
	if (!r || r->timed_out_ns + STEADY_NS <= now)
		o->prompt_ns = asked;
	if (r && --r->count == 0)
		drop(o, r);
}

static bool make_room(struct owed *o)
{
	if (o->count < o->room)
		return true;
	size_t room = o->room ? 2 * o->room : 8;
	struct owed_reply *items = room <= OWED_MAX ? realloc(o->items, room * sizeof(*items)) : NULL;
	if (!items)
		return false;
	o->items = items;
	o->room = room;
	return true;
}

void owed_missed(struct owed *o, const struct modbus_request *q, int64_t now)
{
	struct owed_reply *r = find_same(o, q);
	if (!r && !make_room(o)) {
		o->unknown_until_ns = now + OWED_LATE_NS;
		return;
	}
	if (!r) {
		r = &o->items[o->count++];
		*r = (struct owed_reply){ .request = *q, .count = 1 };
	}
	r->due_ns = r->timed_out_ns = now;
}

/* What the frame can be the answer to; NULL when that is nothing, or not clear. */
static struct owed_reply *find_answered(
    const struct owed *o, uint8_t unit, uint8_t function, unsigned bytes, bool refusal)
{
	struct owed_reply *found = NULL;
	for (size_t i = 0; i < o->count; i++) {
		struct owed_reply *r = &o->items[i];
		if (r->request.unit != unit || modbus_read_function(r->request.table) != function)
			continue;
		if (!refusal && modbus_reply_bytes(&r->request) == bytes)
			return r;
		if (refusal && found)
			return NULL;
		if (refusal)
			found = r;
	}
	return found;
}

bool owed_settle(struct owed *o, uint8_t unit, uint8_t function, unsigned bytes, bool refusal, int64_t now)
{
	struct owed_reply *r = find_answered(o, unit, function, bytes, refusal);
	o->heard_ns = now;
	if (!r)
		return false;
	if (--r->count == 0)
		drop(o, r);
	else /* a device that is behind answers the rest from now on */
		r->due_ns = r->timed_out_ns = now;
	return true;
}

bool owed_owes(const struct owed *o, uint8_t unit, uint8_t function, unsigned bytes)
{
	return find_answered(o, unit, function, bytes, false) != NULL;
}

bool owed_refusal_is_unclear(const struct owed *o, const struct modbus_request *q, int64_t now)
{
	for (size_t i = 0; i < o->count; i++) {
		const struct owed_reply *r = &o->items[i];
		if (r->request.unit == q->unit && r->request.table == q->table &&
		    r->timed_out_ns + OWED_LATE_NS > now && !modbus_same_request(&r->request, q))
			return true;
	}
	return false;
}
