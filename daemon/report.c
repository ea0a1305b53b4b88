#include "daemon/report.h"

#include "config/ini/cleanup.h"
#include "daemon/publish/json_records.h"
#include "daemon/state/state_db.h"
#include "daemon/state/state_dir.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int report_check(const struct config *c, const struct report_range *range)
{
	const char *why = record_range_refuse(c->daemon->timezone, range->step, range->from, range->to);
	if (why)
		log_line(LOG_ERR, "%s", why);
	return why ? -EINVAL : 0;
}

static int parse(
    const struct config *c, const struct report_range *range, int64_t now_ms, struct record_periods *ret)
{
	const char *why =
	    record_periods_parse(ret, c->daemon->timezone, range->step, range->from, range->to, now_ms);
	if (why)
		log_line(LOG_ERR, "%s", why);
	return why ? -EINVAL : 0;
}

static int print(struct config *c, const struct record_periods *p, struct record_batch *rows,
    int64_t until_ms, int64_t now_ms)
{
	struct json_writer w;
	if (rows->lost) {
		log_line(LOG_ERR, "too much for one report (allowed: a shorter time, or a longer step)");
		return -E2BIG;
	}
	json_begin(&w);
	json_records_write(&w, &(struct json_records){ c, p, rows, until_ms, now_ms });
	_cleanup_free_ char *text = json_finish(&w);
	if (!text)
		return -ENOMEM;
	printf("%s\n", text);
	return 0;
}

int report_print(struct config *c, const struct report_range *range, const struct record_batch *rows,
    int64_t until_ms, int64_t now_ms)
{
	_cleanup_free_ struct record_periods *p = calloc(1, sizeof(*p));
	struct record_batch by_record = { 0 };
	int r = p ? parse(c, range, now_ms, p) : -ENOMEM;
	if (r < 0)
		return r;
	by_record.lost = rows->lost;
	record_gather(p, rows, &by_record);
	r = print(c, p, &by_record, until_ms, now_ms);
	record_batch_clear(&by_record);
	return r;
}

/* What is saved and in no table yet, as after a kill. */
static void take_waiting(struct bytes_entry *e, void *user)
{
	if (strcmp(e->kind, RECORDS_ENTRY) == 0)
		records_take_saved(e, user);
}

static int read_folder(struct state_db *d, const struct record_periods *p, struct record_batch *rows)
{
	struct record_batch waiting = { 0 };
	bool is_added;
	int r = state_db_load(d, take_waiting, &waiting);
	if (r >= 0)
		r = state_db_read(d, p, 0, &is_added, rows);
	record_gather(p, &waiting, rows);
	record_batch_clear(&waiting);
	return r;
}

int report_run(struct config *c, const struct report_range *range)
{
	const int64_t now_ms = clock_utc_ms();
	_cleanup_free_ struct record_periods *p = calloc(1, sizeof(*p));
	struct record_batch rows = { 0 };
	int r = p ? parse(c, range, now_ms, p) : -ENOMEM;
	if (r < 0)
		return r;
	_cleanup_close_ int lock = state_dir_lock(c->daemon->state_dir);
	struct state_db *d = lock >= 0 ? state_db_new(c->daemon->state_dir) : NULL;
	if (!d)
		return lock < 0 ? lock : -errno;
	r = read_folder(d, p, &rows);
	if (r >= 0)
		r = print(c, p, &rows, now_ms, now_ms);
	else
		log_line(LOG_ERR, "the records in %s cannot be read: %s", c->daemon->state_dir, strerror(-r));
	record_batch_clear(&rows);
	state_db_free(d);
	return r;
}
