/* pue_meters: a facility and an IT meter for the tests of PUE figures. */
#pragma once

#include "unit.h"

#include "daemon/control/pue.h"
#include "drivers/os/clock.h"

#include <math.h>

#define WH 3600.0

/* 2026-01-01T00:00:00Z, where the examples begin; boottime there is 1000 s */
#define START_UTC_S INT64_C(1767225600)
#define BOOT_S INT64_C(1000)
#define OFFSET ((START_UTC_S - BOOT_S) * NS_PER_S)

enum { FACILITY, IT };

static const int64_t one_minute[] = { 60 };
static const int64_t four_windows[] = { 60, 900, 3600, 86400 };

static inline struct pue *make(struct meter_type type, const int64_t *windows, size_t window_count)
{
	struct pue_meter_spec meters[] = { { PUE_FACILITY, "main", type }, { PUE_IT, "pdu", type } };
	struct pue *p = pue_new(&(struct pue_spec){ meters, 2, windows, window_count });
	assert_non_null(p);
	pue_set_quality(p, FACILITY, QUALITY_GOOD, QUALITY_GOOD);
	pue_set_quality(p, IT, QUALITY_GOOD, QUALITY_GOOD);
	return p;
}

static const struct meter_type power_meter = { .has_power = true, .interval_ns = NS_PER_S };
static const struct meter_type energy_meter = { .has_power = true,
	.has_counter = true,
	.interval_ns = NS_PER_S,
	.counter = { .width = 32, .joules = WH } };

static inline void power(struct pue *p, size_t meter, double seconds, double kw)
{
	struct meter_reading r = {
		.time_ns = BOOT_S * NS_PER_S + llround(seconds * 1e9), .power_good = true, .watts = kw * 1000
	};
	pue_read(p, meter, &r, OFFSET);
}

static inline void energy(struct pue *p, size_t meter, double seconds, uint64_t raw)
{
	struct meter_reading r = {
		.time_ns = BOOT_S * NS_PER_S + llround(seconds * 1e9), .counter_good = true, .raw = raw
	};
	pue_read(p, meter, &r, OFFSET);
}
