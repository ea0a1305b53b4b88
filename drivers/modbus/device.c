#include "drivers/modbus/device.h"

#include "drivers/modbus/bus_load.h"
#include "drivers/os/clock.h"

#include <errno.h>

/* Of the probes of a silent device on a serial line that owes a reply, each so many-th waits until another
 * block than the owed one can be asked: that one may be all that is not answered. */
#define PROBES_REPEATED 3
/* Intervals until what is read once is asked again, while it was not read. */
#define ONCE_AGAIN 10

/* Findings of which nothing fails any more last for this part of their time. */
#define FINDINGS_WHOLE_PART 60

static bool has_rhythm(const struct device *d, unsigned rhythm)
{
	for (size_t i = 0; i < d->plan.block_count; i++)
		if (d->plan.blocks[i].rhythm == rhythm)
			return true;
	return false;
}

void device_set_due(struct device *d, int64_t when)
{
	for (unsigned r = 0; r < RHYTHM_COUNT; r++)
		d->jobs[r].due = has_rhythm(d, r) ? when : SCHEDULE_NEVER;
}

void device_resume(struct device *d, int64_t now)
{
	for (unsigned r = 0; r < RHYTHM_COUNT; r++)
		if (d->jobs[r].due <= now - d->jobs[r].interval)
			d->jobs[r].due = now;
}

int device_init(struct device *d, const struct config *c, size_t index)
{
	const struct device_config *config = &c->devices[index];
	const struct bus_config *bus = &c->buses[config->bus];
	*d = (struct device){ .config = config,
		.index = index,
		.retries = (int)bus->retries,
		.max_backoff = bus->max_backoff,
		.stats.name = config->name };
	for (unsigned r = 0; r < RHYTHM_COUNT; r++)
		d->jobs[r].interval = config->poll_interval * poll_rhythm_factor((enum poll_rhythm)r);
	if (poll_plan_init(&d->plan, config->points, config->point_count, poll_limits_of(config)) < 0)
		return -ENOMEM;
	for (size_t i = 0; bus_has_load(bus) && i < d->plan.block_count; i++) {
		int64_t wire = bus_wire_ns(bus, d->plan.blocks[i].table, d->plan.blocks[i].count);
		d->wire_ns = wire > d->wire_ns ? wire : d->wire_ns;
	}
	identity_open(&d->identity, config);
	return 0;
}

void device_deinit(struct device *d)
{
	poll_plan_deinit(&d->plan);
	batch_free(d->cycle.batch);
	d->cycle.batch = NULL;
}

void device_inherit(struct device *d, struct device *from)
{
	struct device new = *d;
	*d = *from;
	from->plan = new.plan;
	from->cycle.batch = NULL;
	d->config = new.config;
	d->index = new.index;
	d->stats.name = new.config->name;
}

static struct schedule_job *first_job(struct device *d)
{
	struct schedule_job *first = &d->jobs[0];
	for (unsigned r = 1; r < RHYTHM_COUNT; r++)
		if (d->jobs[r].due < first->due)
			first = &d->jobs[r];
	return first;
}

int64_t device_due(const struct device *d)
{
	if (d->plan.block_count == 0)
		return SCHEDULE_NEVER;
	if (d->standing >= STANDING_RETRY)
		return d->due_ns;
	int64_t due = d->jobs[0].due;
	for (unsigned r = 1; r < RHYTHM_COUNT; r++)
		if (d->jobs[r].due < due)
			due = d->jobs[r].due;
	return identity_due(&d->identity, due);
}

static struct modbus_request request_of(const struct device *d, const struct poll_block *b)
{
	return (struct modbus_request){ (uint8_t)d->config->unit, b->table, b->address, b->count };
}

/* Another block whose replies look like those of this one. */
static bool has_double(const struct device *d, const struct poll_block *block)
{
	struct modbus_request q = request_of(d, block);
	for (size_t i = 0; i < d->plan.block_count; i++) {
		const struct poll_block *b = &d->plan.blocks[i];
		struct modbus_request other = request_of(d, b);
		if (b != block && b->trial.wait_ns == 0 && other.table == q.table &&
		    modbus_reply_bytes(&other) == modbus_reply_bytes(&q))
			return true;
	}
	return false;
}

