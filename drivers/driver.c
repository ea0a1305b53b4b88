#include "drivers/driver.h"

#include <stdlib.h>

void driver_stats_deinit(struct driver_stats *s)
{
	free(s->devices);
	config_unref(s->config);
	*s = (struct driver_stats){ 0 };
}
