#include "daemon/audit.h"

#include "config/ini/cleanup.h"
#include "config/ini/text.h"
#include "config/zone.h"
#include "daemon/live/live.h"
#include "daemon/publish/json_payload.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Bounds a file that is none of ours. */
#define COLUMNS_MAX 1024

struct audit {
	struct config *config;
	struct live *live;
	const char *path;
	const struct report_range *report; /* NULL = only the figures at the end */
	int line;
	struct point_ref columns[COLUMNS_MAX];
	size_t column_count;
	struct batch
	    *row[COLUMNS_MAX]; /* by column: of the first one of each device, its readings of the line */
	int64_t time_ns;       /* of the line; UTC, which is the boottime of a replay as well */
};

static int refuse(const struct audit *r, const char *text, const char *why)
{
	log_line(LOG_ERR, "%s:%d: '%.100s' %s", r->path, r->line, text, why);
	return -EINVAL;
}

/* The next field of a line, without blanks around it; NULL after the last. */
static char *next_field(char **rest)
{
	char *field = strsep(rest, ",");
	return field ? text_strip(field) : NULL;
}

static bool has_column(const struct audit *r, struct point_ref point)
{
	for (size_t i = 0; i < r->column_count; i++)
		if (r->columns[i].device == point.device && r->columns[i].point == point.point)
			return true;
	return false;
}

static int read_header(struct audit *r, char *line)
{
	char *field = next_field(&line);
	if (!field || strcmp(field, "ts") != 0)
		return refuse(r, field ? field : "", "is no heading (allowed: ts,DEVICE.POINT,…)");
	while ((field = next_field(&line))) {
		if (r->column_count == COLUMNS_MAX)
			return refuse(r, field, "is one column too many (allowed: 1024)");
		struct point_ref point = reference_find(r->config, field);
		if (!point_ref_is_set(point))
			return refuse(r, field, "is no point of the configuration (allowed: DEVICE.POINT)");
		if (has_column(r, point))
			return refuse(r, field, "is there twice (allowed: each point once)");
		r->columns[r->column_count++] = point;
	}
	return 0;
}

/* Milliseconds, or RFC 3339 in UTC. */
static bool parse_time(const char *text, int64_t *ret)
{
	struct tm tm = { 0 };
	int64_t ms;
	if (text_int(text, &ms) == 0 && ms >= 0 && ms < INT64_MAX / NS_PER_MS) {
		*ret = ms * NS_PER_MS;
		return true;
	}
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (!rest)
		return false;
	double fraction = 0;
	if (*rest == '.') {
		char *end;
		fraction = strtod(rest, &end);
		rest = end;
	}
	if (strcmp(rest, "Z") != 0)
		return false;
	int64_t seconds;
	if (!zone_date_seconds(tm, &seconds))
		return false;
	*ret = seconds * NS_PER_S + llround(fraction * 1e9);
	return *ret >= 0;
}

/* The register's content that would have given the value; for counters, whose steps are whole. */
static uint64_t raw_of(const struct point *p, double value)
{
	double raw = (value - p->offset) / p->scale;
	if (raw >= 0x1p64)
		return UINT64_MAX; /* all ones, which a double has rounded up */
	return raw < 0x1p63 ? (uint64_t)llround(raw) : (uint64_t)raw;
}

/* The batch that a column's readings go into: one a device, as when it is polled. */
static struct batch **batch_of(struct audit *r, size_t column)
{
	size_t first = 0;
	while (r->columns[first].device != r->columns[column].device)
		first++;
	if (!r->row[first])
		r->row[first] = batch_new(r->config, r->columns[column].device, r->column_count);
	return &r->row[first];
}

static int add(struct audit *r, size_t column, double value)
{
	struct point_ref ref = r->columns[column];
	struct batch *b = *batch_of(r, column);
	if (!b)
		return -ENOMEM;
	b->is_scaled = true;
	struct sample *s = &b->samples[b->count++];
	*s = (struct sample){ .point = (uint32_t)ref.point,
		.quality = QUALITY_GOOD,
		.value = { .kind = VALUE_NUMBER, .number = value },
		.raw = raw_of(reference_get(r->config, ref), value),
		.time_ns = r->time_ns };
	sample_check_range(s, reference_get(r->config, ref));
	return 0;
}

/* The readings of a line go the way of polled ones. */
static void feed_row(struct audit *r)
{
	for (size_t i = 0; i < r->column_count; i++) {
		if (r->row[i])
			(void)live_feed(r->live, r->row[i]);
		batch_free(r->row[i]);
		r->row[i] = NULL;
	}
}

static int read_fields(struct audit *r, char *line)
{
	char *field;
	for (size_t i = 0; (field = next_field(&line)); i++) {
		double value;
		if (*field == '\0' || strcmp(field, "null") == 0)
			continue;
		if (i >= r->column_count)
			return refuse(r, field, "has no heading");
		if (text_double(field, &value) < 0)
			return refuse(r, field, "is no number (allowed: a decimal number, or nothing)");
		int err = add(r, i, value);
		if (err < 0)
			return err;
	}
	return 0;
}

static int read_row(struct audit *r, char *line)
{
	int64_t before = r->time_ns;
	char *field = next_field(&line);
	if (!field || *field == '\0')
		return 0; /* an empty line */
	if (!parse_time(field, &r->time_ns))
		return refuse(r, field, "is no time (allowed: milliseconds UTC, or 2026-01-31T23:59:59.5Z)");
	if (r->time_ns <= before)
		return refuse(r, field, "is not after the line before (allowed: times that grow)");
	int err = read_fields(r, line);
	feed_row(r);
	if (r->report) {
		live_tick(r->live);
		records_tick(r->live->records, r->live->alarms, r->time_ns, r->time_ns / NS_PER_MS);
	}
	return err;
}

static int read_file(struct audit *r, FILE *f)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;
	int err = 0;
	while (err == 0 && getline(&line, &room, f) >= 0) {
		r->line++;
		err = r->line == 1 ? read_header(r, line) : read_row(r, line);
	}
	if (err == 0 && ferror(f))
		return -EIO;
	if (err == 0 && r->time_ns == 0)
		return refuse(r, "", "has no readings");
	return err;
}

static int print_figures(const struct audit *r)
{
	live_tick(r->live);
	for (size_t i = 0; i < r->config->pue_count; i++) {
		const struct pue_config *c = &r->config->pues[i];
		struct json_writer w;
		json_begin(&w);
		json_payload_pue(&w, NULL, c, pues_at(r->live->pues, i), 0, r->time_ns / NS_PER_MS);
		_cleanup_free_ char *payload = json_finish(&w);
		if (!payload)
			return -ENOMEM;
		printf("pue/%s %s\n", c->name, payload);
	}
	return 0;
}

static int print_records(const struct audit *r)
{
	struct record_batch b = { 0 };
	(void)records_waiting(r->live->records, &b, &b);
	int err =
	    report_print(r->config, r->report, &b, records_until(r->live->records), r->time_ns / NS_PER_MS);
	record_batch_clear(&b);
	return err;
}

int audit_run(struct config *c, const char *path, const struct report_range *report)
{
	struct audit r = { .config = c, .path = path, .report = report, .live = live_new(c, 0) };
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	int err = !r.live ? -ENOMEM : f ? read_file(&r, f) : -errno;
	if (err == 0)
		err = report ? print_records(&r) : print_figures(&r);
	else if (err != -EINVAL)
		log_line(LOG_ERR, "%s: %s", path, strerror(-err));
	live_free(r.live);
	return err;
}
