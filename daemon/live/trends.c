#include "daemon/live/trends.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct trends_row trends_rows[TRENDS_KINDS] = {
	[TRENDS_LOOP] = { "loop", "trend.loop",
	    { "heat", "flow", "supply_temperature", "return_temperature", "pressure_drop" }, 5 },
	[TRENDS_PUE] = { "pue", "trend.pue", { "pue", "facility_kw", "it_kw" }, 3 },
};

static const enum loop_value loop_figures[] = { LOOP_HEAT, LOOP_FLOW, LOOP_SUPPLY_TEMPERATURE,
	LOOP_RETURN_TEMPERATURE, LOOP_PRESSURE_DROP };
#define LOOP_FIGURES (sizeof(loop_figures) / sizeof(loop_figures[0]))

struct trends {
	const struct config *config;
	const struct loops *loops;
	const struct pues *pues;
	int64_t end_ms;
	struct trend *all[TRENDS_KINDS]; /* as in the configuration */
};

size_t trends_count(const struct trends *t, enum trends_kind kind)
{
	return kind == TRENDS_LOOP ? t->config->loop_count : t->config->pue_count;
}

const char *trends_name(const struct trends *t, enum trends_kind kind, size_t i)
{
	return kind == TRENDS_LOOP ? t->config->loops[i].name : t->config->pues[i].name;
}

const struct trend *trends_at(const struct trends *t, enum trends_kind kind, size_t i)
{
	return &t->all[kind][i];
}

int64_t trends_end_ms(const struct trends *t)
{
	return t->end_ms;
}

struct trends *trends_new(const struct config *c, const struct loops *loops, const struct pues *pues)
{
	struct trends *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	*t = (struct trends){ .config = c, .loops = loops, .pues = pues };
	for (enum trends_kind k = 0; k < TRENDS_KINDS; k++) {
		t->all[k] = calloc(trends_count(t, k) + 1, sizeof(t->all[k][0]));
		if (!t->all[k]) {
			trends_free(t);
			return NULL;
		}
		for (size_t i = 0; i < trends_count(t, k); i++)
			trend_init(&t->all[k][i]);
	}
	return t;
}

void trends_free(struct trends *t)
{
	if (!t)
		return;
	for (enum trends_kind k = 0; k < TRENDS_KINDS; k++)
		free(t->all[k]);
	free(t);
}

/* A loop is known by its name, a PUE figure also by what its meters mean: with other windows it is the same.
 */
static uint64_t fingerprint_of(const struct trends *t, enum trends_kind kind, size_t i)
{
	return kind == TRENDS_PUE ? t->config->pues[i].meaning : 0;
}

/* Under another name than before: the figure of a meaning that has no day yet. */
static struct trend *find_renamed(const struct trends *t, uint64_t meaning)
{
	for (size_t i = 0; i < t->config->pue_count; i++)
		if (t->config->pues[i].meaning == meaning && trend_end_ms(&t->all[TRENDS_PUE][i]) == 0)
			return &t->all[TRENDS_PUE][i];
	return NULL;
}

static struct trend *find(
    const struct trends *t, enum trends_kind kind, const char *name, uint64_t fingerprint)
{
	const struct config *c = t->config;
	size_t i = SIZE_MAX, n = strlen(name);
	if (kind == TRENDS_LOOP) {
		const struct loop_config *loop = name_index_find(&c->loop_names, name, n);
		i = loop ? (size_t)(loop - c->loops) : SIZE_MAX;
	} else {
		const struct pue_config *pue = name_index_find(&c->pue_names, name, n);
		i = pue ? (size_t)(pue - c->pues) : SIZE_MAX;
	}
	if (i == SIZE_MAX)
		return kind == TRENDS_PUE ? find_renamed(t, fingerprint) : NULL;
	return fingerprint_of(t, kind, i) == fingerprint ? &t->all[kind][i] : NULL;
}

