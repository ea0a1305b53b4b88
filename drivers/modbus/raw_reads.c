#include "drivers/modbus/raw_reads.h"

#include "drivers/modbus/bus_load.h"
#include "drivers/os/clock.h"

#include <stdio.h>
#include <string.h>

static struct raw_read *first_of(const struct raw_reads *w)
{
	return (struct raw_read *)w->first;
}

static struct modbus_request request_of(const struct raw_read *r)
{
	return (struct modbus_request){ r->unit, r->table, r->address, r->count };
}

void raw_reads_add(struct raw_reads *w, struct raw_read *r, int64_t now)
{
	struct inbox_item **last = &w->first;
	if (w->count == RAW_READS_MAX) {
		raw_read_return(r, RAW_READ_REFUSED);
		return;
	}
	if (w->count++ == 0)
		w->since_ns = now;
	while (*last)
		last = &(*last)->next;
	r->item.next = NULL;
	*last = &r->item;
}

static struct raw_read *take(struct raw_reads *w, int64_t now)
{
	struct raw_read *r = first_of(w);
	w->first = r->item.next;
	w->count--;
	w->since_ns = now;
	return r;
}

void raw_reads_refuse(struct raw_reads *w)
{
	while (w->first)
		raw_read_return(take(w, 0), RAW_READ_REFUSED);
}

void raw_reads_fail(struct raw_reads *w, const char *why)
{
	struct raw_read *r = take(w, clock_boottime());
	snprintf(r->why, sizeof(r->why), "%s", why);
	raw_read_return(r, RAW_READ_NO_CONNECTION);
}

int64_t raw_reads_until(const struct raw_reads *w)
{
	return w->first ? first_of(w)->until_ns : INT64_MAX;
}

int64_t raw_reads_due(struct raw_reads *w, struct modbus_link *l, int64_t now)
{
	while (w->first && first_of(w)->until_ns <= now)
		raw_read_return(take(w, now), RAW_READ_NO_TURN);
	if (!w->first)
		return INT64_MAX;
	const struct modbus_request q = request_of(first_of(w));
	const int64_t free_at = modbus_link_free_at(l, &q, now);
	if (modbus_link_is_strange(l, now) && l->strange_until_ns > free_at)
		return l->strange_until_ns;
	return free_at > now ? free_at : w->since_ns;
}

int64_t raw_reads_wire_ns(const struct raw_reads *w, const struct bus_config *bus)
{
	const struct raw_read *r = first_of(w);
	return bus->type == BUS_TCP ? 0 : bus_wire_ns(bus, r->table, r->count);
}

void raw_reads_ask(struct raw_reads *w, struct requester *r)
{
	static const enum raw_read_outcome outcomes[] = {
		[EXCHANGE_OK] = RAW_READ_ANSWERED,
		[EXCHANGE_EXCEPTION] = RAW_READ_EXCEPTION,
		[EXCHANGE_TIMEOUT] = RAW_READ_NO_REPLY,
		[EXCHANGE_BAD_REPLY] = RAW_READ_BAD_REPLY,
		[EXCHANGE_CLOSED] = RAW_READ_NO_CONNECTION,
		[EXCHANGE_FLOODED] = RAW_READ_BAD_REPLY,
		[EXCHANGE_STOPPED] = RAW_READ_REFUSED,
	};
	const int64_t asked = clock_boottime();
	struct raw_read *read = take(w, asked);
	const struct modbus_request q = request_of(read);
	const enum exchange_result result = requester_ask_raw(r, &q);
	read->latency_ns = r->reply.received_ns - asked;
	if (result == EXCHANGE_OK)
		memcpy(read->values, r->reply.values, q.count * sizeof(read->values[0]));
	if (result == EXCHANGE_EXCEPTION) {
		read->exception = r->reply.exception;
		snprintf(read->why, sizeof(read->why), "exception %d: %s", read->exception,
		    modbus_exception_word(read->exception));
	}
	if (result == EXCHANGE_CLOSED && r->refused)
		snprintf(read->why, sizeof(read->why), "%s", r->why);
	raw_read_return(read, outcomes[result]);
}
