/* encoder: what is known, as the JSON payloads of the topics (pure apart from the allocation of the text).
 *
 * Every function returns malloc'd text, or NULL without memory. Times in payloads are milliseconds UTC.
 */
#pragma once

#include "daemon/control/alarm.h"
#include "daemon/control/loop.h"
#include "daemon/control/pue.h"
#include "daemon/live/point_table.h"
#include "daemon/publish/json_writer.h"
#include "drivers/driver.h"
#include "drivers/modbus/bus_load.h"

/* B/device/DEVICE: the points for which `take[i]`; `seq` and the time are the device's. */
char *encode_device(const struct table_device *d, const bool *take, int64_t ts_ms);

/* B/point/DEVICE/POINT. */
char *encode_point(const struct table_device *d, size_t point, int64_t now_ms);

/* B/info. */
struct info {
	const char *version;
	int64_t started_ms;
};
char *encode_info(const struct config *c, const struct info *info);

/* B/loop/NAME. */
char *encode_loop(const struct loop_config *l, const struct figure values[LOOP_VALUE_COUNT], int64_t ts_ms);

/* B/pue/NAME. `now_ms` stamps it while there is no common moment of the powers. */
char *encode_pue(const struct pue_config *c, const struct pue *p, int64_t utc_offset_ns, int64_t now_ms);

/* B/alarm/NAME. */
char *encode_alarm(const struct alarm *a, int64_t now_ms);
/* The same as part of a document, under a key. */
void encode_alarm_into(struct json_writer *w, const char *key, const struct alarm *a, int64_t now_ms);

/* What a loop has learned, in the units of its configuration. */
char *encode_reference(const struct loop_reference *r);

/* B/gap. */
char *encode_gap(int64_t from_ms, int64_t to_ms, uint64_t dropped);

/* B/health. */
struct health {
	int64_t ts_ms, uptime_s;
	const struct driver_stats *buses; /* one for each bus of the configuration */
	const struct bus_load *loads;	  /* likewise */
	const struct config *config;
	int64_t utc_offset_ns;
	uint64_t samples, batches_dropped;
	double alarm_latency_ms; /* NAN = no new alarm */
	double loop_lag_ms;	 /* longest since the last health message */
	bool broker_connected;
	uint64_t published, acknowledged, dropped, reconnects;
	size_t queued, in_flight;
	uint64_t spool_messages, spool_bytes, spool_dropped; /* that wait for the broker, or did */
	const char *spool_trouble;			     /* "" = none */
};
char *encode_health(const struct health *h);
