#include "daemon/http/explain_loop.h"

#include "daemon/control/coolant.h"

#include <math.h>

/* The loop that is looked at, under names that formulas can be read with. */
struct view {
	struct explanation *e;
	const struct loop_config *config;
	const struct loop_model *model;
	const struct makeup *makeup;
	const struct figure *in, *out;
};

static double in(const struct view *v, enum loop_input i)
{
	return v->in[i].value;
}

static double out(const struct view *v, enum loop_value f)
{
	return v->out[f].value;
}

#define IN(i) NUMBER(in(v, LOOP_IN_##i))
#define OUT(f) NUMBER(out(v, LOOP_##f))

static const char *coolant_word(enum coolant c)
{
	static const char *const words[] = { [COOLANT_WATER] = "water",
		[COOLANT_PG25] = "pg25",
		[COOLANT_PG30] = "pg30",
		[COOLANT_EG25] = "eg25",
		[COOLANT_EG30] = "eg30" };
	return words[c];
}

static void say_flow(const struct view *v)
{
	explanation_say(
	    v->e, "V = %s L/min / 60000 = %s m3/s", NUMBER(in(v, LOOP_IN_FLOW) * LOOP_LPM), IN(FLOW));
}

static void numbers_heat(const struct view *v)
{
	const enum coolant c = v->model->coolant;
	const bool at_supply = v->model->flow_at == LOOP_IN_SUPPLY;
	const double flow_t = in(v, v->model->flow_at),
		     mean = (in(v, LOOP_IN_SUPPLY) + in(v, LOOP_IN_RETURN)) / 2;
	const char *rho = NUMBER(coolant_density(c, flow_t)), *cp = NUMBER(coolant_heat_capacity(c, mean));
	explanation_say(v->e,
	    "rho = %s kg/m3, the density of %s at %s Cel, where the flow is measured (flow_at = %s)", rho,
	    coolant_word(c), NUMBER(flow_t), at_supply ? "supply" : "return");
	explanation_say(v->e, "cp = %s J/(kg K), the heat capacity of %s at (%s + %s) / 2 = %s Cel", cp,
	    coolant_word(c), IN(SUPPLY), IN(RETURN), NUMBER(mean));
	say_flow(v);
	explanation_say(v->e, "heat = %s * %s * %s * (%s - %s) / 1000 = %s kW", rho, cp, IN(FLOW), IN(RETURN),
	    IN(SUPPLY), OUT(HEAT));
	if (fabs(out(v, LOOP_DELTA_T)) < v->model->delta_t_resolution)
		explanation_say(v->e, "delta_t = %s K is below delta_t_resolution = %s K: estimated",
		    OUT(DELTA_T), NUMBER(v->model->delta_t_resolution));
}

static void numbers_delta_t(const struct view *v)
{
	explanation_say(v->e, "delta_t = %s - %s = %s K", IN(RETURN), IN(SUPPLY), OUT(DELTA_T));
}

static void numbers_hydraulic_power(const struct view *v)
{
	say_flow(v);
	explanation_say(v->e, "hydraulic_power = %s Pa * %s m3/s = %s W", IN(PRESSURE_DROP), IN(FLOW),
	    OUT(HYDRAULIC_POWER));
}

static void numbers_efficiency(const struct view *v)
{
	numbers_hydraulic_power(v);
	explanation_say(v->e, "pump_efficiency = %s W / %s W = %s", OUT(HYDRAULIC_POWER), IN(PUMP_POWER),
	    OUT(PUMP_EFFICIENCY));
}

static void numbers_resistance(const struct view *v)
{
	const double kpa = in(v, LOOP_IN_PRESSURE_DROP) / 1e3, lpm = in(v, LOOP_IN_FLOW) * LOOP_LPM;
	explanation_say(v->e, "hydraulic_resistance = %s kPa / (%s L/min)^2 = %s kPa.min2/L2", NUMBER(kpa),
	    NUMBER(lpm), OUT(HYDRAULIC_RESISTANCE));
}

