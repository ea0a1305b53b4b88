#include "daemon/http/api_records.h"

#include "daemon/publish/json_records.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
		a = http_error(HTTP_INTERNAL_ERROR, strerror(-report->error));
	http_answer_later(report->user, a);
}

struct http_answer api_records_answer(struct api *api, const char *name, const struct http_request *r)
{
	struct state_report *report = calloc(1, sizeof(*report));
	if (!report)
		return http_error(HTTP_INTERNAL_ERROR, strerror(ENOMEM));
	const char *why = record_periods_parse(&report->periods, api->live->config->daemon->timezone,
	    http_parameter(r, "step"), http_parameter(r, "from"), http_parameter(r, "to"), clock_utc_ms());
	if (why) {
		state_report_free(report);
		return http_error(HTTP_BAD_REQUEST, why);
	}
	if (!api->state || !state_is_free(api->state)) {
		state_report_free(report);
		return http_error(HTTP_UNAVAILABLE,
		    api->state ? "too many at once, try again" : "there are no records without a state_dir");
	}
	report->write = write_report;
	report->done = on_done;
	report->user = http_put_off(r);
	if (!report->user) {
		state_report_free(report);
		return http_error(HTTP_INTERNAL_ERROR, strerror(ENOMEM));
	}
	state_ask(api->state, api->live, report);
	return HTTP_LATER;
}
