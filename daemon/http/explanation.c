#include "daemon/http/explanation.h"

#include "config/ini/cleanup.h"
#include "daemon/publish/json_payload.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A line of a list of sensors, at most. */
#define LINE_BYTES 2048

const char *explanation_number(char text[static EXPLANATION_NUMBER_MAX], double v)
{
	if (isfinite(v))
		snprintf(text, EXPLANATION_NUMBER_MAX, "%.12g", v);
	else
		snprintf(text, EXPLANATION_NUMBER_MAX, "unknown");
	return text;
}

const char *explanation_time(char text[static EXPLANATION_TIME_MAX], int64_t utc_ms)
{
	const time_t seconds = utc_ms / 1000;
	struct tm tm;
	if (utc_ms <= 0 || !gmtime_r(&seconds, &tm)) {
		snprintf(text, EXPLANATION_TIME_MAX, "never");
		return text;
	}
	size_t n = strftime(text, EXPLANATION_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, EXPLANATION_TIME_MAX - n, ".%03dZ", (int)(utc_ms % 1000));
	return text;
}

void explanation_begin(struct explanation *e, const struct live *live, const char *figure)
{
	*e = (struct explanation){ .live = live, .figure = figure };
	json_begin(&e->w);
	json_begin(&e->to);
	json_open(&e->w, NULL);
	json_open_list(&e->to, NULL);
	json_text(&e->w, "figure", figure);
	json_integer(&e->w, "ts", clock_utc_ms());
}

void explanation_value(
    struct explanation *e, const struct figure *f, const char *unit, enum json_digits digits)
{
	json_number(&e->w, "value", f->value, digits);
	json_text(&e->w, "unit", unit);
	json_text(&e->w, "quality", quality_word(f->quality));
	if (f->reason)
		json_text(&e->w, "reason", f->reason);
}

void explanation_figure(
    struct explanation *e, const struct figure *f, const char *unit, enum json_digits digits)
{
	explanation_value(e, f, unit, digits);
	if (!quality_has_value(f->quality) || !isfinite(f->value)) {
		explanation_say(e, "%s is not known (%s%s%s)", e->figure, quality_word(f->quality),
		    f->reason ? ": " : "", f->reason ? f->reason : "");
		return;
	}
	char value[JSON_NUMBER_MAX];
	json_number_text(value, f->value, digits);
	bool has_unit = *unit && strcmp(unit, "1") != 0;
	explanation_say(e, "%s = %s%s%s (%s%s%s)", e->figure, value, has_unit ? " " : "",
	    has_unit ? unit : "", quality_word(f->quality), f->reason ? ": " : "",
	    f->reason ? f->reason : "");
}

void explanation_say(struct explanation *e, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list ap;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	json_text(&e->to, NULL, line);
}

static void note(struct explanation *e, struct point_ref r)
{
	for (size_t i = 0; i < e->reading_count; i++)
		if (e->readings[i].device == r.device && e->readings[i].point == r.point)
			return;
	if (e->reading_count < EXPLANATION_READINGS_MAX)
		e->readings[e->reading_count++] = r;
	else
		e->left_out++;
}

/* As it is published, with its unit; text in quotes would not be taken for a number either. */
static void write_value(char *text, size_t size, const struct point *p, const struct sample *s)
{
	char number[JSON_NUMBER_MAX];
	const bool is_whole =
	    s->value.kind == VALUE_INTEGER || s->value.kind == VALUE_UNSIGNED || s->value.kind == VALUE_BOOL;
	const char *word = is_whole ? point_enum_word(p, (int64_t)value_number(&s->value)) : NULL;
	if (!quality_has_value(s->quality) || s->value.kind == VALUE_NONE) {
		snprintf(text, size, "not known");
	} else if (s->value.kind == VALUE_TEXT) {
		snprintf(text, size, "'%s'", s->value.text);
	} else if (s->value.kind == VALUE_BOOL && !word) {
		snprintf(text, size, "%s", s->value.truth ? "true" : "false");
	} else {
		json_number_text(number, value_number(&s->value), json_payload_digits(p));
		snprintf(text, size, "%s%s%s%s%s", number, *p->unit ? " " : "", p->unit, word ? " = " : "",
		    word ? word : "");
	}
}

void explanation_reading(struct explanation *e, const char *as, struct point_ref r)
{
	const struct table_device *d = &e->live->table->devices[r.device];
	const struct point *p = &d->config->points[r.point];
	const struct sample *s = &d->points[r.point].sample;
	const int64_t ms = s->time_ns ? (s->time_ns + d->utc_offset_ns) / NS_PER_MS : 0;
	char value[512];
	note(e, r);
	write_value(value, sizeof(value), p, s);
	explanation_say(e, "%s%s%s.%s = %s, read %s (%s)", as, *as ? " = " : "", d->config->name, p->name,
	    value, TIME(ms), quality_word(s->quality));
}

static void put_readings(struct explanation *e)
{
	char name[2 * NAME_LENGTH_MAX + 2];
	json_open(&e->w, "readings");
	for (size_t i = 0; i < e->reading_count; i++) {
		const struct point_ref r = e->readings[i];
		const struct table_device *d = &e->live->table->devices[r.device];
		snprintf(name, sizeof(name), "%s.%s", d->config->name, d->config->points[r.point].name);
		json_payload_reading(&e->w, name, d, r.point);
	}
	json_close(&e->w);
	if (e->left_out > 0)
		json_unsigned(&e->w, "readings_left_out", e->left_out);
}

struct http_answer explanation_end(struct explanation *e)
{
	put_readings(e);
	json_close_list(&e->to);
	_cleanup_free_ char *lines = json_finish(&e->to);
	json_raw(&e->w, "text", lines ? lines : "[]");
	json_close(&e->w);
	char *text = json_finish(&e->w);
	if (lines)
		return (struct http_answer){ .status = HTTP_OK, .text = text };
	free(text);
	return (struct http_answer){ .status = HTTP_OK };
}
