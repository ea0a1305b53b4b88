#include "plant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400.0
#define IT_METER_WATTS 30e3 /* at full load, each */
#define LIQUID_SHARE 0.8    /* of the IT heat goes into the coolant */
#define LOSS_SHARE 0.04	    /* of the facility: transformers, distribution */
#define FAN_WATTS 1500.0
#define PUMP_WATTS_AT_60 800.0
#define PUMP_NOMINAL_SPEED 3000.0 /* 1/min, of a point that shows turns */
#define FLOW_PER_PERCENT 1.6	  /* L/min of a new pump through a clean filter */
#define RESISTANCE 0.012	  /* kPa per (L/min)^2, of the loop with a clean filter */
#define SUPPLY_CELSIUS 32.0
#define RETURN_LAG_S 20.0
/* PG25 at 35 Cel: kW per L/min and K, the rule of thumb of the trade */
#define KW_PER_LPM_K 0.0669

static bool has_point(const struct device_config *c, const char *name)
{
	for (size_t i = 0; i < c->point_count; i++)
		if (strcmp(c->points[i].name, name) == 0)
			return true;
	return false;
}

static bool has_role(const struct config *c, size_t device, enum pue_role role)
{
	for (size_t i = 0; i < c->pue_count; i++)
		for (size_t k = 0; k < c->pues[i].meter_count; k++) {
			const struct pue_meter *m = &c->pues[i].meters[k];
			if (m->role == role && (m->power.device == device || m->energy.device == device))
				return true;
		}
	return false;
}

static enum plant_part part_of(const struct config *c, size_t i)
{
	const struct device_config *d = &c->devices[i];
	if (has_point(d, "flow_rate"))
		return PART_COOLING_UNIT;
	if (has_role(c, i, PUE_FACILITY))
		return PART_FACILITY_METER;
	if (has_point(d, "active_power"))
		return PART_IT_METER;
	return has_point(d, "temperature") ? PART_ROOM : PART_OTHER;
}

struct plant *plant_new(const struct config *c, uint64_t seed, double time_of_day_s)
{
	struct plant *p = calloc(1, sizeof(*p));
	struct plant_device *devices = calloc(c->device_count + 1, sizeof(*devices));
	if (!p || !devices) {
		free(p);
		free(devices);
		return NULL;
	}
	*p = (struct plant){
		.config = c, .devices = devices, .time_s = time_of_day_s, .random = seed * 2 + 1
	};
	for (size_t i = 0; i < c->device_count; i++)
		devices[i] = (struct plant_device){ .config = &c->devices[i],
			.part = part_of(c, i),
			.fixed_power = NAN,
			/* a meter that has run for some years */
			.energy = 3.6e6 * (20000 + 1000 * (double)i),
			.supply = SUPPLY_CELSIUS,
			.ret = SUPPLY_CELSIUS + 7,
			.pump_speed = 60,
			.plug = 1,
			.temperature = 26,
			.humidity = 45 };
	plant_step(p, 0);
	return p;
}

void plant_free(struct plant *p)
{
	if (!p)
		return;
	free(p->devices);
	free(p);
}

/* Uniform in -1..1 (xorshift64*). */
static double noise(struct plant *p)
{
	p->random ^= p->random >> 12;
	p->random ^= p->random << 25;
	p->random ^= p->random >> 27;
	return (double)((p->random * UINT64_C(2685821657736338717)) >> 11) / (double)(UINT64_C(1) << 52) - 1;
}

static void set_power(struct plant_device *d, double watts, double seconds)
{
	d->power = isnan(d->fixed_power) ? watts : d->fixed_power;
	d->energy += d->power * seconds;
}

static void step_cooling_unit(struct plant *p, struct plant_device *d, double heat_kw, double seconds)
{
	/* where the pump's curve h = w (4 - v^2) / 3 meets that of the loop, h = k v^2, in shares of the
	 * point where a new pump and a clean filter meet; affinity laws for the speed */
	double head = 1 - d->wear, resistance = RESISTANCE * d->plug;
	d->flow = d->pump_speed * FLOW_PER_PERCENT * sqrt(4 * head / (3 * d->plug + head));
	d->pressure_drop = resistance * d->flow * d->flow;
	d->pump_power = PUMP_WATTS_AT_60 * pow(d->pump_speed / 60, 3);
	d->supply = SUPPLY_CELSIUS + 0.5 * sin(p->time_s / 300) + 0.02 * noise(p);
	/* without flow the coolant that stands in the cold plates boils away from any model: 40 K is where it
	 * stops */
	double delta = d->flow > 1 ? heat_kw / (KW_PER_LPM_K * d->flow) : 40;
	double target = d->supply + fmin(delta, 40);
	d->ret += (target - d->ret) * (1 - exp(-seconds / RETURN_LAG_S));
	set_power(d, d->pump_power + FAN_WATTS, seconds);
}

