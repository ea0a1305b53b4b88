#include "daemon/publish/health.h"

#include <stdlib.h>

void health_deinit(struct health *h)
{
	for (size_t i = 0; h->buses && i < h->config->bus_count; i++)
		driver_stats_deinit(&h->buses[i]);
	free(h->buses);
	h->buses = NULL;
}
