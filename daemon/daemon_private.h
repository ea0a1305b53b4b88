/* daemon_private: what the files of the daemon share (holder, main thread). */
#pragma once

#include "daemon/broker/publisher.h"
#include "daemon/buses.h"
#include "daemon/live/live.h"
#include "daemon/live/own_alarm.h"
#include "daemon/state/state_dir.h"
#include "daemon/state/state_file.h"
#include "drivers/modbus/bus_load.h"

#include <systemd/sd-event.h>

struct daemon {
	struct config *config;
	sd_event *event;
	struct state_dir *state_dir;
	struct inbox *batches;
	struct buses *buses;
	struct point_table *table;
	struct live *live;
	struct publisher *publisher;
	struct http *http; /* NULL = off */
	struct own_alarm own_alarms[OWN_ALARM_COUNT];
	struct alarm_flood flood;
	struct retired {
		char **names;
		size_t count;
	} retired;		       /* alarms that are configured no more */
	struct state_file *state_file; /* NULL without a state_dir */
	sd_event_source *sources[8];
	int64_t started_ns, started_ms;
	int64_t state_saved_ns;
	bool save_soon; /* something that must not be lost has changed since then */
	int64_t last_tick_ns, lag_max_ns;
	int64_t alarm_latency_max_ns; /* since the last health; 0 = no new alarm */
	int64_t watchdog_ns, fed_ns;
	struct bus_load *loads; /* one for each bus of the configuration */
	uint64_t samples_at_status;
	int64_t status_ns;
	bool stopping, replacing_publisher, watchdog_silent;
};