static void numbers_filter(const struct view *v)
{
	const double kpa = in(v, LOOP_IN_FILTER_PRESSURE_DROP) / 1e3, lpm = in(v, LOOP_IN_FLOW) * LOOP_LPM;
	explanation_say(v->e, "filter_resistance = %s kPa / (%s L/min)^2 = %s kPa.min2/L2", NUMBER(kpa),
	    NUMBER(lpm), OUT(FILTER_RESISTANCE));
}

static void numbers_filter_ratio(const struct view *v)
{
	const bool told = !isnan(v->model->clean_resistance);
	const double clean = told ? v->model->clean_resistance : v->model->learned.filter_resistance;
	numbers_filter(v);
	explanation_say(v->e, "clean, as %s: %s kPa.min2/L2",
	    told ? "configured (clean_resistance)" : "learned", NUMBER(clean / LOOP_RESISTANCE));
	explanation_say(v->e, "filter_resistance_ratio = %s / %s = %s", OUT(FILTER_RESISTANCE),
	    NUMBER(clean / LOOP_RESISTANCE), OUT(FILTER_RESISTANCE_RATIO));
}

/* The pressure that is expected follows from the figure itself, so that it is that of the curve at hand. */
static void numbers_pump(const struct view *v)
{
	const struct loop_model *m = v->model;
	const bool told = m->curve.count > 0;
	const double nominal = told ? m->curve.speed : m->learned.pump_speed,
		     ratio = nominal / in(v, LOOP_IN_PUMP_SPEED),
		     head = in(v, LOOP_IN_PRESSURE_DROP) * ratio * ratio,
		     flow = in(v, LOOP_IN_FLOW) * ratio * LOOP_LPM,
		     expected = head / (1 + out(v, LOOP_PUMP_DEVIATION));
	const struct loop_reference *r = &m->learned;
	explanation_say(v->e, "n0 / n = %s / %s = %s", NUMBER(nominal), IN(PUMP_SPEED), NUMBER(ratio));
	explanation_say(v->e, "V' = %s * %s = %s L/min, H = %s kPa * %s^2 = %s kPa",
	    NUMBER(in(v, LOOP_IN_FLOW) * LOOP_LPM), NUMBER(ratio), NUMBER(flow),
	    NUMBER(in(v, LOOP_IN_PRESSURE_DROP) / 1e3), NUMBER(ratio), NUMBER(head / 1e3));
	for (size_t i = 0; i < m->curve.count; i++)
		explanation_say(v->e, "pump_curve: %s kPa at %s L/min", NUMBER(m->curve.pressure[i] / 1e3),
		    NUMBER(m->curve.flow[i] * LOOP_LPM));
	if (!told)
		explanation_say(v->e,
		    "curve(V') = %s kPa * (4 - (V' / %s)^2) / 3, through the point that was learned",
		    NUMBER(r->pressure / 1e3), NUMBER(r->flow * LOOP_LPM));
	explanation_say(v->e, "curve(%s) = %s kPa%s", NUMBER(flow), NUMBER(expected / 1e3),
	    told ? ", between its points on a straight line" : "");
	explanation_say(v->e, "pump_deviation = %s / %s - 1 = %s", NUMBER(head / 1e3), NUMBER(expected / 1e3),
	    OUT(PUMP_DEVIATION));
}

static void numbers_capture(const struct view *v)
{
	numbers_heat(v);
	explanation_say(v->e, "heat_capture_ratio = %s kW / %s kW = %s", OUT(HEAT),
	    NUMBER(in(v, LOOP_IN_IT_POWER) / 1e3), OUT(HEAT_CAPTURE_RATIO));
}

static void numbers_residual(const struct view *v)
{
	const double share = isnan(v->model->liquid_share) ? 1 : v->model->liquid_share,
		     pump =
			 quality_has_value(v->in[LOOP_IN_PUMP_POWER].quality) ? in(v, LOOP_IN_PUMP_POWER) : 0;
	numbers_heat(v);
	explanation_say(v->e, "energy_balance_residual = %s kW / (%s * %s kW + %s kW) - 1 = %s", OUT(HEAT),
	    NUMBER(share), NUMBER(in(v, LOOP_IN_IT_POWER) / 1e3), NUMBER(pump / 1e3),
	    OUT(ENERGY_BALANCE_RESIDUAL));
	explanation_say(v->e, "balance_tolerance = %s", NUMBER(v->model->balance_tolerance));
}

