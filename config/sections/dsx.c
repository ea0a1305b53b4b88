#include "config/sections/dsx.h"

#include "config/sections/general.h"
#include "config/sections/mqtt.h"

const struct schema_choice dsx_object_types[] = { { "Rack", DSX_RACK }, { "PowerMeter", DSX_METER },
	{ "CDU", DSX_PLANT }, { "CoolingTower", DSX_PLANT }, { "HX", DSX_PLANT }, { "CRAH", DSX_PLANT },
	{ "CRAC", DSX_PLANT }, { "AHU", DSX_PLANT }, { "Chiller", DSX_PLANT }, { "Tank", DSX_PLANT },
	{ "GenericObject", DSX_PLANT }, { "Sensor", DSX_SENSOR }, { "Valve", DSX_VALVE },
	{ "Pump", DSX_PUMP }, { "Fan", DSX_FAN }, { "Damper", DSX_DAMPER }, { "BESS", DSX_OTHER },
	{ "UPS", DSX_OTHER }, { "ATS", DSX_OTHER }, { "Generator", DSX_OTHER }, { "Shunt", DSX_OTHER },
	{ "Breaker", DSX_OTHER }, { NULL, 0 } };

#define FIELD(f) SCHEMA_FIELD(struct dsx_config, f)
static const struct schema_key keys[] = {
	{ "rack_location_id", SCHEMA_TEXT, FIELD(rack_location_id), .flags = SCHEMA_REQUIRED,
	    .help = "the rack's rackLocationId, as it was agreed with those who run its computers" },
	{ "rack_location_name", SCHEMA_TEXT, FIELD(rack_location_name),
	    .help = "the rack's rackLocationName; default RACK" },
	CONNECTION_KEYS(struct dsx_config, connection, SCHEMA_INHERITED, NULL, NULL, NULL),
	{ NULL },
};

static void check(const struct config_loading *l, void *item)
{
	struct dsx_config *d = item;
	connection_check(l, &d->connection, &l->config->mqtt->connection);
	if (*d->rack_location_name == '\0' && l->config->daemon->rack)
		d->rack_location_name = l->config->daemon->rack;
}

const struct config_section dsx_section = {
	.kind = "dsx",
	.help =
	    "the NVIDIA DSX BMS event bus, on a connection of its own; without this section it gets nothing. "
	    "What a device is there stands in its labels: object_type (CDU, PowerMeter, Rack, Pump, …), "
	    "object_id, object_name, serves (ids with blanks between them), associate_id, rack_location_id, "
	    "rack_location_name, side (technology or facility)",
	.keys = keys,
	.size = sizeof(struct dsx_config),
	.place = offsetof(struct config, dsx),
	.optional = true,
	.inherits = "mqtt",
	.check = check,
};
