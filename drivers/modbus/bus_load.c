#include "drivers/modbus/bus_load.h"

#include "drivers/os/clock.h"

#include <errno.h>

#define REQUEST_CHARACTERS 8
#define REPLY_CHARACTERS 5 /* beside the data */

bool bus_has_load(const struct bus_config *bus)
{
	return bus->type != BUS_TCP;
}

int64_t bus_character_ns(const struct bus_config *bus)
{
	/* start bit, 8 data bits, parity bit or none, stop bits */
	int bits = 1 + 8 + (bus->parity != PARITY_NONE) + (int)bus->stop_bits;
	return bits * NS_PER_S / bus->baud;
}

int64_t bus_silence_ns(const struct bus_config *bus)
{
	return bus->baud > 19200 ? 1750000 : bus_character_ns(bus) * 7 / 2;
}

int64_t bus_wire_ns(const struct bus_config *bus, enum register_table table, unsigned count)
{
	unsigned data = point_is_bit_table(table) ? (count + 7) / 8 : count * 2;
	return (REQUEST_CHARACTERS + REPLY_CHARACTERS + data) * bus_character_ns(bus);
}

static int64_t request_ns(const struct bus_config *bus, const struct poll_block *b)
{
	return bus_wire_ns(bus, b->table, b->count) + 2 * bus_silence_ns(bus) + bus->frame_gap +
	       BUS_LOAD_TURNAROUND_NS;
}

int bus_load_compute(const struct config *c, size_t bus, struct bus_load *ret)
{
	*ret = (struct bus_load){ 0 };
	for (size_t i = 0; i < c->device_count; i++) {
		const struct device_config *d = &c->devices[i];
		struct poll_plan plan;
		if (d->bus != bus || !d->enabled)
			continue;
		int err = poll_plan_init(&plan, d->points, d->point_count, poll_limits_of(d));
		if (err < 0)
			return err;
		for (size_t k = 0; k < plan.block_count; k++) {
			int64_t interval = d->poll_interval * poll_rhythm_factor(plan.blocks[k].rhythm);
			if (interval == 0) /* once: nothing in the long run */
				continue;
			ret->share += (double)request_ns(&c->buses[bus], &plan.blocks[k]) / (double)interval;
			ret->requests_per_s += (double)NS_PER_S / (double)interval;
		}
		poll_plan_deinit(&plan);
	}
	ret->stretch = ret->share > 1 ? ret->share : 1;
	return 0;
}