static struct modbus_request request_for_point(const struct device *d, size_t point)
{
	const struct point *p = &d->config->points[point];
	return (struct modbus_request){ (uint8_t)d->config->unit, p->reg.table, (uint16_t)point_first(p),
		(uint16_t)point_span(p) };
}

/* A look at another point, or a question who it is, would be answered alike. */
static bool is_like_a_look(const struct device *d, const struct modbus_request *q)
{
	if (identity_is_like(d->config, q))
		return true;
	for (size_t i = 0; i < d->config->point_count; i++) {
		struct modbus_request look = request_for_point(d, i);
		if (look.table == q->table && modbus_reply_bytes(&look) == modbus_reply_bytes(q) &&
		    !modbus_same_request(&look, q))
			return true;
	}
	return false;
}

/* A block is held back while its reply could be taken for one that is owed; and while replies to itself are
 * owed, so that this comes to an end, unless nobody waits for that, or it is in doubt. */
static bool is_free(const struct device *d, struct modbus_link *l, const struct poll_block *b, int64_t now)
{
	struct modbus_request q = request_of(d, b);
	if (modbus_link_free_at(l, &q, now) > now)
		return false;
	if (modbus_link_is_strange(l, now) && (has_double(d, b) || is_like_a_look(d, &q)))
		return false;
	if (d->standing == STANDING_RETRY || b->trial.failures > 0)
		return true;
	return !modbus_link_owes(l, &q, now) || !has_double(d, b);
}

/* What was refused is asked once more when meanwhile something else was answered. */
static bool wants_confirmation(const struct device *d, const struct poll_block *b)
{
	return b->trial.exception > 0 && b->trial.failures == 1 && b->trial.failed_ns >= d->cycle.begin_ns &&
	       b->trial.failed_ns < d->read_ns && poll_plan_can_split(b, d->config->points);
}

static bool is_mute(const struct poll_block *b)
{
	return b->trial.failures > 0 && b->trial.exception == 0;
}

/* What is searched is not asked in the cycles of its rhythm: its time-outs would cost all others theirs. */
static bool is_searched(const struct poll_block *b)
{
	return is_mute(b) && b->trial.failures >= POLL_SEARCH_FAILURES;
}

int64_t device_search_due(const struct device *d)
{
	int64_t due = SCHEDULE_NEVER;
	if (device_is_doubtful(d) || d->cycle.batch || d->identity.verdict != IDENTITY_RIGHT)
		return due;
	for (size_t i = 0; i < d->plan.block_count; i++) {
		const struct poll_trial *t = &d->plan.blocks[i].trial;
		if (is_searched(&d->plan.blocks[i]) && t->failed_ns + t->wait_ns < due)
			due = t->failed_ns + t->wait_ns;
	}
	return due < d->search_ns ? d->search_ns : due;
}

bool device_will_tell(const struct device *d, struct modbus_link *l, const struct poll_block *failed)
{
	int64_t now = clock_boottime();
	bool others = false;
	for (size_t i = 0; i < d->plan.block_count; i++) {
		const struct poll_block *b = &d->plan.blocks[i];
		if (b == failed || !is_mute(b) || b->trial.failed_ns <= d->heard_ns)
			continue;
		if (b->trial.cycle != 0)
			return false;		 /* that is two of them */
		others |= is_free(d, l, b, now); /* half of what was split; to be asked for itself */
	}
	return d->heard_ns >= d->cycle.begin_ns || (d->cycle.search && others);
}

/* The first block of the cycle that was not asked yet; those in doubt come last: what they leave owed holds
 * back others. */
static struct poll_block *next_block(struct device *d, struct modbus_link *l, int64_t now)
{
	struct poll_block *doubtful = NULL;
	for (size_t i = 0; i < d->plan.block_count; i++) {
		struct poll_block *b = &d->plan.blocks[i];
		if (b->rhythm != d->cycle.rhythm || is_searched(b))
			continue;
		if (b->trial.cycle == d->cycle.number && !wants_confirmation(d, b))
			continue;
		if (!is_free(d, l, b, now)) {
			b->trial.cycle = d->cycle.number;
			d->cycle.held_back = true;
		} else if (b->trial.failures == 0) {
			return b;
		} else if (!doubtful) {
			doubtful = b;
		}
	}
	return doubtful;
}

