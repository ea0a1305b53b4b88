/* config: a whole configuration, read, checked and typed (holder).
 *
 * config_load reads a file and its drop-ins, the profiles they name, and resolves every reference; after that
 * a configuration never changes, so threads read it without locks. It is reference counted: a bus worker may
 * still run on the old one while the main thread has taken a new one. What stands in it is in the header of
 * each section.
 */
#pragma once

#include "config/ini/diag.h"
#include "config/sections/alarm.h"
#include "config/sections/bus.h"
#include "config/sections/device.h"
#include "config/sections/general.h"
#include "config/sections/loop.h"
#include "config/sections/mqtt.h"
#include "config/sections/pue.h"
#include "config/sections/reference.h"

struct config {
	const char *path;
	struct daemon_config daemon;
	struct mqtt_config mqtt;
	struct spool_config spool;
	struct bus_config *buses;
	struct device_config *devices;
	struct loop_config *loops;
	struct pue_config *pues;
	struct alarm_config *alarms; /* the default ones behind those of the file */
	size_t bus_count, device_count, loop_count, pue_count, alarm_count;
	struct name_index bus_names, device_names, loop_names, pue_names, alarm_names;
	uint64_t fingerprint; /* of all its sections and profiles */
	struct arena *arena;  /* where all of it lives */
	unsigned references;  /* atomic */
};

/* Reads `path`, then the *.ini files in the folder coolantd.d beside it, by name. Returns the configuration
 * with one reference, or NULL with at least one error in `d`. */
struct config *config_load(const char *path, struct diag *d);

struct config *config_ref(struct config *c);
void config_unref(struct config *c);

/* The device named by the first `n` bytes of `name`; NULL = none. */
const struct device_config *config_find_device(const struct config *c, const char *name, size_t n);

/* The point of a name DEVICE.POINT; not set when there is none. */
struct point_ref config_lookup(const struct config *c, const char *name);
const struct point *config_point(const struct config *c, struct point_ref r);

/* The index of an alarm by its name; SIZE_MAX = none. */
size_t config_find_alarm(const struct config *c, const char *name);

/* The kinds of sections, for the manual. */
extern const struct config_section *const config_sections[];
extern const size_t config_section_count;
