/* pue: [pue:NAME], a power usage effectiveness: its meters and windows (pure). */
#pragma once

#include "config/sections/reference.h"

#define CONFIG_PUES_MAX 5000
#define CONFIG_PUE_WINDOWS_MAX 8
#define CONFIG_PUE_WINDOW_MIN_S 60
#define CONFIG_PUE_WINDOW_MAX_S (INT64_C(365) * 86400)
/* Parts that a window slides by: eight windows are then less than 1 MiB, and 1 ms to add up. */
#define CONFIG_PUE_BUCKETS_MAX 600

enum pue_role {
	PUE_FACILITY,
	PUE_IT,
	PUE_COOLING,
	PUE_LOSS,
	PUE_IT_EMBEDDED_COOLING,
	PUE_EXPORT,
	PUE_REUSE_HEAT,
	PUE_WATER,
	PUE_ROLE_COUNT
};

/* A meter that counts both ways has one power for the two: what flows in is above 0, what flows out below. */
enum pue_power_part { PUE_POWER_WHOLE, PUE_POWER_IN, PUE_POWER_OUT };

struct pue_meter {
	enum pue_role role;
	const char *name;		/* as written */
	struct point_ref power, energy; /* at least one is set, or `loop` */
	enum pue_power_part part;	/* of the power */
	size_t loop;			/* whose heat it is; SIZE_MAX = none */
};

struct pue_config {
	const char *name;
	const char *boundary;
	int category;	      /* of ISO/IEC 30134-2, 1 to 3; 0 = not told */
	double carbon_factor; /* kg CO2 in a kWh that enters; NAN = not told */
	bool alarms;	      /* the default ones of its meters */
	struct schema_list role_names[PUE_ROLE_COUNT];
	struct pue_meter *meters; /* of all roles, in their order */
	size_t meter_count;
	struct schema_list window_names;
	int64_t windows[CONFIG_PUE_WINDOWS_MAX]; /* seconds */
	size_t window_count;
	uint64_t fingerprint; /* of its section and of the devices of its meters */
	uint64_t meaning;     /* of what its meters measure, and as what: energies of the same are the same */
};

/* The length of the parts that a window slides by, in seconds: it has at least 48 of them. */
int64_t pue_window_bucket(int64_t window_s);

const char *pue_role_word(enum pue_role r);

/* Water is counted as energies are: its millilitres stand for joules. */
#define PUE_WATER_JOULES 1e6 /* of a m3 */

/* In what a role is told: kWh and kW, or m3 and L/min of water. */
struct pue_role_unit {
	const char *amount, *rate; /* as they end names of figures */
	const char *word;	   /* of the amount, in a text */
	double per_kwh, per_kw;	   /* of the energies that are reckoned with */
	double joules;		   /* of the SI unit of its points */
	const char *rate_unit;	   /* as in the table of units */
};

const struct pue_role_unit *pue_role_unit(enum pue_role r);

/* Its power if it has that, else its energy. */
static inline struct point_ref pue_meter_any(const struct pue_meter *m)
{
	return point_ref_is_set(m->power) ? m->power : m->energy;
}

extern const struct config_section pue_section;
