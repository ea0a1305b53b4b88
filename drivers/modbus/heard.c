#include "drivers/modbus/heard.h"

#include "drivers/modbus/owed.h"

#include <stdlib.h>

/* Requests that are remembered; of more, the one that was answered longest ago is forgotten. */
#define HEARD_MAX 1024

void heard_deinit(struct heard *h)
{
	free(h->items);
	*h = (struct heard){ 0 };
}

static struct heard_reply *oldest(struct heard *h)
{
	struct heard_reply *found = h->items;
	for (size_t i = 1; i < h->count; i++)
		if (h->items[i].at_ns < found->at_ns)
			found = &h->items[i];
	return found;
}

/* Where a reply to the request is noted; NULL without any memory. */
static struct heard_reply *place_for(struct heard *h, const struct modbus_request *q)
{
	for (size_t i = 0; i < h->count; i++)
		if (modbus_same_request(&h->items[i].request, q))
			return &h->items[i];
	if (h->count == h->room && h->room < HEARD_MAX) {
		size_t room = h->room ? 2 * h->room : 8;
		struct heard_reply *items = realloc(h->items, room * sizeof(*items));
		if (items) {
			h->items = items;
			h->room = room;
		}
	}
	return h->count < h->room ? &h->items[h->count++] : oldest(h);
}

void heard_note(struct heard *h, const struct modbus_request *q, uint64_t print, int64_t now)
{
	struct heard_reply *r = place_for(h, q);
	if (r)
		*r = (struct heard_reply){ *q, print, now };
}

bool heard_is_copy(const struct heard *h, const struct modbus_request *q, uint64_t print, int64_t now)
{
	bool copy = false;
	for (size_t i = 0; i < h->count; i++) {
		const struct heard_reply *r = &h->items[i];
		if (r->print != print)
			continue;
		if (q && modbus_same_request(&r->request, q))
			return false;
		copy |= r->at_ns + OWED_LATE_NS > now;
	}
	return copy;
}
