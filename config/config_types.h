/* config_types: what a configuration says, as structs (holder of nothing: all lives in the configuration's
 * arena).
 */
#pragma once

#include "config/ini/schema.h"
#include "config/point.h"
#include "config/profile.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_BUSES_MAX 1000
#define CONFIG_DEVICES_MAX 5000
#define CONFIG_ENTRIES_MAX 5000 /* loops, PUE figures, alarms: each */
#define CONFIG_PUE_WINDOWS_MAX 8
#define CONFIG_PUE_WINDOW_MIN_S 60
#define CONFIG_PUE_WINDOW_MAX_S (INT64_C(365) * 86400)

struct daemon_config {
	const char *site, *rack;
	const char *state_dir;
	const char *http_socket, *http_listen;
	int log_level; /* syslog level: LOG_ERR … LOG_DEBUG */
	int64_t control_interval;
};

enum mqtt_protocol { MQTT_3_1_1 = 4, MQTT_5 = 5 }; /* the numbers of the protocol's CONNECT packet */
enum mqtt_layout { LAYOUT_DEVICE = 1, LAYOUT_POINT = 2, LAYOUT_BOTH = 3 };
enum mqtt_publish { MQTT_PUBLISH_CHANGE, MQTT_PUBLISH_ALWAYS };

struct mqtt_config {
	struct schema_list brokers; /* scheme://host:port */
	const char *client_id;	    /* never empty after loading */
	enum mqtt_protocol protocol;
	const char *topic_prefix;
	int64_t qos;
	int64_t keep_alive;
	const char *username, *password_file;
	const char *ca_file, *cert_file, *key_file;
	enum mqtt_layout layout;
	enum mqtt_publish publish;
	int64_t full_interval;
	bool homeassistant;
	const char *homeassistant_prefix;
	const char *sparkplug_group;
	bool dsx;
	uint64_t fingerprint;
};

struct spool_config {
	int64_t max_size, max_age, replay_rate;
};

enum bus_type { BUS_RTU, BUS_TCP, BUS_RTUTCP /* RTU framing over a TCP serial server */ };
enum bus_parity { PARITY_NONE = 'N', PARITY_EVEN = 'E', PARITY_ODD = 'O' };

struct bus_config {
	const char *name;
	enum bus_type type;
	const char *port;
	int baud;
	enum bus_parity parity;
	int64_t stop_bits;
	bool rs485;
	int64_t frame_gap;
	const char *host;
	int64_t tcp_port;
	int64_t connect_timeout, response_timeout;
	int64_t retries;
	int64_t max_backoff;
	uint64_t fingerprint;
};

struct device_config {
	const char *name;
	const char *bus_name, *profile_name;
	size_t bus; /* index into buses */
	int64_t unit;
	int64_t poll_interval;
	bool enabled;
	bool alarms;		       /* the default ones of its leak points */
	double accuracy_class;	       /* of a meter, in percent; NAN = not known */
	const struct profile *profile; /* NULL when all points are given by the configuration */
	const struct point *points;
	size_t point_count;
	uint64_t fingerprint; /* of all that its polling depends on, its bus apart */
};

struct point_ref {
	size_t device, point; /* indices; device is SIZE_MAX when the reference is not set */
};

static inline bool point_ref_is_set(struct point_ref r)
{
	return r.device != SIZE_MAX;
}

enum coolant { COOLANT_WATER, COOLANT_PG25, COOLANT_PG30, COOLANT_EG25, COOLANT_EG30 };

/* How several sensors make one figure: of the same thing, or of parts that are added up. */
enum combination { COMBINE_ONE, COMBINE_MEDIAN, COMBINE_MEAN, COMBINE_SUM };

#define CONFIG_SOURCE_POINTS_MAX 64

struct point_source {
	enum combination how;
	const struct point_ref *refs;
	size_t count; /* 0 = not configured */
};

enum loop_input {
	LOOP_IN_FLOW,
	LOOP_IN_SUPPLY,
	LOOP_IN_RETURN,
	LOOP_IN_PRESSURE_DROP,
	LOOP_IN_FILTER_PRESSURE_DROP, /* that of the whole loop when the filter has no sensor */
	LOOP_IN_PUMP_POWER,
	LOOP_IN_PUMP_SPEED,
	LOOP_IN_IT_POWER,
	LOOP_IN_AIR_TEMPERATURE,
	LOOP_IN_AIR_HUMIDITY,
	LOOP_IN_PRIMARY_SUPPLY,
	LOOP_IN_RESERVOIR_LEVEL,
	LOOP_IN_COUNT,
};

#define CONFIG_CURVE_POINTS_MAX 8

/* What a pump gives at its nominal speed: flows in rising order and their differential pressures. */
struct pump_curve {
	double flow[CONFIG_CURVE_POINTS_MAX];	  /* L/min */
	double pressure[CONFIG_CURVE_POINTS_MAX]; /* kPa */
	size_t count;
};

