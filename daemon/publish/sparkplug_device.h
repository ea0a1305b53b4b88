/* sparkplug_device: one device of the edge node: what it was born with, and what was told of it (holder, main
 * thread).
 *
 * It is born with all of its metrics; after that those that changed are told, by their aliases. An alias is
 * made of the names alone, so that what is sent late, even after a restart, means what it meant.
 */
#pragma once

#include "daemon/publish/message.h"
#include "daemon/publish/sparkplug_metrics.h"

struct sparkplug_device {
	char *id;
	size_t count;
	char **names; /* of its metrics, as are these */
	uint64_t *aliases;
	struct sparkplug_metric *told; /* texts among them are not kept, only their hash: see `texts` */
	uint64_t *texts;
	bool born;
	int64_t visited_ns; /* it is silent, and born for history of it that went out then; 0 = it is not */
};

/* A device with the metrics of the list; false without memory. sparkplug_device_deinit in any case. */
bool sparkplug_device_init(struct sparkplug_device *d, const char *id, const struct sparkplug_list *l);
void sparkplug_device_deinit(struct sparkplug_device *d);

/* The alias of a metric, before the few that are alike are told apart. */
uint64_t sparkplug_alias(const char *device, const char *metric);

/* Leaves in the list what is news, all of it for a device that is not born yet: `chosen` says which metrics
 * are, NULL = those that differ from what was told. Remembers that they are told, and gives them their
 * aliases. */
void sparkplug_device_choose(struct sparkplug_device *d, struct sparkplug_list *l, const bool *chosen);