/* The block that a point is in. */
static const struct poll_block *block_of(const struct device *d, uint32_t point)
{
	for (size_t i = 0; i < d->plan.block_count; i++)
		for (size_t k = 0; k < d->plan.blocks[i].point_count; k++)
			if (d->plan.blocks[i].points[k] == point)
				return &d->plan.blocks[i];
	return NULL;
}

/* A block that was read in this cycle, and can be asked again now. */
static const struct poll_block *find_good(const struct device *d, struct modbus_link *l, int64_t now)
{
	for (size_t i = 0; d->cycle.batch && i < d->plan.block_count; i++) {
		const struct poll_block *b = &d->plan.blocks[i];
		struct modbus_request q = request_of(d, b);
		if (b->trial.cycle == d->cycle.number && b->trial.failures == 0 &&
		    modbus_link_free_at(l, &q, now) <= now)
			return b;
	}
	return NULL;
}

/* What is asked to see whether the device lives: a block that was just read, or the next point in turn that
 * can be asked now, and alone is not what fails; of a block that does not fail, if there is one. */
static bool find_look(struct device *d, struct modbus_link *l, int64_t now, struct modbus_request *ret)
{
	const struct poll_block *good = find_good(d, l, now);
	size_t count = d->config->point_count, second = count;
	if (good) {
		*ret = request_of(d, good);
		return true;
	}
	for (size_t i = 0; i < count; i++) {
		size_t point = (d->look + i) % count;
		const struct poll_block *b = block_of(d, (uint32_t)point);
		struct modbus_request q = request_for_point(d, point), whole = request_of(d, b);
		bool failing = b->trial.failures > 0;
		if (modbus_link_free_at(l, &q, now) > now || (failing && modbus_same_request(&q, &whole)))
			continue;
		if (second == count || !failing)
			second = point;
		if (!failing)
			break;
	}
	if (second == count)
		return false;
	*ret = request_for_point(d, second);
	d->look = second + 1;
	return true;
}

bool device_can_look(struct device *d, struct modbus_link *l)
{
	struct modbus_request q;
	size_t before = d->look;
	bool can = find_look(d, l, clock_boottime(), &q);
	d->look = before;
	return can;
}

static bool ask_look(struct device *d, struct modbus_link *l, int64_t now, struct device_question *ret)
{
	*ret = (struct device_question){ 0 };
	return find_look(d, l, now, &ret->request);
}

/* A silent device is asked for its blocks and for single points in turn: only one of them may be mute. One
 * that was never heard was asked for its first block just now. */
static bool ask_probe(struct device *d, struct modbus_link *l, int64_t now, struct device_question *ret)
{
	size_t count = d->plan.block_count, turn = d->probes / 2 % count;
	bool look = d->probes % 2 == (d->heard_ns == 0 ? 0 : 1);
	if (look && ask_look(d, l, now, ret)) {
		d->probes++;
		return true;
	}
	for (size_t i = 0; i < count; i++) {
		struct poll_block *b = &d->plan.blocks[(turn + i) % count];
		struct modbus_request q = request_of(d, b);
		int64_t free_at = modbus_link_free_at(l, &q, now);
		if (free_at > now && d->probes % PROBES_REPEATED == PROBES_REPEATED - 1) {
			d->due_ns = free_at;
			return false;
		}
		if (free_at > now)
			continue;
		*ret = (struct device_question){ .request = q };
		d->probes++;
		return true;
	}
	d->due_ns = now + OWED_LATE_NS;
	return false;
}

static bool is_read(const struct poll_block *b)
{
	return b->trial.failures == 0 && b->trial.cycle > 0;
}

/* Whether all blocks are read by now that are read again and again. */
static bool is_whole(const struct device *d)
{
	for (size_t i = 0; i < d->plan.block_count; i++)
		if (d->plan.blocks[i].rhythm != RHYTHM_ONCE && !is_read(&d->plan.blocks[i]))
			return false;
	return true;
}

