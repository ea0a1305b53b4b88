#include "drivers/driver.h"

#include "drivers/modbus/driver.h"

#include <stdlib.h>

static const struct driver_impl *const drivers[] = {
	[BUS_RTU] = &modbus_driver,
	[BUS_TCP] = &modbus_driver,
	[BUS_RTUTCP] = &modbus_driver,
};

const struct driver_impl *driver_find(enum bus_type type)
{
	return drivers[type];
}

void driver_stats_deinit(struct driver_stats *s)
{
	free(s->devices);
	config_unref(s->config);
	*s = (struct driver_stats){ 0 };
}
