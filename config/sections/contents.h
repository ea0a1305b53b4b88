/* contents: what a configuration says, all sections of it in one hand (holder).
 *
 * Each section's struct is in its own header; this one points to them, so that a section can see the others
 * without all of them being part of it. Everything lives in the arena, and is never changed after loading.
 */
#pragma once

#include "config/ini/name_index.h"

#include <stdint.h>

struct ini_section;

struct config {
	const char *path;
	const struct ini_section *sections; /* as they are written, see ini_tree.h */
	struct daemon_config *daemon;
	struct mqtt_config *mqtt;
	struct sparkplug_config *sparkplug; /* NULL = off, as is this */
	struct dsx_config *dsx;
	struct spool_config *spool;
	struct records_config *records;
	struct bus_config *buses;
	struct device_config *devices;
	struct loop_config *loops;
	struct group_config *groups;
	struct pue_config *pues;
	struct alarm_config *alarms; /* the default ones behind those of the file */
	size_t bus_count, device_count, loop_count, group_count, pue_count, alarm_count;
	struct name_index bus_names, device_names, loop_names, group_names, pue_names, alarm_names;
	uint64_t fingerprint; /* of all its sections and profiles */
	struct arena *arena;  /* where all of it lives */
	unsigned references;  /* atomic */
};