/* Where all is read of what was split, it was no hole: the device started, or gives less at once than its
 * profile says. That is tried sooner. */
static void shorten_findings(struct device *d, int64_t now)
{
	if (d->findings_end_ns == 0 || !is_whole(d))
		d->whole_ns = 0;
	else if (d->whole_ns == 0)
		d->whole_ns = now;
	else if (now - d->whole_ns >= d->findings_span_ns / FINDINGS_WHOLE_PART)
		d->findings_end_ns = now;
}

/* What was found out is forgotten at its end, so that the plan is tried whole. Without memory it stays. */
static void forget_findings(struct device *d, int64_t now)
{
	struct poll_plan plan;
	if (d->findings_end_ns == 0 || now < d->findings_end_ns ||
	    poll_plan_init(&plan, d->config->points, d->config->point_count, poll_limits_of(d->config)) < 0)
		return;
	poll_plan_deinit(&d->plan);
	d->plan = plan;
	d->findings_end_ns = 0;
	d->findings_gone_ns = now;
}

static bool new_cycle(struct device *d, struct config *c, struct device_cycle cycle)
{
	cycle.batch = batch_new(c, d->index, d->config->point_count);
	if (!cycle.batch)
		return false;
	cycle.number = d->cycle.number + 1;
	d->cycle = cycle;
	return true;
}

static bool begin_cycle(struct device *d, struct config *c, int64_t now)
{
	struct schedule_job *job = first_job(d);
	enum poll_rhythm rhythm = (enum poll_rhythm)(job - d->jobs);
	shorten_findings(d, now);
	forget_findings(d, now);
	if (new_cycle(d, c, (struct device_cycle){ .rhythm = rhythm, .begin_ns = now }))
		return true;
	(void)schedule_advance(job, now); /* without memory the cycle is lost, the next may do better */
	return false;
}

bool device_begin_search(struct device *d, struct config *c)
{
	int64_t now = clock_boottime();
	d->search_ns = now + NS_PER_S; /* unless something is asked in it */
	return new_cycle(d, c, (struct device_cycle){ .search = true, .begin_ns = now });
}

/* The block to be searched that has waited longest, of those that can be asked. */
static struct poll_block *next_searched(const struct device *d, struct modbus_link *l, int64_t now)
{
	struct poll_block *next = NULL;
	for (size_t i = 0; i < d->plan.block_count; i++) {
		struct poll_block *b = &d->plan.blocks[i];
		if (!is_searched(b) || b->trial.cycle == d->cycle.number ||
		    now < b->trial.failed_ns + b->trial.wait_ns || !is_free(d, l, b, now))
			continue;
		if (!next || b->trial.failed_ns < next->trial.failed_ns)
			next = b;
	}
	return next;
}

static bool has_good(const struct device *d)
{
	for (size_t i = 0; i < d->plan.block_count; i++)
		if (d->plan.blocks[i].trial.failures == 0)
			return true;
	return false;
}

/* A failure counts when the device was heard since the one before: it is looked at first. */
static bool ask_search(struct device *d, struct modbus_link *l, int64_t now, struct device_question *ret)
{
	struct poll_block *b = d->cycle.in_vain ? NULL : next_searched(d, l, now);
	if (!b && d->standing >= STANDING_RETRY)
		d->standing = STANDING_UNPROVEN;
	if (!b)
		return false;
	d->search_ns = 0;
	d->retries_left = 0;
	if (d->heard_ns <= b->trial.failed_ns && has_good(d) && ask_look(d, l, now, ret))
		return true;
	*ret = (struct device_question){ .request = request_of(d, b), .block = b };
	return true;
}

/* A device that refuses all that it is asked has no holes: it starts. Before a block is split, something must
 * have been answered after it was refused; once nothing was, the rest of the cycle goes without. */
static bool wants_look(const struct device *d)
{
	for (size_t i = 0; !d->cycle.looked && i < d->plan.block_count; i++) {
		const struct poll_block *b = &d->plan.blocks[i];
		if (b->trial.exception > 0 && b->trial.cycle == d->cycle.number && b->trial.failures == 1 &&
		    b->trial.failed_ns >= d->read_ns && poll_plan_can_split(b, d->config->points))
			return true;
	}
	return false;
}

