/* sparkplug_metrics: what is known of something of ours, as metrics of a Sparkplug device (pure).
 *
 * How many metrics something has, their names and their types depend on the configuration alone. Texts are of
 * the configuration, static, or in the list; they are good until it is filled again, or what they are of
 * changes.
 */
#pragma once

#include "daemon/live/live.h"
#include "daemon/publish/sparkplug_payload.h"

/* A figure's name of more than a word, as windows/15m/pue. */
#define SPARKPLUG_NAME_MAX 64

/* Zeroed at first. */
struct sparkplug_list {
	struct sparkplug_metric *metrics;
	char (*names)[SPARKPLUG_NAME_MAX];
	size_t count, capacity;
	int64_t ts_ms; /* of what has no time of its own */
};

void sparkplug_list_free(struct sparkplug_list *l);

/* Each fills the list anew; without memory it is empty. */
void sparkplug_list_device(struct sparkplug_list *l, const struct table_device *d, int64_t ts_ms);
void sparkplug_list_loop(struct sparkplug_list *l, const struct live *live, size_t i, int64_t ts_ms);
void sparkplug_list_group(struct sparkplug_list *l, const struct live *live, size_t i, int64_t ts_ms);
void sparkplug_list_pue(struct sparkplug_list *l, const struct live *live, size_t i, int64_t ts_ms);
void sparkplug_list_alarm(struct sparkplug_list *l, const struct alarm *a, int64_t ts_ms);
