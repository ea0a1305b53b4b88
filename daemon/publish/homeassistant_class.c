#include "daemon/publish/homeassistant_class.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Units that are written in another way there; "" = none. The micro sign is U+00B5, which it takes in all its
 * versions. */
static const struct {
	const char *ours, *theirs;
} spellings[] = {
	{ "Cel", "°C" },
	{ "degF", "°F" },
	{ "m3/h", "m³/h" },
	{ "m3/s", "m³/s" },
	{ "[gal_us]/min", "gal/min" },
	{ "m3", "m³" },
	{ "[psi]", "psi" },
	{ "1", "" },
	{ "Ohm", "Ω" },
	{ "1/min", "rpm" },
	{ "uS/cm", "µS/cm" },
	{ "[pH]", "" },
	{ "g/m3", "g/m³" },
};

/* The classes of a value that is measured and of a counter. An energy that is measured may also fall: it is a
 * total. */
static const struct {
	const char *measured, *counted, *state_class;
} quantities[QUANTITY_COUNT] = {
	[QUANTITY_TEMPERATURE] = { "temperature" },
	[QUANTITY_FLOW] = { "volume_flow_rate" },
	[QUANTITY_VOLUME] = { "volume_storage", "volume" },
	[QUANTITY_PRESSURE] = { "pressure" },
	[QUANTITY_POWER] = { "power" },
	[QUANTITY_APPARENT] = { "apparent_power" },
	[QUANTITY_REACTIVE] = { "reactive_power" },
	[QUANTITY_ENERGY] = { "energy", "energy", "total" },
	[QUANTITY_FREQUENCY] = { "frequency" },
	[QUANTITY_VOLTAGE] = { "voltage" },
	[QUANTITY_CURRENT] = { "current" },
	[QUANTITY_CONDUCTIVITY] = { "conductivity" },
	[QUANTITY_ACIDITY] = { "ph" },
	[QUANTITY_TIME] = { "duration", "duration" },
};

/* What a unit does not tell, parts of the point's name do. */
static const struct {
	const char *part, *device_class;
	bool is_diagnostic;
} flags[] = {
	{ "leak", "moisture", false },
	{ "smoke", "smoke", false },
	{ "door", "door", false },
	{ "alarm", "problem", true },
	{ "fault", "problem", true },
	{ "error", "problem", true },
	{ "fail", "problem", true },
	{ "trip", "problem", true },
	{ "warning", "problem", true },
	{ "abnormal", "problem", true },
	{ "running", "running", false },
	{ "status", NULL, true },
}, ratios[] = {
	{ "humidity", "humidity", false },
	{ "power_factor", "power_factor", false },
};

const char *homeassistant_unit(const char *word, char *buf, size_t size)
{
	for (size_t i = 0; i < COUNT(spellings); i++)
		if (strcmp(spellings[i].ours, word) == 0)
			return spellings[i].theirs[0] != '\0' ? spellings[i].theirs : NULL;
	if (!unit_is_free(word))
		return word[0] != '\0' ? word : NULL;
	snprintf(buf, size, "%.*s", (int)strlen(word) - 2, word + 1);
	return buf;
}

static struct homeassistant_class flag_class(const char *name)
{
	struct homeassistant_class c = { .platform = "binary_sensor" };
	for (size_t i = 0; i < COUNT(flags) && !c.device_class; i++)
		if (strstr(name, flags[i].part)) {
			c.device_class = flags[i].device_class;
			c.is_diagnostic = flags[i].is_diagnostic;
		}
	return c;
}

static const char *ratio_class(const struct point *p)
{
	for (size_t i = 0; i < COUNT(ratios); i++)
		if (strstr(p->name, ratios[i].part) &&
		    (strcmp(p->unit, "%") == 0 || strcmp(ratios[i].device_class, "power_factor") == 0))
			return ratios[i].device_class;
	return NULL;
}

/* Flags in whole registers, states and codes, of which a mean says nothing. */
static bool is_code(const struct point *p)
{
	return p->unit[0] == '\0' && !p->counter && p->scale == 1 && point_format(p) != POINT_FLOAT;
}

static struct homeassistant_class number_class(const struct point *p)
{
	struct homeassistant_class c = {
		.platform = "sensor", .state_class = "measurement", .unit = p->unit
	};
	c.device_class = p->counter ? quantities[p->quantity].counted : quantities[p->quantity].measured;
	if (p->quantity == QUANTITY_RATIO)
		c.device_class = ratio_class(p);
	if (p->counter)
		c.state_class = "total_increasing";
	else if (quantities[p->quantity].state_class)
		c.state_class = quantities[p->quantity].state_class;
	return c;
}

bool homeassistant_has_words(const struct point *p)
{
	return p->enums.count > 0 && p->scale == 1 && p->offset == 0;
}

struct homeassistant_class homeassistant_point_class(const struct point *p)
{
	struct homeassistant_class c = { .platform = "sensor" };
	enum point_format format = point_format(p);
	if (format != POINT_TEXT && !point_is_number(p))
		c = flag_class(p->name);
	else if (homeassistant_has_words(p))
		c.device_class = "enum";
	else if (format != POINT_TEXT && is_code(p))
		c.is_diagnostic = true;
	else if (format != POINT_TEXT)
		c = number_class(p);
	c.is_diagnostic |= format == POINT_TEXT || p->poll == POINT_ONCE;
	return c;
}

struct homeassistant_class homeassistant_figure_class(const char *unit)
{
	struct homeassistant_class c = { .platform = "sensor", .state_class = "measurement", .unit = unit };
	const struct unit *u = unit_find(unit);
	bool is_difference = strcmp(unit, "K") == 0;
	if (u && !is_difference)
		c.device_class = quantities[u->quantity].measured;
	return c;
}
