#include "drivers/modbus/verdict.h"

#include "drivers/modbus/decoder.h"
#include "drivers/modbus/refusals.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <stdio.h>

/* What cannot be split is left out when it was not answered so often, and something else was each time. */
#define LEFT_OUT_FAILURES (POLL_SEARCH_FAILURES + 4)
#define LEFT_OUT_NS (120 * NS_PER_S)

/* From so long a wait on, that it is busy is worth a line. */
#define BUSY_TOLD_NS NS_PER_S

static const char *const result_texts[] = {
	[EXCHANGE_OK] = "answered",
	[EXCHANGE_EXCEPTION] = "answered with an exception",
	[EXCHANGE_TIMEOUT] = "no reply within the response time-out",
	[EXCHANGE_BAD_REPLY] = "a reply that is not to the request (CRC, length, function or unit)",
	[EXCHANGE_CLOSED] = "the connection was closed",
	[EXCHANGE_FLOODED] = "too much came that nobody had asked for",
	[EXCHANGE_STOPPED] = "stopped",
};

static struct log_fields fields_of(const struct device *d, const char *message_id)
{
	return (struct log_fields){
		.message_id = message_id, .bus = d->config->bus_name, .device = d->config->name
	};
}

void verdict_silence(struct device *d, int64_t backoff, const char *why)
{
	bool was_silent = d->standing == STANDING_SILENT;
	int64_t now = clock_boottime();
	d->standing = STANDING_SILENT;
	d->suspect = false;
	d->backoff_ns = backoff;
	d->due_ns = now + backoff;
	if (d->failing_ns == 0)
		d->failing_ns = now;
	if (!was_silent)
		log_event(LOG_WARNING, fields_of(d, LOG_ID_DEVICE_DOWN), "device %s on bus %s is silent: %s",
		    d->config->name, d->config->bus_name, why);
	d->was_up = true;
}

static void say_silent(struct device *d, enum exchange_result result, const struct modbus_reply *r)
{
	char gateway[80];
	const char *why = result_texts[result];
	if (modbus_is_unreachable(result, r)) {
		snprintf(
		    gateway, sizeof(gateway), "the gateway does not reach it (exception %d)", r->exception);
		why = gateway;
	}
	verdict_silence(d, schedule_backoff(d->backoff_ns, d->max_backoff), why);
}

/* It answers, whatever. */
static void come_up(struct device *d, int64_t now)
{
	bool was_silent = d->standing == STANDING_SILENT, was_in_doubt = device_is_doubtful(d);
	d->standing = STANDING_PROVEN;
	d->heard_ns = now;
	d->failing_ns = d->backoff_ns = 0;
	d->suspect = false;
	d->probes = 0;
	if (was_silent) {
		device_set_due(d, now);
		identity_open(&d->identity, d->config);
	} else if (was_in_doubt) {
		device_resume(d, now);
	}
	if (was_silent || !d->was_up)
		log_event(LOG_NOTICE, fields_of(d, LOG_ID_DEVICE_UP), "device %s on bus %s answers",
		    d->config->name, d->config->bus_name);
	d->was_up = true;
}

static void add_samples(struct device *d, const struct poll_block *b, const struct modbus_reply *r)
{
	struct batch *batch = d->cycle.batch;
	for (size_t i = 0; i < b->point_count; i++) {
		struct sample *s = &batch->samples[batch->count++];
		s->point = b->points[i];
		s->time_ns = r->received_ns;
		decoder_decode(&d->config->points[b->points[i]], r->values, b->address, s);
	}
}

static void note_finding(struct device *d, int64_t now)
{
	if (d->findings_end_ns != 0)
		return;
	bool again = d->findings_gone_ns != 0 && now - d->findings_gone_ns < VERDICT_MIN_NS;
	d->findings_span_ns = again ? 2 * d->findings_span_ns : VERDICT_MIN_NS;
	if (d->findings_span_ns > VERDICT_MAX_NS)
		d->findings_span_ns = VERDICT_MAX_NS;
	d->findings_end_ns = now + d->findings_span_ns;
}

/* False when the block cannot be split. */
static bool split(struct device *d, struct poll_block *b, const char *what)
{
	if (!poll_plan_split(&d->plan, (size_t)(b - d->plan.blocks), d->config->points))
		return false;
	note_finding(d, clock_boottime());
	log_event(LOG_NOTICE, fields_of(d, NULL),
	    "device %s on bus %s %s: read as %u+%u and %u+%u from now on", d->config->name,
	    d->config->bus_name, what, b[0].address, b[0].count, b[1].address, b[1].count);
	return true;
}

static void refused(struct device *d, struct poll_block *b, int exception, int64_t now)
{
	char what[80];
	struct poll_trial *t = &b->trial;
	bool proven = t->failures > 0 && d->read_ns > t->failed_ns;
	*t = (struct poll_trial){ .cycle = d->cycle.number,
		.failures = proven ? t->failures + 1 : 1,
		.failed_ns = now,
		.exception = exception };
	snprintf(what, sizeof(what), "refuses %s %u+%u with exception %d", point_table_word(b->table),
	    b->address, b->count, exception);
	if (proven)
		(void)split(d, b, what);
}

static void answered(struct device *d, const struct device_question *q, enum exchange_result result,
    const struct modbus_reply *r, int64_t asked, int64_t now)
{
	come_up(d, now);
	if (result == EXCHANGE_OK) {
		d->read_ns = now;
		refusals_end(d);
	}
	d->cycle.looked &= result != EXCHANGE_OK;
	if (q->identity &&
	    identity_take(&d->identity, d->config, q->identity, result, r, d->max_backoff, now))
		device_set_due(d, now);
	if (!q->block)
		return;
	if (result == EXCHANGE_EXCEPTION) {
		refused(d, q->block, r->exception, now);
		return;
	}
	q->block->trial = (struct poll_trial){ .cycle = d->cycle.number };
	add_samples(d, q->block, r);
}