static void numbers_dew_point(const struct view *v)
{
	const double rh = fmin(in(v, LOOP_IN_AIR_HUMIDITY), 1), t = in(v, LOOP_IN_AIR_TEMPERATURE),
		     g = log(rh) + 17.625 * t / (243.04 + t);
	explanation_say(v->e, "g = ln(%s) + 17.625 * %s / (243.04 + %s) = %s", NUMBER(rh), NUMBER(t),
	    NUMBER(t), NUMBER(g));
	explanation_say(
	    v->e, "dew_point = 243.04 * %s / (17.625 - %s) = %s Cel", NUMBER(g), NUMBER(g), OUT(DEW_POINT));
}

static void numbers_margin(const struct view *v)
{
	numbers_dew_point(v);
	explanation_say(
	    v->e, "dew_point_margin = %s - %s = %s K", IN(SUPPLY), OUT(DEW_POINT), OUT(DEW_POINT_MARGIN));
}

static void numbers_approach(const struct view *v)
{
	explanation_say(v->e, "approach_temperature = %s - %s = %s K", IN(SUPPLY), IN(PRIMARY_SUPPLY),
	    OUT(APPROACH_TEMPERATURE));
}

static void numbers_reservoir(const struct view *v)
{
	const struct loop_model *m = v->model;
	const double mean = (in(v, LOOP_IN_SUPPLY) + in(v, LOOP_IN_RETURN)) / 2;
	const char *rho = NUMBER(coolant_density(m->coolant, mean)),
		   *rho_ref = NUMBER(coolant_density(m->coolant, m->reservoir_temperature));
	explanation_say(v->e,
	    "rho(%s Cel) = %s kg/m3, rho(%s Cel) = %s kg/m3, of %s at the mean and at reservoir_temperature",
	    NUMBER(mean), rho, NUMBER(m->reservoir_temperature), rho_ref, coolant_word(m->coolant));
	explanation_say(v->e,
	    "compensated_reservoir_level = 100 * (%s - %s L / %s L * (%s / %s - 1)) = %s %%",
	    IN(RESERVOIR_LEVEL), NUMBER(m->system_volume), NUMBER(m->reservoir_volume), rho_ref, rho,
	    OUT(COMPENSATED_RESERVOIR_LEVEL));
}

static void numbers_makeup(const struct view *v)
{
	double litres = 0, seconds = 0;
	for (size_t i = 0; i < MAKEUP_BUCKETS; i++) {
		litres += v->makeup->buckets[i].litres;
		seconds += v->makeup->buckets[i].seconds;
	}
	explanation_say(v->e,
	    "makeup_rate = %s L / %s s * 86400 s/d = %s L/d, over what of the last day was measured",
	    NUMBER(litres), NUMBER(seconds), NUMBER(litres / seconds * 86400));
}

