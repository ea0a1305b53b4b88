#include "drivers/modbus/scan.h"

#include "drivers/os/clock.h"

#include <errno.h>

static struct scan_finding ask(struct modbus_link *l, uint8_t unit, struct modbus_reply *reply)
{
	const struct modbus_request q = { unit, POINT_HOLDING, 0, 1 };
	struct scan_finding f = { .unit = unit };
	int64_t sent = clock_boottime();
	f.result = modbus_link_exchange(l, &q, reply);
	f.late = reply->strays;
	if (f.result == EXCHANGE_EXCEPTION) {
		f.exception = reply->exception;
		f.present = !modbus_is_unreachable(f.result, reply);
	}
	if (f.result == EXCHANGE_OK)
		f.present = true;
	if (f.present)
		f.latency_ns = reply->received_ns - sent;
	return f;
}

int modbus_scan(const struct bus_config *bus, int stop_fd, uint8_t first, uint8_t last, scan_fn tell,
    void *user, char why[static MODBUS_WHY_MAX])
{
	struct modbus_link link;
	struct modbus_reply reply;
	struct progress unwatched = { 0 };
	int err = 0;
	if (!modbus_link_init(&link, bus, stop_fd, &unwatched))
		return -ENOMEM;
	for (unsigned unit = first; unit <= last; unit++) {
		if (link.fd < 0)
			err = modbus_link_connect(&link, why);
		if (err < 0)
			break;
		struct scan_finding f = ask(&link, (uint8_t)unit, &reply);
		if (f.result == EXCHANGE_STOPPED) {
			err = -ECANCELED;
			break;
		}
		if (!tell(&f, user))
			break;
	}
	modbus_link_deinit(&link);
	return err;
}
