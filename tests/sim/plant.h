/* plant: a small liquid-cooled row, as its devices would measure it (pure: time in, values out).
 *
 * IT load over the day heats coolant that pumps move; meters integrate the power they show. A device's part
 * is told from its points: flow and temperatures make a cooling unit, active_power a meter; a meter's role is
 * what the configuration's PUE figures say.
 */
#pragma once

#include "config/config.h"

#include <stdbool.h>
#include <stdint.h>

enum plant_part { PART_OTHER, PART_COOLING_UNIT, PART_IT_METER, PART_FACILITY_METER, PART_ROOM };

struct plant_device {
	const struct device_config *config;
	enum plant_part part;
	double power;	      /* W, what active_power shows */
	double fixed_power;   /* W, set by a command; NAN = by the model */
	double energy;	      /* J, what active_energy_import shows */
	double flow;	      /* L/min */
	double supply, ret;   /* Cel */
	double pump_speed;    /* % */
	double pump_power;    /* W */
	double plug;	      /* times the resistance with a clean filter */
	double wear;	      /* share of the pump's pressure that is lost */
	double pressure_drop; /* kPa */
	double temperature, humidity;
	bool leak;
	bool silent;		   /* does not answer */
	bool failed;		   /* its sensors show what stands for no value, where there is such */
	const struct point *stuck; /* a sensor that shows the same for ever; NULL = none */
	double stuck_value;
};

struct plant {
	const struct config *config;
	struct plant_device *devices; /* as in the configuration */
	double time_s;		      /* of the plant's day */
	uint64_t random;
};

struct plant *plant_new(
    const struct config *c, uint64_t seed, double time_of_day_s); /* NULL without memory */
void plant_free(struct plant *p);

/* Lets `seconds` of the plant's time pass. */
void plant_step(struct plant *p, double seconds);

/* What the device shows at a point: a number in the point's unit, 0 or 1 for a bool; text for a string. */
double plant_value(const struct plant *p, const struct plant_device *d, const struct point *point);
const char *plant_text(const struct plant_device *d, const struct point *point);

/* Runs a command, as in coolantd-sim(1). Returns NULL, or what is wrong. */
const char *plant_command(struct plant *p, const char *line);
