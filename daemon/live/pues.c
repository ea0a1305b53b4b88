#include "daemon/live/pues.h"

#include "config/ini/cleanup.h"
#include "daemon/control/pue_grid.h"
#include "drivers/os/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For from which readings all figures are: of thousands each has the readings of its first windows alone. */
#define TRACES_BYTES_MAX ((size_t)64 << 20)

struct pues {
	const struct config *config;
	const struct point_table *table;
	struct loops *loops;
	struct pues_watcher watcher;
	const struct wall_clock *clock; /* by which a saved state was taken up; NULL = none was */
	int64_t offset_ns,
	    offset_at_ns;  /* of UTC, and the boottime of the newest reading with it; 0 = none */
	struct pue *all[]; /* as in the configuration */
};

static struct counter_type counter_type_of(const struct point *p)
{
	struct counter_type type = { .is_signed = point_format(p) == POINT_SIGNED,
		.is_scaled = point_is_scaled_by_other(p),
		.mantissa = p->type == POINT_F32 ? 24 : 53 };
	switch (point_format(p)) {
	case POINT_UNSIGNED:
	case POINT_SIGNED:
		type.width =
		    p->bits.low >= 0 ? (unsigned)(p->bits.high - p->bits.low + 1) : 16 * point_length(p);
		break;
	case POINT_BCD_DIGITS:
	case POINT_TEN_THOUSANDS:
		type.digits = 4 * point_length(p); /* either has four in a register */
		break;
	default:
		break; /* its numbers are compared */
	}
	bool is_integer = type.width > 0 || type.digits > 0;
	type.joules = is_integer && !type.is_scaled ? p->scale * p->factor : p->factor;
	return type;
}

/* What a loop's heat is computed from. */
static const enum loop_input heat_inputs[] = { LOOP_IN_FLOW, LOOP_IN_SUPPLY, LOOP_IN_RETURN };
enum { HEAT_INPUTS = sizeof(heat_inputs) / sizeof(heat_inputs[0]) };

/* The slowest of them decides. */
static int64_t heat_interval(const struct config *c, const struct loop_config *loop)
{
	int64_t slowest = 0;
	for (size_t i = 0; i < HEAT_INPUTS; i++) {
		const struct point_source *in = &loop->inputs[heat_inputs[i]];
		for (size_t k = 0; k < in->count; k++) {
			int64_t interval = device_point_interval(
			    &c->devices[in->refs[k].device], reference_get(c, in->refs[k]));
			slowest = interval > slowest ? interval : slowest;
		}
	}
	return slowest;
}

static struct meter_type meter_type_of(const struct config *c, const struct pue_meter *m)
{
	const double joules = pue_role_unit(m->role)->joules;
	struct meter_type type = { .accuracy = NAN };
	if (m->loop != SIZE_MAX) {
		type.has_power = true;
		type.interval_ns = heat_interval(c, &c->loops[m->loop]);
	}
	if (point_ref_is_set(m->power)) {
		const struct point *p = reference_get(c, m->power);
		type.has_power = true;
		type.max_watts = isnan(p->max) ? 0 : p->max * p->factor * joules;
		type.interval_ns = type.power_interval_ns =
		    device_point_interval(&c->devices[m->power.device], p);
	}
	if (point_ref_is_set(m->energy)) {
		const struct point *p = reference_get(c, m->energy);
		type.has_counter = true;
		type.counter = counter_type_of(p);
		type.counter.joules *= joules;
		type.interval_ns = device_point_interval(&c->devices[m->energy.device], p);
	}
	struct point_ref any = pue_meter_any(m);
	if (point_ref_is_set(any))
		type.accuracy = c->devices[any.device].accuracy_class / 100;
	return type;
}

static struct pue *make(const struct config *c, const struct pue_config *pc)
{
	_cleanup_free_ struct pue_meter_spec *specs = calloc(pc->meter_count + 1, sizeof(*specs));
	if (!specs)
		return NULL;
	for (size_t i = 0; i < pc->meter_count; i++)
		specs[i] = (struct pue_meter_spec){ pc->meters[i].role, pc->meters[i].name,
			meter_type_of(c, &pc->meters[i]) };
	return pue_new(&(struct pue_spec){
	    specs, pc->meter_count, pc->windows, pc->window_count, TRACES_BYTES_MAX / c->pue_count });
}

