/* health: the daemon's own figures, for whoever tells them (holder). */
#pragma once

#include "daemon/publish/output_connection.h"
#include "drivers/driver.h"
#include "drivers/modbus/bus_load.h"

/* Of a connection to a broker and what waits for it. */
struct health_broker {
	bool connected;
	uint64_t published, acknowledged, dropped, reconnects;
	size_t queued, in_flight;
	uint64_t waiting, waiting_bytes, waiting_dropped; /* in the history */
	int64_t oldest_ms;				  /* UTC, of the oldest of them; 0 = there is none */
	const char *spool_trouble;			  /* "" = none */
};

struct health {
	int64_t ts_ms, uptime_s;
	int64_t utc_offset_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME */
	const struct config *config;
	struct driver_stats *buses;   /* malloc'd, one for each bus of the configuration */
	const struct bus_load *loads; /* likewise */
	uint64_t samples, batches_dropped;
	int64_t lag_ns;		  /* longest of the main loop since the last time */
	int64_t alarm_latency_ns; /* likewise, from a device's reply to its alarm; 0 = no new alarm */
	struct health_broker brokers[OUTPUT_CONNECTIONS]; /* of those that there are */
};

/* Frees the stats of the buses. */
void health_deinit(struct health *h);
