/* shared: a bus whose port the running coolantd holds, asked through it (mover, blocks its thread). */
#pragma once

#include "daemon/ctl/ctl.h"
#include "drivers/modbus/link.h"

#include <stdio.h>

enum shared_state {
	SHARED_NOT,	 /* no coolantd runs, or it has no such bus */
	SHARED_HELD,	 /* its port is coolantd's */
	SHARED_FORBIDDEN /* a coolantd runs that cannot be asked, which was said */
};

/* Whether a running coolantd has that bus. */
enum shared_state shared_find(struct ctl *c, const char *bus);

/* Asks; the results of a link. EXCHANGE_CLOSED with `why` when it cannot be asked. */
enum exchange_result shared_ask(struct ctl *c, const char *bus, const struct modbus_request *q,
    struct modbus_reply *r, char why[static MODBUS_WHY_MAX]);

/* Writes what has gone over the bus since the place `*from`, which is moved on (drivers/modbus/capture.h).
 * False when it cannot be had, said. */
bool shared_capture(const struct ctl *c, const char *bus, uint64_t *from, FILE *out);