struct pues *pues_new(const struct config *c, const struct point_table *table, struct loops *loops)
{
	struct pues *p = calloc(1, sizeof(*p) + c->pue_count * sizeof(p->all[0]));
	bool good = true;
	if (!p)
		return NULL;
	p->config = c;
	p->table = table;
	p->loops = loops;
	for (size_t i = 0; i < c->pue_count; i++) {
		p->all[i] = make(c, &c->pues[i]);
		good &= p->all[i] != NULL;
	}
	if (good)
		return p;
	pues_free(p);
	return NULL;
}

void pues_free(struct pues *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->config->pue_count; i++)
		pue_free(p->all[i]);
	free(p);
}

static const struct pue_config *find(const struct pues *p, const char *name)
{
	return name_index_find(&p->config->pue_names, name, strlen(name));
}

static void say_anew(const char *name)
{
	log_line(LOG_NOTICE, "pue '%s': its meters are others now, its energies begin anew", name);
}

/* Under another name than before: the figure of a meaning that has none yet. */
static const struct pue_config *find_renamed(const struct pues *p, uint64_t meaning, const char *name)
{
	for (size_t i = 0; i < p->config->pue_count; i++) {
		const struct pue_config *c = &p->config->pues[i];
		if (c->meaning != meaning || pue_has_begun(p->all[i]))
			continue;
		log_line(LOG_NOTICE, "pue '%s' goes on with the energies of '%s', whose meters are the same",
		    c->name, name);
		return c;
	}
	return NULL;
}

static void swap(struct pue **a, struct pue **b)
{
	struct pue *was = *a;
	*a = *b;
	*b = was;
}

static void watch(struct pues *p, size_t i)
{
	struct pue_sink to = p->watcher.energy;
	to.pue = i;
	pue_watch(p->all[i], &to);
}

void pues_watch(struct pues *p, const struct pues_watcher *to)
{
	p->watcher = *to;
	for (size_t i = 0; i < p->config->pue_count; i++)
		watch(p, i);
}

/* The fingerprint knows of a loop's name alone, not how often its sensors are read. */
static bool has_loop(const struct pue_config *c)
{
	for (size_t i = 0; i < c->meter_count; i++)
		if (c->meters[i].loop != SIZE_MAX)
			return true;
	return false;
}

/* The windows, intervals, names or classes may be others: what the meters mean decides. */
static void inherit(struct pues *p, size_t i, struct pues *old, const struct pue_config *was)
{
	const struct pue_config *c = &p->config->pues[i];
	struct pue **from = &old->all[was - old->config->pues];
	if (was->fingerprint == c->fingerprint && was->meaning == c->meaning && !has_loop(c))
		swap(&p->all[i], from);
	else if (was->meaning != c->meaning || !pue_inherit(p->all[i], *from))
		say_anew(c->name);
}

void pues_inherit(struct pues *p, struct pues *old)
{
	p->offset_ns = old->offset_ns;
	p->offset_at_ns = old->offset_at_ns;
	p->clock = old->clock;
	for (size_t i = 0; i < p->config->pue_count; i++) {
		const struct pue_config *was = find(old, p->config->pues[i].name);
		if (was)
			inherit(p, i, old, was);
		watch(p, i);
	}
	for (size_t i = 0; i < old->config->pue_count; i++) {
		const struct pue_config *was = &old->config->pues[i];
		const struct pue_config *c =
		    find(p, was->name) ? NULL : find_renamed(p, was->meaning, was->name);
		if (!c)
			continue;
		inherit(p, (size_t)(c - p->config->pues), old, was);
		watch(p, (size_t)(c - p->config->pues));
	}
}

/* Of a counter that another register scales: what one step of its own is, as a number; 0 = not known. */
static double step_of(const struct table_device *d, const struct point *p)
{
	const struct sample *power = &d->points[p->scale_point].sample;
	if (!point_is_scaled_by_other(p) || !quality_has_value(power->quality))
		return 0;
	return p->scale * pow(10, value_number(&power->value));
}

