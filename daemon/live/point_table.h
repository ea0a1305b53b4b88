/* point_table: the latest of every point of every device (holder, main thread).
 *
 * Batches go in; the rest of the daemon reads. A point that has had no good reading for three of its
 * intervals is stale. Made anew for each configuration, taking over the devices that did not change.
 */
#pragma once

#include "daemon/control/figure.h"
#include "drivers/sample.h"

struct table_point {
	struct sample sample;  /* owns its text; time 0 = never */
	enum quality measured; /* of the sample, before it is compared with other sensors */
	unsigned deviations;   /* sources that find it far from the others: the sample is suspect */
	double last_number;    /* since changed_ns */
	int64_t changed_ns;    /* 0 = never read well */
	int64_t usable_ns;     /* when the last reading with a value was made; 0 = never */
	uint64_t updates;      /* counts what came over the sample: readings, turning stale, marks */
};

struct table_device {
	const struct device_config *config;
	struct table_point *points;
	int64_t last_ns;       /* of the newest reply; 0 = never */
	int64_t utc_offset_ns; /* of the newest batch */
	int64_t asked_from_ns; /* before that nothing could be read of all of it */
	int64_t next_check_ns; /* when a point may become stale at the earliest */
	bool has_lapsed;       /* something that is read once is stale, and kept */
	uint64_t updates;      /* of all points together */
};

struct point_table {
	const struct config *config;
	int64_t started_ns;
	uint64_t samples;	       /* ever taken */
	struct table_device devices[]; /* as in the configuration */
};

struct point_table *point_table_new(const struct config *c, int64_t now_ns); /* NULL without memory */
/* Moves the devices that did not change out of `old`. */
void point_table_inherit(struct point_table *t, struct point_table *old);
void point_table_free(struct point_table *t);

/* Takes a batch of values over (its texts move into the table). Returns the device, or NULL when the batch is
 * of a device that is no more, or not as it was. */
struct table_device *point_table_apply(struct point_table *t, struct batch *b);

/* Before `from_ns` not all of the device can be asked: so long no absence of a reading says anything. */
void point_table_ask_from(struct point_table *t, size_t device, int64_t from_ns);

/* Turns points stale. Returns whether any of the device did. */
bool point_table_check_stale(struct point_table *t, struct table_device *d, int64_t now_ns);

/* Whether it was heard lately, for the rhythm of its points. */
bool point_table_is_up(const struct table_device *d, int64_t now_ns);

/* Adds or takes back a mark: the point deviates from other sensors of the same thing. */
void point_table_mark(struct point_table *t, struct point_ref r, bool deviates);

/* As point_table_figure, but without such marks. */
struct figure point_table_measured(const struct point_table *t, struct point_ref r);

/* A point as a number in the SI unit of its quantity; the reason is left NULL. */
struct figure point_table_figure(const struct point_table *t, struct point_ref r);

/* A point as a number in its own unit (0 or 1 for a bool). */
struct figure point_table_value(const struct point_table *t, struct point_ref r);

/* When it was read last, CLOCK_BOOTTIME; 0 = never. */
int64_t point_table_time(const struct point_table *t, struct point_ref r);

/* For how long, at `now_ns`, it has had no usable reading; 0 = it has one. */
int64_t point_table_missing(const struct point_table *t, struct point_ref r, int64_t now_ns);

const struct table_point *point_table_at(const struct point_table *t, struct point_ref r);