void trends_inherit(struct trends *t, const struct trends *old)
{
	t->end_ms = old->end_ms;
	for (enum trends_kind k = 0; k < TRENDS_KINDS; k++) {
		for (size_t i = 0; i < trends_count(old, k); i++) {
			struct trend *same = find(t, k, trends_name(old, k, i), fingerprint_of(old, k, i));
			if (same)
				*same = old->all[k][i];
		}
		for (size_t i = 0; i < trends_count(t, k); i++)
			if (trend_end_ms(&t->all[k][i]) == 0)
				(void)trend_advance(&t->all[k][i], old->end_ms);
	}
}

static bool is_good(const struct figure *f)
{
	return f->quality <= QUALITY_ESTIMATED;
}

static void see_loop(const struct trends *t, size_t i)
{
	const struct figure *values = loops_figures(t->loops, i);
	for (unsigned f = 0; f < LOOP_FIGURES; f++)
		if (is_good(&values[loop_figures[f]]))
			trend_see(&t->all[TRENDS_LOOP][i], f, values[loop_figures[f]].value, 1);
}

/* In kW; NAN when it is not known. */
static double power_of(const struct trends *t, size_t i, enum pue_role role)
{
	const struct figure power = pue_role_power(pues_at(t->pues, i), role);
	return is_good(&power) ? power.value : (double)NAN;
}

static void see_pue(const struct trends *t, size_t i)
{
	struct trend *to = &t->all[TRENDS_PUE][i];
	int64_t when;
	const struct figure ratio = pue_power_ratio(pues_at(t->pues, i), &when);
	bool is_net = t->config->pues[i].role_names[PUE_IT_EMBEDDED_COOLING].count > 0;
	double it = power_of(t, i, PUE_IT);
	if (!is_good(&ratio)) /* the powers have no moment in common */
		return;
	trend_see(to, 0, ratio.value, it - (is_net ? power_of(t, i, PUE_IT_EMBEDDED_COOLING) : 0));
	trend_see(to, 1, power_of(t, i, PUE_FACILITY), 1);
	trend_see(to, 2, it, 1);
}

bool trends_tick(struct trends *t, const struct wall_clock *clock, int64_t now_ns, int64_t offset_ns)
{
	static void (*const see[TRENDS_KINDS])(
	    const struct trends *, size_t) = { [TRENDS_LOOP] = see_loop, [TRENDS_PUE] = see_pue };
	struct wall_clock judged = *clock; /* it is others' as well */
	int64_t before_ms = t->end_ms;
	if (wall_clock_judge(&judged, now_ns, offset_ns))
		return false;
	for (enum trends_kind k = 0; k < TRENDS_KINDS; k++)
		for (size_t i = 0; i < trends_count(t, k); i++) {
			(void)trend_advance(&t->all[k][i], (now_ns + offset_ns) / NS_PER_MS);
			see[k](t, i);
			t->end_ms = trend_end_ms(&t->all[k][i]);
		}
	return t->end_ms != before_ms;
}

void trends_save(const struct trends *t, struct bytes_writer *w)
{
	for (enum trends_kind k = 0; k < TRENDS_KINDS; k++)
		for (size_t i = 0; i < trends_count(t, k); i++) {
			struct bytes_writer block = { 0 };
			if (trend_end_ms(&t->all[k][i]) == 0)
				continue;
			trend_save(&t->all[k][i], &block);
			bytes_put_entry(
			    w, trends_rows[k].entry, trends_name(t, k, i), fingerprint_of(t, k, i), &block);
		}
}

bool trends_load(struct trends *t, struct bytes_entry *e, struct wall_clock *clock)
{
	for (enum trends_kind k = 0; k < TRENDS_KINDS; k++) {
		struct trend *to =
		    strcmp(e->kind, trends_rows[k].entry) == 0 ? find(t, k, e->name, e->fingerprint) : NULL;
		if (!to || !trend_load(to, &e->block))
			continue;
		if (trend_end_ms(to) * NS_PER_MS > clock->newest_ns)
			clock->newest_ns = trend_end_ms(to) * NS_PER_MS;
		return true;
	}
	return false;
}
