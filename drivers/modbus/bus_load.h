/* bus_load: how much of a serial line's time the polling of its devices takes (pure).
 *
 * A request for n registers costs (8 + 5 + 2n) characters on the wire, two silences of 3.5 characters, the
 * frame_gap and the device's turnaround. A character has 11 bits (10 without parity and with one stop bit).
 * Source: Modbus over Serial Line V1.02, 2.5.1.
 */
#pragma once

#include "config/config.h"
#include "drivers/modbus/poll_plan.h"

/* From the request's last bit to the reply's first, of a device in the middle of the field: 5 to 50 ms are
 * seen. */
#define BUS_LOAD_TURNAROUND_NS INT64_C(10000000)

struct bus_load {
	double share; /* of the line's time; above 1 it cannot be met */
	double requests_per_s;
	double stretch; /* by how much the intervals are stretched in fact: 1 when all can be met */
};

/* Bits of a character, and nanoseconds of one, on a serial line. */
int64_t bus_character_ns(const struct bus_config *bus);

/* The silence between frames: 3.5 characters; 1.75 ms above 19200 baud. */
int64_t bus_silence_ns(const struct bus_config *bus);

/* Time of one request and its reply on the wire, without silence and turnaround. */
int64_t bus_wire_ns(const struct bus_config *bus, enum register_table table, unsigned count);

/* Whether the bus is a serial line, which has a load (a TCP endpoint's is not known). */
bool bus_has_load(const struct bus_config *bus);

/* The load of bus `bus` with all its enabled devices; 0 or -ENOMEM. */
int bus_load_compute(const struct config *c, size_t bus, struct bus_load *ret);
