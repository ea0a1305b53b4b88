/* uptime: the clock of a spool's file, seconds that machines were up with it (holder, one thread at a time).
 *
 * It goes on by what the machine was up since it was saved; after a boot it goes on from there. `now_ns` is
 * CLOCK_BOOTTIME.
 */
#pragma once

#include "daemon/disk/db.h"

#define UPTIME_BOOT_ID_SIZE 40

struct uptime {
	int64_t offset_s; /* to CLOCK_BOOTTIME */
	char boot_id[UPTIME_BOOT_ID_SIZE];
};

/* 0 or negative errno, as db.h has them. */
int uptime_load(struct uptime *u, struct db *d, int64_t now_ns);
int uptime_save(const struct uptime *u, struct db *d, int64_t now_ns);

int64_t uptime_at(const struct uptime *u, int64_t now_ns);
