/* device: [device:NAME], a device on a bus (pure). */
#pragma once

#include "config/profile.h"
#include "config/sections/section.h"

#define CONFIG_DEVICES_MAX 5000

struct device_config {
	const char *name;
	const char *bus_name, *profile_name;
	size_t bus; /* index into buses */
	int64_t unit;
	int64_t poll_interval;
	bool enabled;
	struct schema_list labels;     /* KEY:VALUE of each */
	bool alarms;		       /* the default ones of its leak points */
	double accuracy_class;	       /* of a meter, in percent; NAN = not known */
	const struct profile *profile; /* NULL when all points are given by the configuration */
	const struct point *points;
	size_t point_count;
	struct name_index point_names;
	uint64_t fingerprint; /* of all that its polling depends on, its bus apart */
};

/* Between two readings of a point of it, ns; one that is read once is as fresh as its device. */
int64_t device_point_interval(const struct device_config *device, const struct point *p);

/* The index of a point by its name; SIZE_MAX = none. */
size_t device_find_point(const struct device_config *device, const char *name);

/* What stands behind the key of a label; NULL = there is none. */
const char *device_label(const struct device_config *device, const char *key);

/* The device named by the first `n` bytes of `name`; NULL = none. */
const struct device_config *device_find(const struct config *c, const char *name, size_t n);

/* The index of what `d` of another configuration is here; SIZE_MAX = it is not, or not polled alike. */
size_t device_same(const struct config *c, const struct device_config *d);

extern const struct config_section device_section;
