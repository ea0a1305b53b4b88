#include "daemon/http/explain_pue.h"

#include "daemon/control/pue_judge.h"
#include "daemon/http/explain_meter.h"
#include "drivers/os/clock.h"

#include <math.h>
#include <string.h>

#define KWH_JOULES 3.6e6
#define ROUNDING_KWH 1e-6

static const char *total_formula(const struct pue *p)
{
	return pue_is_partial(p) ? "E_total = it + cooling + loss - export" : "E_total = facility - export";
}

static const char it_formula[] = "E_IT = it - it_embedded_cooling";

/* What the meters of a role add up to; NAN when the readings of one are not kept. */
static double say_meters(struct explanation *e, const struct explain_window *w, enum pue_role role)
{
	double sum = 0;
	for (size_t i = 0; i < w->config->meter_count; i++)
		if (w->config->meters[i].role == role)
			sum += explain_meter(e, w, i);
	return sum;
}

/* The role's energy is that of its meters, and of a time before their readings were kept. */
static void say_role(struct explanation *e, const struct explain_window *w, enum pue_role role)
{
	const char *word = pue_role_word(role);
	const char *unit = pue_role_unit(role)->word;
	const double all = w->sums.kwh[role] * pue_role_unit(role)->per_kwh, sum = say_meters(e, w, role),
		     before = all - sum;
	if (isnan(all))
		explanation_say(e, "%s: not known for all of the covered time", word);
	else if (isnan(sum) || fabs(before) <= ROUNDING_KWH + 1e-9 * fabs(all))
		explanation_say(e, "%s = %s %s", word, NUMBER(all), unit);
	else
		explanation_say(e,
		    "%s = %s %s of these + %s %s of before, of which no readings are kept = %s %s", word,
		    NUMBER(sum), unit, NUMBER(before), unit, NUMBER(all), unit);
}

static double kwh_or_none(const struct pue_window *s, enum pue_role r)
{
	return s->has_role[r] ? s->kwh[r] : 0;
}

static double total_of(const struct pue *p, const struct pue_window *s)
{
	const double in = pue_is_partial(p) ? kwh_or_none(s, PUE_IT) + kwh_or_none(s, PUE_COOLING) +
						  kwh_or_none(s, PUE_LOSS)
					    : kwh_or_none(s, PUE_FACILITY);
	return in - kwh_or_none(s, PUE_EXPORT);
}

/* The formula with its numbers. */
static void say_ratio(struct explanation *e, const struct explain_window *w)
{
	const struct pue_window *s = &w->sums;
	const double total = total_of(w->pue, s),
		     it = s->kwh[PUE_IT] - kwh_or_none(s, PUE_IT_EMBEDDED_COOLING);
	explanation_say(e, "PUE = E_total / E_IT, %s, %s", total_formula(w->pue), it_formula);
	if (pue_is_partial(w->pue))
		explanation_say(e,
		    "E_total = %s + %s + %s - %s = %s kWh (partial: there is no facility meter)",
		    NUMBER(s->kwh[PUE_IT]), NUMBER(kwh_or_none(s, PUE_COOLING)),
		    NUMBER(kwh_or_none(s, PUE_LOSS)), NUMBER(kwh_or_none(s, PUE_EXPORT)), NUMBER(total));
	else
		explanation_say(e, "E_total = %s - %s = %s kWh", NUMBER(s->kwh[PUE_FACILITY]),
		    NUMBER(kwh_or_none(s, PUE_EXPORT)), NUMBER(total));
	explanation_say(e, "E_IT = %s - %s = %s kWh", NUMBER(s->kwh[PUE_IT]),
	    NUMBER(kwh_or_none(s, PUE_IT_EMBEDDED_COOLING)), NUMBER(it));
	if (it > 0)
		explanation_say(e, "PUE = %s / %s = %s%s", NUMBER(total), NUMBER(it), NUMBER(total / it),
		    quality_has_value(s->pue.quality) ? "" : ", which is not stated");
}

