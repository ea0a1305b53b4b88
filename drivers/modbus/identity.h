/* identity: whether a device is the model that its profile describes (no I/O but the journal; one thread;
 * times are CLOCK_BOOTTIME).
 *
 * A profile may name registers that only its model answers so. They are asked before anything else is, and
 * anew after each silence: somebody may have put another device there meanwhile. While one of them holds
 * something else, or is refused, nothing of the device is read and all its values are invalid, in each cycle;
 * the registers are asked again after 1 s, 2 s, 4 s up to the bus's max_backoff.
 */
#pragma once

#include "drivers/modbus/link.h"
#include "drivers/sample.h"

enum identity_verdict { IDENTITY_RIGHT, IDENTITY_OPEN, IDENTITY_WRONG };

struct identity {
	enum identity_verdict verdict;
	size_t next;	 /* of the registers that tell it: which is asked next */
	int64_t due_ns;	 /* not before */
	int64_t wait_ns; /* of a wrong device, until it is asked again */
	bool told;	 /* that it is a wrong one */
};

/* It is to be asked who it is: a new device, or one that was silent. */
void identity_open(struct identity *i, const struct device_config *c);

/* When the device wants to be asked next, of one whose cycles are due at `due`. */
int64_t identity_due(const struct identity *i, int64_t due);

/* Whether a question about it comes before a new cycle. */
bool identity_is_due(const struct identity *i, int64_t now);

/* The next such question: its register, and the request for it. NULL when the reply could be taken for one
 * that is owed: it is due later then. */
const struct profile_identity *identity_ask(struct identity *i, const struct device_config *c,
    struct modbus_link *l, int64_t now, struct modbus_request *ret);

/* Whether a reply to `q` looks like one to such a question, which an earlier run may have asked. */
bool identity_is_like(const struct device_config *c, const struct modbus_request *q);

/* Takes an answer to such a question: EXCHANGE_OK or EXCHANGE_EXCEPTION. True when it is now known to be the
 * right device. */
bool identity_take(struct identity *i, const struct device_config *c, const struct profile_identity *asked,
    enum exchange_result result, const struct modbus_reply *r, int64_t max_backoff, int64_t now);

/* All points of a wrong device, also those of another rhythm: what was read once is not of it. */
void identity_add_invalid(const struct device_config *c, struct batch *batch, int64_t now);
