/* identification: what a device says of itself: Read Device Identification, function 43/14 (pure, but for
 * identification_ask, which blocks its thread).
 *
 * For an operator's tool: nothing that is polled depends on it. Source: Modbus Application Protocol V1.1b3,
 * 6.21; asked is the basic stream, which is vendor, product code and revision.
 */
#pragma once

#include "drivers/modbus/link.h"

#define IDENTIFICATION_TEXT_MAX 64

struct identification {
	char vendor[IDENTIFICATION_TEXT_MAX], product[IDENTIFICATION_TEXT_MAX],
	    revision[IDENTIFICATION_TEXT_MAX]; /* printable ASCII; "" = not told */
};

/* Reads the PDU of a reply. -EBADMSG when it is none. */
int identification_parse(const uint8_t *pdu, size_t n, struct identification *ret);

/* Asks a unit over a connection on which no reply is owed, and waits for the bus's response time-out. 0,
 * -ENOENT when the device refuses it or does not answer, -EBADMSG, -ECANCELED when stopped, -EPIPE when the
 * connection is gone. */
int identification_ask(struct modbus_link *l, uint8_t unit, struct identification *ret);