/* What else is made of the same energies. */
static void say_others(struct explanation *e, const struct explain_window *w)
{
	const struct pue_window *s = &w->sums;
	const double total = total_of(w->pue, s),
		     it = s->kwh[PUE_IT] - kwh_or_none(s, PUE_IT_EMBEDDED_COOLING),
		     water = kwh_or_none(s, PUE_WATER) * pue_role_unit(PUE_WATER)->per_kwh;
	if (s->has_role[PUE_REUSE_HEAT] && quality_has_value(s->ere.quality))
		explanation_say(e, "ERE = (E_total - reuse_heat) / E_IT = (%s - %s) / %s = %s", NUMBER(total),
		    NUMBER(s->kwh[PUE_REUSE_HEAT]), NUMBER(it), NUMBER(s->ere.value));
	if (s->has_role[PUE_WATER] && quality_has_value(s->wue.quality))
		explanation_say(e, "WUE = water / E_IT = %s m3 * 1000 L/m3 / %s kWh = %s L/kWh",
		    NUMBER(water), NUMBER(it), NUMBER(s->wue.value));
	if (s->has_role[PUE_FACILITY] && !isnan(w->config->carbon_factor) &&
	    quality_has_value(s->pue.quality))
		explanation_say(e, "CUE = PUE * carbon_factor = %s * %s = %s kg/kWh", NUMBER(s->pue.value),
		    NUMBER(w->config->carbon_factor), NUMBER(s->pue.value * w->config->carbon_factor));
}

static void say_doubt(struct explanation *e, const struct explain_window *w, size_t i)
{
	const struct pue_doubt d = pue_window_doubt(w->pue, w->window, i);
	const char *name = w->config->meters[i].name;
	const double class = d.class / KWH_JOULES, step = d.step / KWH_JOULES,
		     refresh = d.refresh / KWH_JOULES,
		     all = sqrt(class * class + step * step + refresh * refresh),
		     slope = d.slope * KWH_JOULES;
	if (!d.is_needed)
		return;
	json_open(&e->w, NULL);
	json_text(&e->w, "meter", name);
	json_number(&e->w, "class_kwh", class, JSON_ENERGY);
	json_number(&e->w, "step_kwh", step, JSON_ENERGY);
	json_number(&e->w, "refresh_kwh", refresh, JSON_ENERGY);
	json_number(&e->w, "slope_per_kwh", slope, JSON_FIGURE);
	json_number(&e->w, "part", fabs(slope) * all, JSON_FIGURE);
	json_close(&e->w);
	explanation_say(e,
	    "uncertainty by %s: sqrt(class %s^2 + step %s^2 + refresh %s^2) = %s kWh, times |dPUE/dE| = %s "
	    "1/kWh: %s",
	    name, NUMBER(class), NUMBER(step), NUMBER(refresh), NUMBER(all), NUMBER(fabs(slope)),
	    NUMBER(fabs(slope) * all));
}

static void say_uncertainty(struct explanation *e, const struct explain_window *w)
{
	json_number(&e->w, "uncertainty", w->sums.uncertainty, JSON_FIGURE);
	json_open_list(&e->w, "uncertainty_parts");
	for (size_t i = 0; i < w->config->meter_count && quality_has_value(w->sums.pue.quality); i++)
		say_doubt(e, w, i);
	json_close_list(&e->w);
	if (isnan(w->sums.uncertainty))
		explanation_say(e, "uncertainty: not known (a needed meter has no accuracy_class, or the PUE "
				   "is not stated)");
	else
		explanation_say(e, "uncertainty = sqrt of the sum of the squares of these = %s (k = 2)",
		    NUMBER(w->sums.uncertainty));
}

static void say_coverage(struct explanation *e, const struct explain_window *w)
{
	const struct pue_window *s = &w->sums;
	const bool day = w->config->windows[w->window] >= 86400;
	explanation_say(e, "window from %s to %s", TIME(s->start_ms), TIME(s->end_ms));
	explanation_say(e,
	    "coverage = %s: with good readings of every needed meter %s s of %s s; good from %s on, "
	    "estimated from %s on",
	    NUMBER(s->coverage), NUMBER(s->coverage * (double)w->config->windows[w->window]),
	    NUMBER((double)w->config->windows[w->window]),
	    NUMBER(day ? PUE_COVERAGE_GOOD_DAY : PUE_COVERAGE_GOOD),
	    NUMBER(!day			? PUE_COVERAGE_ESTIMATED
		   : s->energy_complete ? PUE_COVERAGE_COMPLETE_DAY
					: PUE_COVERAGE_ESTIMATED_DAY));
	explanation_say(e,
	    "energies of every needed meter are there for %s s of it; the rest counts in neither",
	    NUMBER((double)w->known_s));
	json_integer(&e->w, "start", s->start_ms);
	json_integer(&e->w, "end", s->end_ms);
	json_number(&e->w, "coverage", s->coverage, JSON_DECIMAL);
	json_bool(&e->w, "energy_complete", s->energy_complete);
}

