#include "json_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void json_begin(struct json_writer *w)
{
	*w = (struct json_writer){ 0 };
	w->out = open_memstream(&w->text, &w->size);
}

char *json_finish(struct json_writer *w)
{
	if (!w->out)
		return NULL;
	bool failed = ferror(w->out) != 0;
	if (fclose(w->out) == 0 && !failed)
		return w->text;
	free(w->text);
	return NULL;
}

static void put_string(struct json_writer *w, const char *s)
{
	putc_unlocked('"', w->out);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '"' || c == '\\')
			fprintf(w->out, "\\%c", c);
		else if (c < 0x20)
			fprintf(w->out, "\\u%04x", c);
		else
			putc_unlocked(c, w->out);
	}
	putc_unlocked('"', w->out);
}

/* The comma and the key in front of a value. False when there is nothing to write to. */
static bool before_value(struct json_writer *w, const char *key)
{
	if (!w->out)
		return false;
	if (w->need_comma)
		putc_unlocked(',', w->out);
	w->need_comma = true;
	if (key) {
		put_string(w, key);
		putc_unlocked(':', w->out);
	}
	return true;
}

static void open_with(struct json_writer *w, const char *key, char bracket)
{
	if (!before_value(w, key))
		return;
	putc_unlocked(bracket, w->out);
	w->need_comma = false;
}

static void close_with(struct json_writer *w, char bracket)
{
	if (!w->out)
		return;
	putc_unlocked(bracket, w->out);
	w->need_comma = true;
}

void json_open(struct json_writer *w, const char *key)
{
	open_with(w, key, '{');
}

void json_close(struct json_writer *w)
{
	close_with(w, '}');
}

void json_open_list(struct json_writer *w, const char *key)
{
	open_with(w, key, '[');
}

void json_close_list(struct json_writer *w)
{
	close_with(w, ']');
}

void json_text(struct json_writer *w, const char *key, const char *s)
{
	if (before_value(w, key))
		put_string(w, s);
}

void json_integer(struct json_writer *w, const char *key, int64_t v)
{
	if (before_value(w, key))
		fprintf(w->out, "%" PRId64, v);
}

void json_unsigned(struct json_writer *w, const char *key, uint64_t v)
{
	if (before_value(w, key))
		fprintf(w->out, "%" PRIu64, v);
}

void json_bool(struct json_writer *w, const char *key, bool v)
{
	if (before_value(w, key))
		fputs(v ? "true" : "false", w->out);
}

void json_null(struct json_writer *w, const char *key)
{
	if (before_value(w, key))
		fputs("null", w->out);
}

/* The fewest digits that read back to the same number. */
static void format_number(char buf[static 40], double v, enum json_digits digits)
{
	int least = digits == JSON_FLOAT ? 6 : 15, most = digits == JSON_FLOAT ? 9 : 17;
	/* half a step of a float's 24 bits: a scaled float is no float any more, but knows no more than one
	 */
	double tolerance = digits == JSON_FLOAT ? fabs(v) * 0x1p-25 : 0;
	for (int n = least; n <= most; n++) {
		snprintf(buf, 40, "%.*g", n, v);
		double back = strtod(buf, NULL);
		if (digits == JSON_DECIMAL || fabs(back - v) <= tolerance ||
		    (digits == JSON_FLOAT && (float)back == (float)v))
			return;
	}
}

void json_number(struct json_writer *w, const char *key, double v, enum json_digits digits)
{
	if (!isfinite(v)) {
		json_null(w, key);
		return;
	}
	char buf[40];
	format_number(buf, v, digits);
	if (before_value(w, key))
		fputs(buf, w->out);
}
