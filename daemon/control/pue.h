/* pue: power usage effectiveness of a boundary (pure).
 *
 * ISO/IEC 30134-2 and The Green Grid WP49: a ratio of energies over a window, never a mean of ratios, never
 * clamped.
 *
 *   E_total = sum facility - sum export; without a facility meter, for a partial PUE,
 *   E_total = sum it + sum cooling + sum loss - sum export
 *   E_IT = sum it - sum it_embedded_cooling
 *   PUE = E_total / E_IT
 *   ERE = (E_total - sum reuse_heat) / E_IT
 *   WUE = sum water / E_IT, in L/kWh
 *
 * What can be said of it, and how surely, is judged in pue_judge.h: the uncertainty follows from the accuracy
 * classes of the meters (pue_roles.h), and from the steps and the refreshes of their counters:
 * u_r = sqrt(class_total^2 + class_it^2 + quanta^2 + refresh^2).
 *
 * All meters are put on one time grid (pue_grid.h). Windows are aligned to UTC and slide by buckets, 60 or
 * so to a window. Samples go in, figures come out: no clock, no I/O.
 */
#pragma once

#include "daemon/control/figure.h"
#include "daemon/control/meter.h"
#include "daemon/control/pue_roles.h"
#include "daemon/control/pue_sink.h"
#include "daemon/control/pue_trace.h"

struct pue_meter_spec {
	enum pue_role role;
	const char *name; /* copied */
	struct meter_type type;
};

struct pue_spec {
	const struct pue_meter_spec *meters;
	size_t meter_count;
	const int64_t *windows; /* seconds */
	size_t window_count;
	size_t trace_bytes; /* for from which readings they are (pue_trace.h) */
};

struct pue;

struct pue *pue_new(const struct pue_spec *spec); /* NULL without memory */
void pue_free(struct pue *p);

/* There is one who is told of each energy. */
void pue_watch(struct pue *p, const struct pue_sink *to);

/* A reading of meter `i`; `offset_ns` is CLOCK_REALTIME - CLOCK_BOOTTIME at that time. What came of its
 * counter, in boottime. */
struct counter_step pue_read(struct pue *p, size_t i, const struct meter_reading *r, int64_t offset_ns);

/* What is known of a meter's points right now: a ratio is not stated while a needed one is not usable. */
void pue_set_quality(struct pue *p, size_t i, enum quality power, enum quality energy);

/* The ratio of powers at the latest moment that all needed meters have; `time_ns` is that moment. */
struct figure pue_power_ratio(const struct pue *p, int64_t *time_ns);

/* Power of a role at that moment, in kW. */
struct figure pue_role_power(const struct pue *p, enum pue_role role);

struct pue_window {
	int64_t start_ms, end_ms; /* UTC; 0 before anything is known */
	double coverage;	  /* share of its time with good readings of every needed meter */
	bool energy_complete;	  /* the energies are there for all of its time */
	struct figure pue, ere, wue;
	double uncertainty; /* of `pue`, k = 2; NAN while a needed meter has no accuracy class */
	bool has_role[PUE_ROLE_COUNT];
	double kwh[PUE_ROLE_COUNT]; /* over the covered part; NAN when it is not known for all of it */
	struct pue_parts parts;	    /* likewise */
};

struct pue_window pue_window(const struct pue *p, size_t window);

/* Of a meter's counter, as it is now: energy of a step in joules, and how often it refreshes in ns; 0 = it
 * has none, or each reading is another. */
double pue_meter_quantum(const struct pue *p, size_t i);
int64_t pue_meter_refresh(const struct pue *p, size_t i);

/* What a meter adds to the uncertainty of a window, as half-widths for k = 2, in joules; the PUE changes by
 * `slope` with each of them. */
struct pue_doubt {
	enum pue_role role;
	bool is_needed; /* else it adds nothing */
	double energy;	/* its own: of the role's what it has counted of that so far */
	double class, step, refresh;
	double slope;
};

struct pue_doubt pue_window_doubt(const struct pue *p, size_t window, size_t meter);
/* Of a window's time that of which the energies of all needed meters are there. */
int64_t pue_window_known_s(const struct pue *p, size_t window);

/* A meter's power at a moment, and the readings that it is of. */
struct pue_meter_power {
	bool has_power;
	struct power_pair readings;
	struct figure watts;
};

struct pue_meter_power pue_meter_power(const struct pue *p, size_t meter, int64_t time_ns);

/* From which readings its windows are; NULL = that is not kept. As bytes it goes its own way: it is large. */
const struct pue_trace *pue_trace_of(const struct pue *p);
void pue_save_trace(const struct pue *p, struct bytes_writer *w);
void pue_load_trace(struct pue *p, struct bytes_reader *r);

/* Everything that is known, as bytes; and back into a new `pue` of the same meters, whose windows go on when
 * they are of the same length. The energy of the time
 * between is counted from the counters, as estimated; while the clock is behind what was saved that waits for
 * it (wall_clock.h); the clock must outlive the `pue`. -EBADMSG when the bytes are of something else, and
 * then the `pue` is of no more use. */
void pue_save(const struct pue *p, struct bytes_writer *w);
int pue_load(struct pue *p, struct bytes_reader *r, struct wall_clock *clock);

/* Takes over what another figure of the same meters knows; its windows may be others, those of the same
 * length go on. `from` is of no more use. False when it could not. */
bool pue_inherit(struct pue *p, const struct pue *from);

/* Whether it has read anything, or taken up what was. */
bool pue_has_begun(const struct pue *p);

/* Whether what was saved is of a version that knew other fingerprints. */
bool pue_is_saved_long_ago(struct bytes_reader r);

/* No facility meter: the figure is a partial PUE. */
bool pue_is_partial(const struct pue *p);