/* What is not simply counted is a line of the journal, and of the records. */
static void say(
    const struct pues *p, size_t i, size_t meter, const struct counter_step *step, int64_t time_ms)
{
	static const char *const kinds[] = { [COUNTER_WRAP] = "wrap",
		[COUNTER_RESET] = "reset",
		[COUNTER_RETURN] = "return",
		[COUNTER_BACKWARDS] = "backwards" };
	static const char *const words[] = { [COUNTER_WRAP] = "passed the end of its range",
		[COUNTER_RESET] = "began anew or was set, what lies between is not counted",
		[COUNTER_RETURN] = "goes on as before it seemed to begin anew",
		[COUNTER_BACKWARDS] =
		    "counts backwards, nothing of it is counted: is a current transformer reversed?" };
	const struct pue_config *c = &p->config->pues[i];
	if (step->event < COUNTER_WRAP)
		return;
	log_line(
	    LOG_NOTICE, "pue '%s': the counter of %s %s", c->name, c->meters[meter].name, words[step->event]);
	if (p->watcher.corrected)
		p->watcher.corrected(
		    p->watcher.energy.user, i, meter, time_ms, kinds[step->event], words[step->event]);
}

static double part_of(enum pue_power_part part, double watts)
{
	if (part == PUE_POWER_WHOLE)
		return watts;
	return fmax(part == PUE_POWER_OUT ? -watts : watts, 0);
}

/* The newest of what a loop's heat is computed from, as far as the device has it; 0 = it has nothing of it.
 */
static int64_t newest_of(const struct pues *p, const struct loop_config *loop, const struct table_device *d)
{
	int64_t newest = 0;
	for (size_t i = 0; i < HEAT_INPUTS; i++) {
		const struct point_source *in = &loop->inputs[heat_inputs[i]];
		for (size_t k = 0; k < in->count; k++) {
			int64_t time_ns = point_table_at(p->table, in->refs[k])->sample.time_ns;
			if (&p->table->devices[in->refs[k].device] == d && time_ns > newest)
				newest = time_ns;
		}
	}
	return newest;
}

/* The heat of a loop as a power, when it has changed with the device. */
static void feed_heat(struct pues *p, size_t i, size_t meter, const struct table_device *d)
{
	size_t loop = p->config->pues[i].meters[meter].loop;
	int64_t time_ns = loop == SIZE_MAX ? 0 : newest_of(p, &p->config->loops[loop], d);
	if (time_ns == 0)
		return;
	struct figure heat = loops_heat(p->loops, loop);
	const struct meter_reading r = { .time_ns = time_ns, .power_good = true, .watts = heat.value * 1000 };
	if (heat.quality <= QUALITY_ESTIMATED)
		(void)pue_read(p->all[i], meter, &r, d->utc_offset_ns);
}

/* A new sample of a meter's power or counter, when that is a point of the device. */
static void feed(struct pues *p, size_t i, size_t meter, const struct table_device *d, bool is_counter)
{
	const struct pue_meter *m = &p->config->pues[i].meters[meter];
	struct point_ref ref = is_counter ? m->energy : m->power;
	if (!point_ref_is_set(ref) || &p->table->devices[ref.device] != d)
		return;
	const struct sample *s = &point_table_at(p->table, ref)->sample;
	const struct meter_reading r = { .time_ns = s->time_ns,
		.power_good = !is_counter,
		.watts = part_of(m->part, point_table_figure(p->table, ref).value) *
			 pue_role_unit(m->role)->joules,
		.counter_good = is_counter,
		.raw = s->raw,
		.number = value_number(&s->value),
		.step = is_counter ? step_of(d, reference_get(p->config, ref)) : 0 };
	if (s->quality > QUALITY_ESTIMATED || s->value.kind == VALUE_NONE)
		return;
	struct counter_step step = pue_read(p->all[i], meter, &r, d->utc_offset_ns);
	say(p, i, meter, &step, (s->time_ns + d->utc_offset_ns) / NS_PER_MS);
}

/* A step of the clock is a line of the journal, once for all figures. */
static void see_clock(struct pues *p, const struct table_device *d)
{
	const int64_t moved_ns = d->utc_offset_ns - p->offset_ns;
	const bool known = p->offset_at_ns != 0;
	char text[96];
	if (p->config->pue_count == 0 || d->last_ns <= p->offset_at_ns)
		return;
	p->offset_ns = d->utc_offset_ns;
	p->offset_at_ns = d->last_ns;
	if (!known || llabs(moved_ns) < PUE_CLOCK_STEP_NS)
		return;
	snprintf(text, sizeof(text), "the clock was set by %+.3f s, what was measured stays where it is",
	    (double)moved_ns / NS_PER_S);
	log_line(LOG_NOTICE, "%s", text);
	for (size_t i = 0; i < p->config->pue_count && p->watcher.corrected; i++)
		p->watcher.corrected(p->watcher.energy.user, i, SIZE_MAX,
		    (d->last_ns + d->utc_offset_ns) / NS_PER_MS, "step", text);
}