static const struct {
	const char *formula;		       /* NULL = it is its sensor, in this unit */
	void (*numbers)(const struct view *v); /* the same with its numbers, when it has a value */
} rows[LOOP_VALUE_COUNT] = {
	[LOOP_HEAT] = { "heat [kW] = rho * cp * V * (T_return - T_supply) / 1000", numbers_heat },
	[LOOP_DELTA_T] = { "delta_t [K] = T_return - T_supply", numbers_delta_t },
	[LOOP_HYDRAULIC_POWER] = { "hydraulic_power [W] = pressure_drop * V", numbers_hydraulic_power },
	[LOOP_HYDRAULIC_RESISTANCE] = { "hydraulic_resistance = pressure_drop / V^2", numbers_resistance },
	[LOOP_FILTER_RESISTANCE] = { "filter_resistance = filter_pressure_drop / V^2", numbers_filter },
	[LOOP_FILTER_RESISTANCE_RATIO] = { "filter_resistance_ratio = filter_pressure_drop / V^2 / clean "
					   "resistance",
	    numbers_filter_ratio },
	[LOOP_PUMP_EFFICIENCY] = { "pump_efficiency = pressure_drop * V / pump_power", numbers_efficiency },
	[LOOP_PUMP_DEVIATION] = { "pump_deviation = H / curve(V') - 1, with V' = V * n0 / n, H = "
				  "pressure_drop * (n0 / n)^2",
	    numbers_pump },
	[LOOP_HEAT_CAPTURE_RATIO] = { "heat_capture_ratio = heat / it_power", numbers_capture },
	[LOOP_ENERGY_BALANCE_RESIDUAL] = { "energy_balance_residual = heat / (liquid_share * it_power + "
					   "pump_power) - 1",
	    numbers_residual },
	[LOOP_DEW_POINT] = { "dew_point = 243.04 * g / (17.625 - g), g = ln(RH) + 17.625 * T / (243.04 + T)",
	    numbers_dew_point },
	[LOOP_DEW_POINT_MARGIN] = { "dew_point_margin = T_supply - dew_point", numbers_margin },
	[LOOP_APPROACH_TEMPERATURE] = { "approach_temperature = T_supply - T_primary_supply",
	    numbers_approach },
	[LOOP_COMPENSATED_RESERVOIR_LEVEL] = { "compensated_reservoir_level [%] = 100 * (level - V_system / "
					       "V_reservoir * "
					       "(rho(T_ref) / rho(T_mean) - 1))",
	    numbers_reservoir },
	[LOOP_MAKEUP_RATE] = { "makeup_rate = volume / time * 1 d", numbers_makeup },
};

static const char *how_word(enum combination how)
{
	static const char *const words[] = { [COMBINE_ONE] = "value",
		[COMBINE_MEDIAN] = "median",
		[COMBINE_MEAN] = "mean",
		[COMBINE_SUM] = "sum",
		[COMBINE_COUNT] = "count" };
	return words[how];
}

static void say_input(const struct view *v, enum loop_input i)
{
	const struct point_source *s = &v->config->inputs[i];
	const char *word = loop_input_word(i);
	if (s->count == 1) {
		explanation_reading(v->e, word, s->refs[0]);
		return;
	}
	const struct point *first = reference_get(v->e->live->config, s->refs[0]);
	explanation_say(v->e, "%s = the %s of %zu sensors = %s %s (%s)", word, how_word(s->how), s->count,
	    NUMBER(point_from_si(first, v->in[i].value)), first->unit, quality_word(v->in[i].quality));
	for (size_t k = 0; k < s->count; k++)
		explanation_reading(v->e, word, s->refs[k]);
}

static void say_inputs(const struct view *v, unsigned wanted)
{
	for (enum loop_input i = 0; i < LOOP_IN_COUNT; i++)
		if (wanted >> i & 1 && v->config->inputs[i].count > 0)
			say_input(v, i);
}

static void say_lines(const struct view *v, enum loop_value f)
{
	const struct loop_value_row *row = &loop_values[f];
	unsigned wanted = row->inputs | row->either;
	if (f == LOOP_ENERGY_BALANCE_RESIDUAL)
		wanted |= 1U << LOOP_IN_PUMP_POWER;
	if (rows[f].formula)
		explanation_say(v->e, "%s", rows[f].formula);
	say_inputs(v, wanted);
	if (quality_has_value(v->out[f].quality) && rows[f].numbers)
		rows[f].numbers(v);
}

static struct view look_at(struct explanation *e, size_t i, struct loop_look *look)
{
	loops_look(e->live->loops, i, look);
	return (struct view){ e, &e->live->config->loops[i], look->model, look->makeup, look->inputs,
		look->figures };
}

void explain_loop_lines(struct explanation *e, size_t i, enum loop_value f)
{
	struct loop_look look;
	const struct view v = look_at(e, i, &look);
	say_lines(&v, f);
}

