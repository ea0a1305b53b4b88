#include "config/sections/records.h"

#include "config/ini/text.h"

#include <string.h>

#define KEEP_MAX_NS (INT64_C(20) * 366 * 86400 * 1000000000)

static bool parse_keep(struct schema_value *v, const char *text)
{
	int64_t ns = 0;
	if (strcmp(text, "0") != 0 && text_duration(text, &ns) < 0)
		return schema_refuse(
		    v, "'%s' is not valid (allowed: 0, or a duration with unit ms, s, m, h or d)", text);
	if (ns > KEEP_MAX_NS)
		return schema_refuse(v, "'%s' is out of range (allowed: up to 7320d)", text);
	*(int64_t *)v->field = ns;
	return true;
}

static const struct schema_key keys[] = {
	{ "keep", SCHEMA_CUSTOM, SCHEMA_FIELD(struct records_config, keep), "400d", .parse = parse_keep,
	    .help =
		"hours of energies, PUE, heat and alarms are kept so long in state_dir, see /v1/records in "
		"coolantd(8); 0 = none are made" },
	{ NULL },
};

const struct config_section records_section = {
	.kind = "records",
	.help = "hourly records on this controller, for reports",
	.keys = keys,
	.size = sizeof(struct records_config),
	.place = offsetof(struct config, records),
};