/* A clock that nobody has set since the boot is taken: a line of the journal. */
static void see_clock_taken(const struct pues *p, const struct table_device *d)
{
	const int64_t utc_ns = d->last_ns + d->utc_offset_ns, behind_ns = p->clock->newest_ns - utc_ns;
	char text[192];
	if (p->clock->is_behind || behind_ns <= 0)
		return;
	snprintf(text, sizeof(text),
	    "the clock is %.0f s behind what was measured before the restart, and nobody sets it: counting "
	    "goes "
	    "on by it, nothing that was measured is dropped",
	    (double)behind_ns / NS_PER_S);
	log_line(LOG_WARNING, "%s", text);
	for (size_t i = 0; i < p->config->pue_count && p->watcher.corrected; i++)
		p->watcher.corrected(p->watcher.energy.user, i, SIZE_MAX, utc_ns / NS_PER_MS, "step", text);
}

void pues_feed(struct pues *p, const struct table_device *d)
{
	const bool was_behind = p->clock && p->clock->is_behind;
	see_clock(p, d);
	for (size_t i = 0; i < p->config->pue_count; i++)
		for (size_t k = 0; k < p->config->pues[i].meter_count; k++) {
			feed(p, i, k, d, false);
			feed(p, i, k, d, true);
			feed_heat(p, i, k, d);
		}
	if (was_behind)
		see_clock_taken(p, d);
}

static enum quality quality_at(const struct point_table *t, struct point_ref r)
{
	return point_ref_is_set(r) ? point_table_at(t, r)->sample.quality : QUALITY_GOOD;
}

static enum quality power_quality(const struct pues *p, const struct pue_meter *m)
{
	return m->loop == SIZE_MAX ? quality_at(p->table, m->power)
				   : loops_figures(p->loops, m->loop)[LOOP_HEAT].quality;
}

void pues_tick(struct pues *p)
{
	for (size_t i = 0; i < p->config->pue_count; i++) {
		const struct pue_config *c = &p->config->pues[i];
		for (size_t k = 0; k < c->meter_count; k++)
			pue_set_quality(p->all[i], k, power_quality(p, &c->meters[k]),
			    quality_at(p->table, c->meters[k].energy));
	}
}

const struct pue *pues_at(const struct pues *p, size_t i)
{
	return p->all[i];
}

void pues_save(const struct pues *p, struct bytes_writer *w)
{
	for (size_t i = 0; i < p->config->pue_count; i++) {
		const struct pue_config *c = &p->config->pues[i];
		struct bytes_writer block = { 0 };
		pue_save(p->all[i], &block);
		bytes_put_entry(w, PUES_ENTRY, c->name, c->meaning, &block);
	}
}

void pues_save_traces(const struct pues *p, struct bytes_writer *w)
{
	const size_t begin = w->size;
	for (size_t i = 0; i < p->config->pue_count && w->size - begin < PUES_TRACES_BYTES_MAX; i++) {
		const struct pue_config *c = &p->config->pues[i];
		struct bytes_writer block = { 0 };
		pue_save_trace(p->all[i], &block);
		bytes_put_entry(w, PUES_TRACE_ENTRY, c->name, c->meaning, &block);
	}
}

void pues_load_trace(struct pues *p, struct bytes_entry *e)
{
	const struct pue_config *c = find(p, e->name);
	if (c && e->fingerprint == c->meaning)
		pue_load_trace(p->all[c - p->config->pues], &e->block);
}

/* Into a new figure, so that bytes that turn out to be bad leave nothing behind. */
bool pues_load(struct pues *p, struct bytes_entry *e, struct wall_clock *clock)
{
	const struct pue_config *c = find(p, e->name);
	if (!c)
		c = find_renamed(p, e->fingerprint, e->name);
	if (!c)
		return false;
	if (e->fingerprint != c->meaning && !pue_is_saved_long_ago(e->block)) {
		say_anew(c->name);
		return false;
	}
	struct pue *fresh = make(p->config, c);
	p->clock = clock;
	bool good = fresh && pue_load(fresh, &e->block, clock) == 0;
	if (good) {
		swap(&p->all[c - p->config->pues], &fresh);
		watch(p, (size_t)(c - p->config->pues));
	}
	pue_free(fresh);
	return good;
}
