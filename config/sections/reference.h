/* reference: how loops, PUE figures and alarms name points of devices (pure). */
#pragma once

#include "config/sections/device.h"

struct point_ref {
	size_t device, point; /* indices; device is SIZE_MAX when the reference is not set */
};

extern const struct point_ref point_ref_unset;

static inline bool point_ref_is_set(struct point_ref r)
{
	return r.device != SIZE_MAX;
}

/* How several sensors make one figure: of the same thing, or of parts that are added up. */
enum combination {
	COMBINE_ONE,
	COMBINE_MEDIAN,
	COMBINE_MEAN,
	COMBINE_SUM,
	COMBINE_COUNT, /* not a figure: how many of them meet a condition; of alarms alone */
};

#define CONFIG_SOURCE_POINTS_MAX 64

struct point_source {
	enum combination how;
	const struct point_ref *refs;
	size_t count;  /* 0 = not configured */
	size_t needed; /* COMBINE_COUNT: that must meet the condition */
};

/* The point of a name DEVICE.POINT; not set when there is none. */
struct point_ref reference_find(const struct config *c, const char *name);
const struct point *reference_get(const struct config *c, struct point_ref r);

/* Whether both are set and the same reading, maybe under two names: the same registers and bits of a device.
 */
bool reference_is_same(const struct config *c, struct point_ref a, struct point_ref b);

/* For checks, with all points known. `key` is where the text stands; what is wrong is said. */

/* The device named by the first `n` bytes of `text`, or NULL. */
const struct device_config *reference_device(
    const struct config_loading *l, const char *key, const char *text, size_t n);

/* DEVICE.POINT; unset when it is wrong. */
struct point_ref reference_point(const struct config_loading *l, const char *key, const char *text);

/* DEVICE.POINT, or median:, mean: or sum: and a comma list of them, which must be numbers of one quantity;
 * without points when it is wrong. */
struct point_source reference_source(const struct config_loading *l, const char *key, const char *text);

/* The same and any: or N of: and a comma list of points in one unit, bools too, for COMBINE_COUNT. */
struct point_source reference_condition(const struct config_loading *l, const char *key, const char *text);