void plant_step(struct plant *p, double seconds)
{
	const struct config *c = p->config;
	double it = 0, cooling = 0, flow_share = 0;
	p->time_s += seconds;
	double day = 0.78 + 0.15 * sin(2 * M_PI * (p->time_s / DAY_S - 0.3));

	for (size_t i = 0; i < c->device_count; i++) {
		struct plant_device *d = &p->devices[i];
		if (d->part == PART_IT_METER) {
			set_power(d, IT_METER_WATTS * (day + 0.02 * noise(p)), seconds);
			it += d->power;
		}
		flow_share += d->part == PART_COOLING_UNIT ? d->pump_speed : 0;
	}
	for (size_t i = 0; i < c->device_count; i++) {
		struct plant_device *d = &p->devices[i];
		if (d->part != PART_COOLING_UNIT)
			continue;
		double share = flow_share > 0 ? d->pump_speed / flow_share : 0;
		step_cooling_unit(p, d, it * LIQUID_SHARE * share / 1000, seconds);
		cooling += d->power;
	}
	for (size_t i = 0; i < c->device_count; i++) {
		struct plant_device *d = &p->devices[i];
		if (d->part == PART_FACILITY_METER)
			set_power(d, (it + cooling) / (1 - LOSS_SHARE), seconds);
		if (d->part == PART_ROOM)
			d->temperature = 26 + sin(p->time_s / 900) + 0.05 * noise(p);
	}
}

enum shown { SHOWN_NUMBER, SHOWN_BOOL };

/* What a point of this name shows, in the SI units of unit.h (relative humidity and speed in 0..1). */
static const struct {
	const char *name;
	size_t offset;
	enum shown kind;
	double factor, base;
} shown[] = {
#define FIELD(f) offsetof(struct plant_device, f)
	{ "active_power", FIELD(power), SHOWN_NUMBER, 1, 0 },
	{ "active_energy_import", FIELD(energy), SHOWN_NUMBER, 1, 0 },
	{ "active_energy_total", FIELD(energy), SHOWN_NUMBER, 1, 0 },
	{ "flow_rate", FIELD(flow), SHOWN_NUMBER, 1e-3 / 60, 0 },
	{ "supply_temperature", FIELD(supply), SHOWN_NUMBER, 1, 0 },
	{ "return_temperature", FIELD(ret), SHOWN_NUMBER, 1, 0 },
	{ "differential_pressure", FIELD(pressure_drop), SHOWN_NUMBER, 1e3, 0 },
	{ "inlet_pressure", FIELD(pressure_drop), SHOWN_NUMBER, 0, 150e3 },
	{ "outlet_pressure", FIELD(pressure_drop), SHOWN_NUMBER, 1e3, 150e3 },
	{ "pump_power", FIELD(pump_power), SHOWN_NUMBER, 1, 0 },
	{ "pump_speed", FIELD(pump_speed), SHOWN_NUMBER, 0.01, 0 },
	{ "temperature", FIELD(temperature), SHOWN_NUMBER, 1, 0 },
	{ "humidity", FIELD(humidity), SHOWN_NUMBER, 0.01, 0 },
	{ "leak", FIELD(leak), SHOWN_BOOL, 1, 0 },
#undef FIELD
};

/* Points that the model does not know show something of their unit that a device in order would. */
static const struct {
	const char *unit;
	double value;
} by_unit[] = { { "Cel", 30 }, { "V", 230 }, { "A", 40 }, { "Hz", 50 }, { "1/min", 3200 }, { "%", 55 },
	{ "kPa", 150 }, { "W", 100 }, { "kW", 1 }, { "h", 8000 }, { "s", 86400 }, { "1", 0.98 },
	{ "uS/cm", 900 }, { "[pH]", 8.8 }, { "NTU", 0.5 } };

