#include "daemon/http/api_records.h"

#include "config/ini/utf8.h"
#include "daemon/publish/json_records.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of a reason, in bytes. */
#define REASON_MAX 200

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
		a = report->error == -E2BIG
			? http_error(HTTP_BAD_REQUEST,
			      "too much for one answer (allowed: a shorter time, or a longer step)")
			: http_error(HTTP_INTERNAL_ERROR, strerror(-report->error));
	http_answer_later(report->user, a);
}

/* Gives a report to the disk; NULL, or why not and the status for that. */
static const char *ask(
    struct api *api, const struct http_request *r, struct state_report *report, unsigned *status)
{
	*status = HTTP_UNAVAILABLE;
	if (!api->state)
		return "there are no records without a state_dir";
	if (!state_is_free(api->state))
		return "too many at once, try again";
	report->write = write_report;
	report->done = on_done;
	report->user = http_put_off(r);
	*status = HTTP_INTERNAL_ERROR;
	if (!report->user)
		return strerror(ENOMEM);
	state_ask(api->state, api->live, report);
	return NULL;
}

static const char *prepare(struct api *api, const struct http_request *r, struct state_report *report)
{
	return record_periods_parse(&report->periods, api->live->config->daemon->timezone,
	    http_parameter(r, "step"), http_parameter(r, "from"), http_parameter(r, "to"), clock_utc_ms());
}

/* Takes the report over. */
static struct http_answer answer(
    struct api *api, const struct http_request *r, struct state_report *report, const char *why)
{
	unsigned status = HTTP_BAD_REQUEST;
	if (!why)
		why = ask(api, r, report, &status);
	if (!why)
		return HTTP_LATER;
	state_report_free(report);
	return http_error(status, why);
}

struct http_answer api_records_answer(struct api *api, const char *name, const struct http_request *r)
{
	struct state_report *report = calloc(1, sizeof(*report));
	if (!report)
		return http_error(HTTP_INTERNAL_ERROR, strerror(ENOMEM));
	return answer(api, r, report, prepare(api, r, report));
}

static const char *prepare_strike(
    struct api *api, const struct http_request *r, const char *reason, struct state_report *report)
{
	if (!http_parameter(r, "from") || !http_parameter(r, "to"))
		return "which hours is not told (allowed: ?from=TIME&to=TIME)";
	if (reason && !utf8_is_valid(reason, strlen(reason)))
		return "the reason is not UTF-8";
	if (reason && (*reason == '\0' || strlen(reason) > REASON_MAX))
		return "a reason of 1 to 200 bytes is missing (allowed: &reason=TEXT)";
	report->strikes = true;
	report->reason = reason ? strdup(reason) : NULL;
	report->who = strdup(r->who);
	if ((reason && !report->reason) || !report->who)
		return strerror(ENOMEM);
	return prepare(api, r, report);
}

static struct http_answer strike(struct api *api, const struct http_request *r, const char *reason)
{
	struct state_report *report = calloc(1, sizeof(*report));
	if (!report)
		return http_error(HTTP_INTERNAL_ERROR, strerror(ENOMEM));
	const char *why = prepare_strike(api, r, reason, report);
	if (!why)
		log_line(LOG_NOTICE, "records from %s to %s %s%s, by %s", http_parameter(r, "from"),
		    http_parameter(r, "to"), reason ? "are struck out: " : "are struck out no more",
		    reason ? reason : "", r->who);
	return answer(api, r, report, why);
}

struct http_answer api_records_strike(struct api *api, const char *name, const struct http_request *r)
{
	const char *reason = http_parameter(r, "reason");
	return strike(api, r, reason ? reason : "");
}

struct http_answer api_records_unstrike(struct api *api, const char *name, const struct http_request *r)
{
	return strike(api, r, NULL);
}