static void leave_out(struct device *d, struct poll_block *b, int64_t now)
{
	int64_t before = b->trial.wait_ns;
	b->trial.wait_ns = before ? 2 * before : LEFT_OUT_NS;
	note_finding(d, now);
	if (before == 0)
		log_event(LOG_NOTICE, fields_of(d, NULL),
		    "device %s on bus %s never answers for %s %u+%u: tried again in %lld min, and ever more "
		    "rarely",
		    d->config->name, d->config->bus_name, point_table_word(b->table), b->address, b->count,
		    (long long)(LEFT_OUT_NS / NS_PER_S / 60));
}

/* A block that was not answered, though others were since it was not the last time. */
static void convict(struct device *d, struct poll_block *b, int64_t now)
{
	char what[80];
	snprintf(what, sizeof(what), "does not answer for %s %u+%u", point_table_word(b->table), b->address,
	    b->count);
	d->standing = STANDING_PROVEN;
	d->failing_ns = 0;
	if (split(d, b, what)) /* one half of it is mute, the search goes on with both */
		b[0].trial = b[1].trial =
		    (struct poll_trial){ .failures = POLL_SEARCH_FAILURES, .failed_ns = now };
	else if (b->trial.failures >= LEFT_OUT_FAILURES)
		leave_out(d, b, now);
}

/* What a gateway or a busy device says about now is said about the block alone where others of the device
 * give values. */
static bool is_of_block(const struct device *d, const struct poll_block *b)
{
	if (!b)
		return false;
	return (d->cycle.batch && d->read_ns >= d->cycle.begin_ns) ||
	       (b->trial.failures > 0 && d->read_ns > b->trial.failed_ns);
}

/* So that it is asked last. */
static void put_last(struct poll_block *b, int64_t now)
{
	if (b && b->trial.failures == 0)
		b->trial = (struct poll_trial){ .cycle = b->trial.cycle, .failures = 1, .failed_ns = now };
}

static void unanswered(struct device *d, const struct device_question *q, enum exchange_result result,
    const struct modbus_reply *r, struct modbus_link *l, int64_t now)
{
	bool was_unproven = d->standing == STANDING_UNPROVEN;
	d->suspect = false;
	if (d->failing_ns == 0)
		d->failing_ns = now;
	if (!q->block || (modbus_is_unreachable(result, r) && !is_of_block(d, q->block))) {
		put_last(q->block, now);
		say_silent(d, result, r);
		return;
	}
	if (d->retries_left > 0 && result != EXCHANGE_EXCEPTION) {
		d->retries_left--;
		d->standing = STANDING_RETRY;
		d->due_ns = now;
		return;
	}
	struct poll_trial *t = &q->block->trial;
	bool proven = t->failures > 0 && d->heard_ns > t->failed_ns;
	*t = (struct poll_trial){ .cycle = d->cycle.number,
		.failures = proven || t->failures == 0 ? t->failures + 1 : t->failures,
		.failed_ns = now,
		.wait_ns = t->wait_ns };
	d->cycle.in_vain = true;
	if (proven) {
		convict(d, q->block, now);
	} else if (!was_unproven && device_will_tell(d, l, q->block)) {
		d->standing = STANDING_PROVEN;
		d->failing_ns = 0;
	} else if (!was_unproven && device_can_look(d, l)) {
		d->standing = STANDING_LOOK;
		d->due_ns = now;
	} else {
		say_silent(d, result, r);
	}
}

static int64_t next_busy_wait(const struct device *d)
{
	return d->busy_ns ? 2 * d->busy_ns : VERDICT_BUSY_NS;
}

/* It is busy with this block only, and has been asked for it as often as a cycle waits for. */
static bool is_busy_for_block(const struct device *d, const struct poll_block *b)
{
	return is_of_block(d, b) && (b->trial.failures > 0 || next_busy_wait(d) > VERDICT_BUSY_CYCLE_NS);
}

static void busy(struct device *d, struct poll_block *b, const struct modbus_reply *r, int64_t now)
{
	come_up(d, now);
	int64_t before = d->busy_ns, wait = next_busy_wait(d);
	if (wait > VERDICT_BUSY_CYCLE_NS)
		put_last(b, now);
	d->busy_ns = wait < d->max_backoff ? wait : d->max_backoff;
	d->backoff_ns = d->busy_ns;
	d->due_ns = now + d->busy_ns;
	d->standing = STANDING_BUSY;
	if (d->busy_ns >= BUSY_TOLD_NS && before < BUSY_TOLD_NS)
		log_event(LOG_NOTICE, fields_of(d, NULL),
		    "device %s on bus %s stays busy (exception %d): it is left alone in growing steps",
		    d->config->name, d->config->bus_name, r->exception);
}

void verdict_take(struct device *d, const struct device_question *q, enum exchange_result result,
    const struct modbus_reply *r, struct modbus_link *l, int64_t asked)
{
	int64_t now = clock_boottime();
	if (modbus_is_busy(result, r) && !is_busy_for_block(d, q->block))
		busy(d, q->block, r, now);
	else if (result == EXCHANGE_OK ||
		 (result == EXCHANGE_EXCEPTION && !modbus_is_unreachable(result, r) &&
		     !modbus_is_busy(result, r)))
		answered(d, q, result, r, asked, now);
	else
		unanswered(d, q, result, r, l, now);
}