struct loop_config {
	const char *name;
	enum coolant coolant;
	const char *input_names[LOOP_IN_COUNT]; /* as written */
	struct point_source inputs[LOOP_IN_COUNT];
	enum loop_input flow_at;   /* LOOP_IN_SUPPLY or LOOP_IN_RETURN: where the flow meter sits */
	double delta_t_resolution; /* K */
	double nominal_flow;	   /* L/min; this and what follows: NAN = not told */
	double clean_resistance;   /* kPa.min2/L2 */
	struct pump_curve pump_curve;
	double pump_curve_speed;		/* % */
	double liquid_share;			/* of the IT power that the coolant is to carry */
	double balance_tolerance;		/* of the electrical power */
	double system_volume, reservoir_volume; /* L */
	double reservoir_temperature;		/* Cel */
	bool alarms;				/* the default ones */
	double flow_low, pressure_high;		/* L/min, kPa */
	double supply_high, return_high;	/* Cel */
	double reservoir_low;			/* % */
	uint64_t learning_fingerprint;		/* of the points that a learned reference was measured at */
};

/* The figures of a loop; their words are the names in topics and in alarms (loop.NAME.heat). */
enum loop_value {
	LOOP_HEAT,
	LOOP_DELTA_T,
	LOOP_FLOW,
	LOOP_SUPPLY_TEMPERATURE,
	LOOP_RETURN_TEMPERATURE,
	LOOP_PRESSURE_DROP,
	LOOP_HYDRAULIC_POWER,
	LOOP_HYDRAULIC_RESISTANCE,
	LOOP_FILTER_RESISTANCE,
	LOOP_FILTER_RESISTANCE_RATIO,
	LOOP_PUMP_EFFICIENCY,
	LOOP_PUMP_SPEED,
	LOOP_PUMP_DEVIATION,
	LOOP_HEAT_CAPTURE_RATIO,
	LOOP_ENERGY_BALANCE_RESIDUAL,
	LOOP_DEW_POINT,
	LOOP_DEW_POINT_MARGIN,
	LOOP_APPROACH_TEMPERATURE,
	LOOP_COMPENSATED_RESERVOIR_LEVEL,
	LOOP_VALUE_COUNT,
};

const char *loop_value_word(enum loop_value v);
const char *loop_value_unit(enum loop_value v);
const char *loop_value_help(enum loop_value v);
bool loop_value_needs(enum loop_value v, enum loop_input i);
const char *loop_input_word(enum loop_input i); /* its key */
/* Whether the loop has all inputs that the figure needs. */
bool loop_has_value(const struct loop_config *l, enum loop_value v);

enum pue_role {
	PUE_FACILITY,
	PUE_IT,
	PUE_COOLING,
	PUE_LOSS,
	PUE_IT_EMBEDDED_COOLING,
	PUE_EXPORT,
	PUE_REUSE_HEAT,
	PUE_ROLE_COUNT
};

struct meter_ref {
	struct point_ref power, energy; /* at least one is set */
};

struct pue_config {
	const char *name;
	const char *boundary;
	struct schema_list role_names[PUE_ROLE_COUNT];
	struct meter_ref *meters[PUE_ROLE_COUNT]; /* role_names[r].count of them */
	struct schema_list window_names;
	int64_t windows[CONFIG_PUE_WINDOWS_MAX]; /* seconds */
	size_t window_count;
	uint64_t fingerprint; /* of its section and of the devices of its meters */
};

const char *pue_role_word(enum pue_role r);

enum alarm_when { WHEN_TRUE, WHEN_FALSE, WHEN_ABOVE, WHEN_BELOW, WHEN_OUTSIDE, WHEN_STALE, WHEN_SUSPECT };
enum alarm_severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_CRITICAL };
enum alarm_source { SOURCE_POINT, SOURCE_LOOP, SOURCE_PUE };

struct alarm_config {
	const char *name;
	const char *point_name; /* as written */
	enum alarm_source source;
	struct point_source points; /* SOURCE_POINT */
	size_t entry;		    /* SOURCE_LOOP, SOURCE_PUE: index of the loop or PUE figure */
	size_t value; /* SOURCE_LOOP: enum loop_value; SOURCE_PUE: 0 = power_ratio, else 1 + window */
	enum alarm_when when;
	double limit, low, high;
	double hysteresis;
	int64_t delay_on, delay_off;
	enum alarm_severity severity;
	bool latch;
	const char *message;
	struct schema_list suppressor_names;
	const size_t *suppressors; /* indices of alarms, as many as names */
	unsigned rank;		   /* higher than that of its suppressors: they are judged first */
	uint64_t fingerprint;
};

/* Names that a configuration may not use: alarms about coolantd itself. */
#define OWN_ALARM_PREFIX "coolantd-"

const char *alarm_severity_word(enum alarm_severity s);
const char *alarm_when_word(enum alarm_when w);

struct config {
	const char *path;
	struct daemon_config daemon;
	struct mqtt_config mqtt;
	struct spool_config spool;
	struct bus_config *buses;
	struct device_config *devices;
	struct loop_config *loops;
	struct pue_config *pues;
	struct alarm_config *alarms;
	size_t bus_count, device_count, loop_count, pue_count, alarm_count;
	uint64_t fingerprint;
	struct ini_tree tree;
	unsigned references; /* atomic */
};

/* The point of a name DEVICE.POINT; not set when there is none. */
struct point_ref config_lookup(const struct config *c, const char *name);
const struct point *config_point(const struct config *c, struct point_ref r);

/* The index of an alarm by its name; SIZE_MAX = none. */
size_t config_find_alarm(const struct config *c, const char *name);