void explain_loop(struct explanation *e, size_t i, enum loop_value f)
{
	struct loop_look look;
	const struct view v = look_at(e, i, &look);
	explanation_figure(e, &look.figures[f], loop_values[f].unit, JSON_FIGURE);
	json_text(&e->w, "formula", rows[f].formula ? rows[f].formula : loop_values[f].word);
	explanation_say(e, "%s", loop_values[f].help);
	say_lines(&v, f);
}

static void say_member(struct explanation *e, size_t i, size_t k, enum group_value v)
{
	const size_t loop = e->live->config->groups[i].loops[k];
	const struct figure *f = loops_figures(e->live->loops, loop);
	const char *why = groups_unfit(e->live->groups, i, k);
	explanation_say(e, "loop.%s: heat = %s kW (%s), flow = %s L/min (%s), %s%s",
	    e->live->config->loops[loop].name, NUMBER(f[LOOP_HEAT].value), quality_word(f[LOOP_HEAT].quality),
	    NUMBER(f[LOOP_FLOW].value), quality_word(f[LOOP_FLOW].quality), why ? "does not work: " : "works",
	    why ? why : "");
	if (v == GROUP_HEAT || v == GROUP_FLOW)
		explain_loop_lines(e, loop, v == GROUP_HEAT ? LOOP_HEAT : LOOP_FLOW);
}

static void say_sum(struct explanation *e, size_t i, enum loop_value v, const struct figure *sum)
{
	const struct group_config *c = &e->live->config->groups[i];
	char text[1024] = "";
	size_t n = 0;
	for (size_t k = 0; k < c->loop_names.count && n < sizeof(text); k++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", k ? " + " : "",
		    NUMBER(loops_figures(e->live->loops, c->loops[k])[v].value));
	explanation_say(
	    e, "%s = %s = %s %s", loop_values[v].word, text, NUMBER(sum->value), loop_values[v].unit);
}

/* It is published as a word. */
static void say_redundancy(struct explanation *e, const struct figure *f)
{
	const char *word = group_redundancy_word(f);
	if (word)
		json_text(&e->w, "value", word);
	else
		json_null(&e->w, "value");
	json_text(&e->w, "unit", "");
	json_text(&e->w, "quality", quality_word(f->quality));
	if (f->reason)
		json_text(&e->w, "reason", f->reason);
	explanation_say(e, "%s = %s (%s%s%s)", e->figure, word ? word : "not known", quality_word(f->quality),
	    f->reason ? ": " : "", f->reason ? f->reason : "");
}

void explain_group(struct explanation *e, size_t i, enum group_value v)
{
	static const char *const formulas[GROUP_VALUE_COUNT] = {
		[GROUP_HEAT] = "heat = the sum of the heat of its loops",
		[GROUP_FLOW] = "flow = the sum of the flow of its loops",
		[GROUP_FIT] = ("fit = how many of its loops work: flow known, above 0 and not low, heat "
			       "known, no critical alarm"),
		[GROUP_NEEDED] = "needed = as configured",
		[GROUP_REDUNDANCY] = "redundancy = fit - needed: above 0 n+1, 0 n, below 0 lost",
	};
	const struct figure *all = groups_figures(e->live->groups, i);
	const struct group_config *c = &e->live->config->groups[i];
	if (v == GROUP_REDUNDANCY)
		say_redundancy(e, &all[v]);
	else
		explanation_figure(e, &all[v], group_values[v].unit, JSON_FIGURE);
	json_text(&e->w, "formula", formulas[v]);
	explanation_say(e, "%s", formulas[v]);
	for (size_t k = 0; k < c->loop_names.count; k++)
		say_member(e, i, k, v);
	if (v == GROUP_HEAT || v == GROUP_FLOW)
		say_sum(e, i, v == GROUP_HEAT ? LOOP_HEAT : LOOP_FLOW, &all[v]);
	if (v == GROUP_REDUNDANCY && quality_has_value(all[v].quality))
		explanation_say(e, "redundancy = %s - %s = %s: %s", NUMBER(all[GROUP_FIT].value),
		    NUMBER(all[GROUP_NEEDED].value), NUMBER(all[v].value), group_redundancy_word(&all[v]));
	explanation_say(e, "each loop can be taken apart as loop.NAME.heat and loop.NAME.flow");
}
