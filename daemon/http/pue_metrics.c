#include "daemon/http/pue_metrics.h"

#include "config/ini/cleanup.h"

#include <math.h>
#include <stdlib.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NAMED(n) "coolantd_" n
#define KWH_JOULES 3.6e6

static void put_powers(struct metrics_writer *w, const struct live *l)
{
	static const struct metric_family ratio = { NAMED("pue_power_ratio"), METRIC_GAUGE, "ratio",
		"total by IT power, at the latest moment that all needed meters have" };
	static const struct metric_family power = { NAMED("pue_power_watts"), METRIC_GAUGE, "watts",
		"power by role, at that moment" };
	int64_t when;
	metrics_family(w, &ratio);
	for (size_t i = 0; i < l->config->pue_count; i++)
		metrics_sample(w, METRIC_LABELS("pue", l->config->pues[i].name),
		    pue_power_ratio(pues_at(l->pues, i), &when).value, JSON_FIGURE);
	metrics_family(w, &power);
	for (size_t i = 0; i < l->config->pue_count; i++)
		for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
			if (l->config->pues[i].role_names[r].count > 0 && r != PUE_WATER)
				metrics_sample(w,
				    METRIC_LABELS("pue", l->config->pues[i].name, "role",
					pue_role_word((enum pue_role)r)),
				    pue_role_power(pues_at(l->pues, i), (enum pue_role)r).value * 1e3,
				    JSON_FIGURE);
}

/* Adding one up is too much work to be done for each family. */
struct named_window {
	const struct pue_config *pue;
	const char *name;
	struct pue_window window;
};

static double get_ratio(const struct named_window *w)
{
	return w->window.pue.value;
}

static double get_ere(const struct named_window *w)
{
	return w->window.has_role[PUE_REUSE_HEAT] ? w->window.ere.value : NAN;
}

static double get_coverage(const struct named_window *w)
{
	return w->window.coverage;
}

static double get_uncertainty(const struct named_window *w)
{
	return w->window.uncertainty;
}

static double get_quality(const struct named_window *w)
{
	return w->window.pue.quality;
}

static double get_wue(const struct named_window *w)
{
	return w->window.has_role[PUE_WATER] ? w->window.wue.value : NAN;
}

static double get_cue(const struct named_window *w)
{
	return w->window.has_role[PUE_FACILITY] ? w->window.pue.value * w->pue->carbon_factor : NAN;
}

static double get_water(const struct named_window *w)
{
	return w->window.has_role[PUE_WATER] ? w->window.kwh[PUE_WATER] * pue_role_unit(PUE_WATER)->per_kwh
					     : NAN;
}

static const struct {
	struct metric_family family;
	double (*get)(const struct named_window *w);
} rows[] = {
	{ { NAMED("pue_window_ratio"), METRIC_GAUGE, "ratio", "the PUE: total by IT energy of a window" },
	    get_ratio },
	{ { NAMED("pue_window_ere_ratio"), METRIC_GAUGE, "ratio",
	      "total energy less reused heat, by IT energy" },
	    get_ere },
	{ { NAMED("pue_window_coverage_ratio"), METRIC_GAUGE, "ratio",
	      "share of a window with every needed meter good" },
	    get_coverage },
	{ { NAMED("pue_window_wue"), METRIC_GAUGE, NULL, "litres of water to a kWh of IT in a window" },
	    get_wue },
	{ { NAMED("pue_window_cue"), METRIC_GAUGE, NULL, "kg of CO2 to a kWh of IT in a window" }, get_cue },
	{ { NAMED("pue_window_water_cubic_meters"), METRIC_GAUGE, "cubic_meters",
	      "water over the covered part of a window" },
	    get_water },
	{ { NAMED("pue_window_uncertainty"), METRIC_GAUGE, NULL, "of the PUE of a window, k = 2" },
	    get_uncertainty },
	{ { NAMED("pue_window_quality"), METRIC_GAUGE, NULL, "of the PUE of a window" METRICS_QUALITY_HELP },
	    get_quality },
};

/* malloc'd; NULL without memory. */
static struct named_window *add_up(const struct live *l, size_t *count)
{
	size_t n = 0;
	for (size_t i = 0; i < l->config->pue_count; i++)
		n += l->config->pues[i].window_count;
	struct named_window *windows = calloc(n + 1, sizeof(*windows));
	*count = 0;
	for (size_t i = 0; windows && i < l->config->pue_count; i++) {
		const struct pue_config *c = &l->config->pues[i];
		for (size_t k = 0; k < c->window_count; k++)
			windows[(*count)++] = (struct named_window){ c, c->window_names.items[k],
				pue_window(pues_at(l->pues, i), k) };
	}
	return windows;
}

static void put_energies(struct metrics_writer *w, const struct named_window *windows, size_t count)
{
	static const struct metric_family energy = { NAMED("pue_window_energy_joules"), METRIC_GAUGE,
		"joules", "energy by role over the covered part of a window" };
	metrics_family(w, &energy);
	for (size_t i = 0; i < count; i++)
		for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
			if (windows[i].window.has_role[r] && r != PUE_WATER)
				metrics_sample(w,
				    METRIC_LABELS("pue", windows[i].pue->name, "window", windows[i].name,
					"role", pue_role_word((enum pue_role)r)),
				    windows[i].window.kwh[r] * KWH_JOULES, JSON_DECIMAL);
}

void pue_metrics_put(struct metrics_writer *w, const struct live *l)
{
	size_t count;
	put_powers(w, l);
	_cleanup_free_ struct named_window *windows = add_up(l, &count);
	for (size_t r = 0; r < COUNT(rows); r++) {
		metrics_family(w, &rows[r].family);
		for (size_t i = 0; i < count; i++)
			metrics_sample(w,
			    METRIC_LABELS("pue", windows[i].pue->name, "window", windows[i].name),
			    rows[r].get(&windows[i]), JSON_FIGURE);
	}
	put_energies(w, windows, count);
}