bool device_ask(struct device *d, struct config *c, struct modbus_link *l, struct device_question *ret)
{
	int64_t now = clock_boottime();
	if (d->standing == STANDING_SILENT)
		return ask_probe(d, l, now, ret);
	if (d->standing == STANDING_LOOK && ask_look(d, l, now, ret))
		return true;
	if (!d->cycle.batch && identity_is_due(&d->identity, now)) {
		*ret = (struct device_question){ 0 };
		ret->identity = identity_ask(&d->identity, d->config, l, now, &ret->request);
		return ret->identity != NULL;
	}
	if (!d->cycle.batch && !begin_cycle(d, c, now))
		return false;
	if (d->identity.verdict == IDENTITY_WRONG)
		return false; /* the cycle has nothing but that */
	if (d->cycle.search)
		return ask_search(d, l, now, ret);
	struct poll_block *b = next_block(d, l, now);
	if (b && d->standing != STANDING_RETRY)
		d->retries_left = d->standing == STANDING_PROVEN && b->trial.failures == 0 ? d->retries : 0;
	if (b) {
		*ret = (struct device_question){ .request = request_of(d, b), .block = b };
		return true;
	}
	if (d->standing >= STANDING_RETRY)
		d->standing = STANDING_UNPROVEN; /* what it was asked for cannot be asked now */
	if (!wants_look(d))
		return false;
	d->cycle.looked = true;
	return ask_look(d, l, now, ret);
}

/* What cannot be read is bad, in each cycle anew: it was refused, or is left out. */
static void add_bad(struct device *d)
{
	struct batch *batch = d->cycle.batch;
	int64_t now = clock_boottime();
	for (size_t i = 0; i < d->plan.block_count; i++) {
		const struct poll_block *b = &d->plan.blocks[i];
		bool refused =
		    b->trial.exception > 0 && b->trial.cycle == d->cycle.number && b->trial.failures > 0;
		if (b->rhythm != d->cycle.rhythm || !(refused || b->trial.wait_ns > 0))
			continue;
		for (size_t k = 0; k < b->point_count; k++)
			batch->samples[batch->count++] =
			    (struct sample){ .point = b->points[k], .quality = QUALITY_BAD, .time_ns = now };
	}
}

/* Whether something is to be read once, and was not yet. */
static bool lacks_once(const struct device *d)
{
	for (size_t i = 0; i < d->plan.block_count; i++)
		if (d->plan.blocks[i].rhythm == RHYTHM_ONCE && !is_read(&d->plan.blocks[i]))
			return true;
	return false;
}

/* How many slots were missed. What is rarely asked, or once, is asked soon again when it was held back; what
 * is asked once, as rarely as slow points until it is read. */
static uint64_t end_of_slot(struct device *d, int64_t now)
{
	struct schedule_job *job = &d->jobs[d->cycle.rhythm];
	if (!d->cycle.held_back && d->cycle.rhythm == RHYTHM_ONCE && lacks_once(d)) {
		job->due = now + ONCE_AGAIN * d->config->poll_interval;
		return 0;
	}
	if (!d->cycle.held_back || d->cycle.rhythm == RHYTHM_EVERY)
		return schedule_advance(job, now);
	job->due = now + d->config->poll_interval;
	return 0;
}

struct batch *device_end_cycle(struct device *d, uint64_t *missed)
{
	struct batch *batch = d->cycle.batch;
	*missed = 0;
	if (!batch)
		return NULL;
	if (d->standing < STANDING_RETRY && !d->cycle.search) {
		*missed = end_of_slot(d, clock_boottime()) + d->cycle.held_back;
		if (d->identity.verdict == IDENTITY_WRONG)
			identity_add_invalid(d->config, batch, clock_boottime());
		else
			add_bad(d);
		d->busy_ns = 0;
	}
	d->cycle.batch = NULL;
	if (batch->count == 0) {
		batch_free(batch);
		return NULL;
	}
	batch->realtime_offset_ns = clock_realtime_offset();
	return batch;
}
