#include "daemon/http/api_records.h"

#include "daemon/publish/json_records.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS (24 * RECORD_HOUR_MS)

/* How far back a report goes that does not say from when. */
static const int64_t backs[] = {
	[RECORD_STEP_HOUR] = DAY_MS,
	[RECORD_STEP_DAY] = 31 * DAY_MS,
	[RECORD_STEP_MONTH] = 365 * DAY_MS,
	[RECORD_STEP_YEAR] = 10 * 365 * DAY_MS,
};

static struct http_answer refuse(unsigned status, const char *why)
{
	struct json_writer w;
	json_begin(&w);
	json_open(&w, NULL);
	json_text(&w, "error", why);
	json_close(&w);
	return (struct http_answer){ status, json_finish(&w) };
}

/* NULL, or what is wrong with what is asked for. */
static const char *take_times(const struct http_request *r, struct record_periods *p)
{
	const char *step_text = http_parameter(r, "step"), *from = http_parameter(r, "from"),
		   *to = http_parameter(r, "to");
	enum record_step step = RECORD_STEP_HOUR;
	int64_t until_ms = clock_utc_ms(), from_ms;
	if (step_text && !record_step_parse(step_text, &step))
		return "step is none (allowed: hour, day, month, year)";
	if (to && !record_time_parse(to, &until_ms))
		return "to is no time (allowed: ISO 8601 such as 2026-11, 2026-11-25 or 2026-11-25T06:00Z, "
		       "or ms "
		       "since 1970)";
	from_ms = until_ms > backs[step] ? until_ms - backs[step] : 0;
	if (from && !record_time_parse(from, &from_ms))
		return "from is no time (allowed: ISO 8601 such as 2026-11, 2026-11-25 or 2026-11-25T06:00Z, "
		       "or "
		       "ms since 1970)";
	return record_periods_make(p, step, from_ms, until_ms);
}

/* On the disk's thread. */
static char *write_report(struct state_report *report)
{
	struct json_writer w;
	json_begin(&w);
	json_records_write(&w, &(struct json_records){ .config = report->config,
				   .periods = &report->periods,
				   .rows = &report->rows,
				   .until_ms = report->until_ms,
				   .now_ms = report->now_ms });
	return json_finish(&w);
}

static void on_done(struct state_report *report)
{
	struct http_answer a = { HTTP_OK, report->text };
	report->text = NULL;
	if (report->error < 0)
		a = refuse(HTTP_INTERNAL_ERROR, strerror(-report->error));
	http_answer_later(report->user, a);
}

struct http_answer api_records_answer(struct api *api, const char *name, const struct http_request *r)
{
	struct state_report *report = calloc(1, sizeof(*report));
	if (!report)
		return refuse(HTTP_INTERNAL_ERROR, strerror(ENOMEM));
	const char *why = take_times(r, &report->periods);
	if (why) {
		state_report_free(report);
		return refuse(HTTP_BAD_REQUEST, why);
	}
	if (!api->state || !state_is_free(api->state)) {
		state_report_free(report);
		return refuse(HTTP_UNAVAILABLE,
		    api->state ? "too many at once, try again" : "there are no records without a state_dir");
	}
	report->write = write_report;
	report->done = on_done;
	report->user = http_put_off(r);
	if (!report->user) {
		state_report_free(report);
		return refuse(HTTP_INTERNAL_ERROR, strerror(ENOMEM));
	}
	state_ask(api->state, api->live, report);
	return HTTP_LATER;
}
