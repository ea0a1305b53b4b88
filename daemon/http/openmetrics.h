/* openmetrics: text for a scraper into a growing buffer (holder).
 *
 * OpenMetrics 1.0, or the older text format 0.0.4 for who asks for that: there a counter's name ends in
 * _total everywhere, and an info is a gauge. A family is begun, then come its samples; one without a sample
 * leaves no line. A number that is not finite leaves no sample: what is not known is absent, never 0.
 */
#pragma once

#include "daemon/publish/json_writer.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_INFO, METRIC_SUMMARY };

struct metric_family {
	const char *name; /* without _total or _info; ends in its unit */
	enum metric_type type;
	const char *unit; /* a base unit; NULL = none */
	const char *help;
};

/* The labels of a sample, as an argument: a name, its value, a name, … */
#define METRIC_LABELS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Behind the HELP of a metric that is a quality, as a number. */
#define METRICS_QUALITY_HELP                                                                                 \
	": 0 good, 1 estimated, 2 suspect; without a value 3 stale, 4 bad, 5 invalid, 6 out of service"

struct metrics_writer {
	FILE *out;
	char *text;
	size_t size;
	bool classic; /* 0.0.4 */
	const struct metric_family *family;
	bool has_head; /* of the family */
};

void metrics_begin(struct metrics_writer *w, bool classic);
/* Ends the text: malloc'd, or NULL without memory. */
char *metrics_finish(struct metrics_writer *w);

/* What follows is of this family, which must outlive that; each is begun once. */
void metrics_family(struct metrics_writer *w, const struct metric_family *family);

/* `labels` NULL = none. */
void metrics_sample(struct metrics_writer *w, const char *const *labels, double v, enum json_digits digits);
/* Of a summary: how many observations, and what they are in sum. */
void metrics_summary(struct metrics_writer *w, const char *const *labels, uint64_t count, double sum);