double plant_value(const struct plant *p, const struct plant_device *d, const struct point *point)
{
	if (d->stuck == point)
		return d->stuck_value;
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		if (strcmp(shown[i].name, point->name) != 0)
			continue;
		const void *field = (const char *)d + shown[i].offset;
		if (shown[i].kind == SHOWN_BOOL)
			return *(const bool *)field;
		double si = *(const double *)field * shown[i].factor + shown[i].base;
		return point_from_si(point, point->quantity == QUANTITY_SPEED ? si * PUMP_NOMINAL_SPEED : si);
	}
	for (size_t i = 0; i < sizeof(by_unit) / sizeof(by_unit[0]); i++)
		if (strcmp(by_unit[i].unit, point->unit) == 0)
			return by_unit[i].value;
	return 0;
}

const char *plant_text(const struct plant_device *d, const struct point *point)
{
	return d->config->name;
}

static const char *on_off(const char *word, bool *ret)
{
	if (!word || strcmp(word, "on") == 0)
		*ret = true;
	else if (strcmp(word, "off") == 0)
		*ret = false;
	else
		return "allowed: on, off";
	return NULL;
}

static const char *set_leak(struct plant_device *d, const char *word)
{
	return on_off(word, &d->leak);
}

static const char *set_silence(struct plant_device *d, const char *word)
{
	return on_off(word, &d->silent);
}

static const char *set_fail(struct plant_device *d, const char *word)
{
	return on_off(word, &d->failed);
}

static bool number(const char *word, double min, double max, double *ret)
{
	char *end;
	double v = word ? strtod(word, &end) : NAN;
	if (!word || *end != '\0' || !(v >= min && v <= max))
		return false;
	*ret = v;
	return true;
}

static const char *set_pump(struct plant_device *d, const char *word)
{
	if (d->part != PART_COOLING_UNIT)
		return "this device has no pump";
	return number(word, 0, 100, &d->pump_speed) ? NULL : "allowed: 0..100 (percent)";
}

static const char *set_load(struct plant_device *d, const char *word)
{
	if (word && strcmp(word, "auto") == 0) {
		d->fixed_power = NAN;
		return NULL;
	}
	double kw;
	if (!number(word, 0, 1e6, &kw))
		return "allowed: a power in kW, or auto";
	d->fixed_power = kw * 1000;
	return NULL;
}

static const char *set_plug(struct plant_device *d, const char *word)
{
	if (d->part != PART_COOLING_UNIT)
		return "this device has no filter";
	return number(word, 1, 1000, &d->plug) ? NULL : "allowed: 1..1000 (times the clean resistance)";
}

static const char *set_wear(struct plant_device *d, const char *word)
{
	double percent;
	if (d->part != PART_COOLING_UNIT)
		return "this device has no pump";
	if (!number(word, 0, 99, &percent))
		return "allowed: 0..99 (percent of the pressure that is lost)";
	d->wear = percent / 100;
	return NULL;
}

static const char *set_stick(struct plant_device *d, const char *word)
{
	d->stuck = NULL;
	if (word && strcmp(word, "off") == 0)
		return NULL;
	for (size_t i = 0; word && i < d->config->point_count; i++) {
		const struct point *point = &d->config->points[i];
		if (strcmp(point->name, word) != 0 || point->type == POINT_STRING)
			continue;
		d->stuck_value = plant_value(NULL, d, point);
		d->stuck = point;
		return NULL;
	}
	return "allowed: a point of the device, or off";
}

static const struct {
	const char *word;
	const char *(*run)(struct plant_device *d, const char *argument);
} commands[] = { { "leak", set_leak }, { "silence", set_silence }, { "fail", set_fail }, { "pump", set_pump },
	{ "load", set_load }, { "plug", set_plug }, { "wear", set_wear }, { "stick", set_stick } };

const char *plant_command(struct plant *p, const char *line)
{
	char copy[256], *save = NULL;
	if (snprintf(copy, sizeof(copy), "%s", line) >= (int)sizeof(copy))
		return "the line is too long";
	const char *word = strtok_r(copy, " \t\r\n", &save), *name = strtok_r(NULL, " \t\r\n", &save);
	const char *argument = strtok_r(NULL, " \t\r\n", &save);
	if (!word)
		return NULL;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].word, word) != 0)
			continue;
		for (size_t k = 0; name && k < p->config->device_count; k++)
			if (strcmp(p->config->devices[k].name, name) == 0)
				return commands[i].run(&p->devices[k], argument);
		return "no such device";
	}
	return "allowed: leak DEVICE on|off, silence DEVICE [on|off], fail DEVICE [on|off], pump DEVICE "
	       "PERCENT, load DEVICE "
	       "KW|auto, plug DEVICE FACTOR, wear DEVICE PERCENT, stick DEVICE POINT|off";
}
