/* explanation: what a figure is made of, as lines for a person and as parts for a program (holder).
 *
 * The document is {"figure":…,"value":…,"unit":…,"quality":…,"reason":…,…parts…,"readings":[…],"text":[…]}.
 * The lines alone are enough to compute the figure again with a pocket calculator: each number that goes into
 * a formula stands in them, with all of its digits. Without memory it goes quiet, and the answer is 500.
 */
#pragma once

#include "daemon/http/api_host.h"
#include "daemon/live/live.h"
#include "daemon/publish/json_writer.h"

/* Of one document; more are counted in "readings_left_out". */
#define EXPLANATION_READINGS_MAX 512

struct explanation {
	const struct live *live;
	const char *figure;    /* as asked for */
	struct json_writer w;  /* the parts: an open object */
	struct json_writer to; /* the lines: an open list */
	struct point_ref readings[EXPLANATION_READINGS_MAX];
	size_t reading_count, left_out;
};

void explanation_begin(struct explanation *e, const struct live *live, const char *figure);

/* The figure itself; to be told first. The unit of a number is "1". _value: but for its line. */
void explanation_value(
    struct explanation *e, const struct figure *f, const char *unit, enum json_digits digits);
void explanation_figure(
    struct explanation *e, const struct figure *f, const char *unit, enum json_digits digits);

/* One line of the text. */
void explanation_say(struct explanation *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A reading goes into it: a line with its value, time and quality behind `as`, and an item of "readings". */
void explanation_reading(struct explanation *e, const char *as, struct point_ref r);

struct http_answer explanation_end(struct explanation *e);

/* A number with so many digits that computing with it is exact enough; "unknown" when it is none. */
#define EXPLANATION_NUMBER_MAX 32
const char *explanation_number(char text[static EXPLANATION_NUMBER_MAX], double v);

/* ISO 8601 with milliseconds, UTC; "never" for 0. */
#define EXPLANATION_TIME_MAX 40
const char *explanation_time(char text[static EXPLANATION_TIME_MAX], int64_t utc_ms);

/* For one expression. */
#define NUMBER(v) explanation_number((char[EXPLANATION_NUMBER_MAX]){ 0 }, v)
#define TIME(ms) explanation_time((char[EXPLANATION_TIME_MAX]){ 0 }, ms)