void explain_pue_window(struct explanation *e, size_t i, size_t window)
{
	const struct pue *p = pues_at(e->live->pues, i);
	const struct explain_window w = { p, &e->live->config->pues[i], window, pue_window(p, window),
		pue_window_known_s(p, window) };
	char key[40];
	explanation_figure(e, &w.sums.pue, "1", JSON_FIGURE);
	json_text(&e->w, "formula", "PUE = E_total / E_IT");
	json_text(&e->w, "boundary", w.config->boundary);
	say_coverage(e, &w);
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++) {
		const struct pue_role_unit *unit = pue_role_unit((enum pue_role)r);
		snprintf(key, sizeof(key), "%s_%s", pue_role_word((enum pue_role)r), unit->amount);
		if (w.sums.has_role[r])
			json_number(&e->w, key, w.sums.kwh[r] * unit->per_kwh, JSON_ENERGY);
	}
	json_open_list(&e->w, "meters");
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		if (w.sums.has_role[r])
			say_role(e, &w, (enum pue_role)r);
	json_close_list(&e->w);
	say_ratio(e, &w);
	say_others(e, &w);
	say_uncertainty(e, &w);
}

/* A meter's power at the moment that all have. */
static void say_power(
    struct explanation *e, const struct pue *p, const struct pue_meter *m, size_t i, int64_t when)
{
	const struct pue_meter_power power = pue_meter_power(p, i, when);
	const struct power_reading *a = &power.readings.before, *b = &power.readings.after;
	const int64_t offset = clock_realtime_offset();
	if (point_ref_is_set(m->power))
		explanation_reading(e, "newest", m->power);
	if (!power.has_power)
		explanation_say(e, "%s (%s) = %s kW, by its counter", m->name, pue_role_word(m->role),
		    NUMBER(power.watts.value / 1000));
	else if (isnan(a->watts))
		explanation_say(
		    e, "%s (%s): there was no usable reading of its power", m->name, pue_role_word(m->role));
	else if (a->time_ns == b->time_ns)
		explanation_say(e, "%s (%s) = %s kW, read %s (%s)", m->name, pue_role_word(m->role),
		    NUMBER(power.watts.value / 1000), TIME((a->time_ns + offset) / NS_PER_MS),
		    quality_word(power.watts.quality));
	else
		explanation_say(e, "%s (%s) = %s kW, on the line from %s kW read %s to %s kW read %s (%s)",
		    m->name, pue_role_word(m->role), NUMBER(power.watts.value / 1000),
		    NUMBER(a->watts / 1000), TIME((a->time_ns + offset) / NS_PER_MS), NUMBER(b->watts / 1000),
		    TIME((b->time_ns + offset) / NS_PER_MS), quality_word(power.watts.quality));
}

void explain_pue_ratio(struct explanation *e, size_t i)
{
	const struct pue *p = pues_at(e->live->pues, i);
	const struct pue_config *c = &e->live->config->pues[i];
	const bool partial = pue_is_partial(p);
	double kw[PUE_ROLE_COUNT] = { 0 };
	int64_t when;
	const struct figure ratio = pue_power_ratio(p, &when);
	explanation_figure(e, &ratio, "1", JSON_FIGURE);
	json_text(&e->w, "formula", "power_ratio = P_total / P_IT");
	explanation_say(e, "at %s, the latest moment that all needed meters have",
	    TIME(when == INT64_MIN || when == INT64_MAX ? 0 : (when + clock_realtime_offset()) / NS_PER_MS));
	for (size_t k = 0; k < c->meter_count; k++)
		if (c->meters[k].role != PUE_WATER)
			say_power(e, p, &c->meters[k], k, when);
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		kw[r] = pue_role_power(p, (enum pue_role)r).value;
	explanation_say(e, "power_ratio = P_total / P_IT, P_total = %s, P_IT = it - it_embedded_cooling",
	    partial ? "it + cooling + loss - export" : "facility - export");
	const double total = (partial ? kw[PUE_IT] + kw[PUE_COOLING] + kw[PUE_LOSS] : kw[PUE_FACILITY]) -
			     kw[PUE_EXPORT],
		     it = kw[PUE_IT] - kw[PUE_IT_EMBEDDED_COOLING];
	if (quality_has_value(ratio.quality))
		explanation_say(
		    e, "power_ratio = %s kW / %s kW = %s", NUMBER(total), NUMBER(it), NUMBER(ratio.value));
}
