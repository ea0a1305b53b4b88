/* heard: what a serial line has brought lately (holder, one thread; times are CLOCK_BOOTTIME).
 *
 * Some lines and gateways bring a reply twice. The second copy would be taken for the reply to the next
 * request of the same unit, function and size. It is known by its bytes: they are those of the reply to
 * another request, and not those that this request was answered with before.
 */
#pragma once

#include "drivers/modbus/pdu.h"

#include <stddef.h>

struct heard_reply {
	struct modbus_request request;
	uint64_t print; /* hash of the whole frame, without its CRC */
	int64_t at_ns;
};

struct heard {
	struct heard_reply *items; /* of different requests each */
	size_t count, room;
};

void heard_deinit(struct heard *h);

/* The frame was taken for the reply to the request. */
void heard_note(struct heard *h, const struct modbus_request *q, uint64_t print, int64_t now);

/* Whether a frame that would answer `q` is the copy of another one's reply, as far as can be seen; with NULL,
 * of any. */
bool heard_is_copy(const struct heard *h, const struct modbus_request *q, uint64_t print, int64_t now);
