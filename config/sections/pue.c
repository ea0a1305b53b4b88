#include "config/sections/pue.h"

#include "config/ini/text.h"

#include <string.h>

#define FIELD(f) SCHEMA_FIELD(struct pue_config, f)
#define ROLE(r) SCHEMA_FIELD(struct pue_config, role_names[r])
static const struct schema_key keys[] = {
	{ "facility", SCHEMA_LIST, ROLE(PUE_FACILITY), "",
	    .help = "meters of all energy that enters the boundary: DEVICE or DEVICE.POINT" },
	{ "it", SCHEMA_LIST, ROLE(PUE_IT), "", .flags = SCHEMA_REQUIRED,
	    .help = "meters of the IT equipment" },
	{ "cooling", SCHEMA_LIST, ROLE(PUE_COOLING), "", .help = "meters of cooling, for a partial PUE" },
	{ "loss", SCHEMA_LIST, ROLE(PUE_LOSS), "",
	    .help = "meters of losses (transformers, UPS, distribution), for a partial PUE and the parts" },
	{ "it_embedded_cooling", SCHEMA_LIST, ROLE(PUE_IT_EMBEDDED_COOLING), "",
	    .help = "counted inside `it` by the meters, but belongs to cooling" },
	{ "export", SCHEMA_LIST, ROLE(PUE_EXPORT), "", .help = "energy that leaves the boundary" },
	{ "reuse_heat", SCHEMA_LIST, ROLE(PUE_REUSE_HEAT), "", .help = "heat put to use elsewhere: ERE" },
	{ "windows", SCHEMA_LIST, FIELD(window_names), "1m, 15m, 1h, 1d",
	    .help = "lengths of the energy windows" },
	{ "boundary", SCHEMA_TEXT, FIELD(boundary), .help = "what the figure covers: rack, row, site" },
	{ NULL },
};

static const char *const role_words[] = {
	[PUE_FACILITY] = "facility",
	[PUE_IT] = "it",
	[PUE_COOLING] = "cooling",
	[PUE_LOSS] = "loss",
	[PUE_IT_EMBEDDED_COOLING] = "it_embedded_cooling",
	[PUE_EXPORT] = "export",
	[PUE_REUSE_HEAT] = "reuse_heat",
};

const char *pue_role_word(enum pue_role r)
{
	return role_words[r];
}

/* DEVICE.POINT: power or energy by its unit. */
static struct meter_ref resolve_point(
    const struct config_loading *l, const struct ini_section *from, const char *key, const char *text)
{
	struct meter_ref m = { point_ref_unset, point_ref_unset };
	struct point_ref r = reference_point(l, from, key, text);
	if (!point_ref_is_set(r))
		return m;
	const struct point *p = reference_get(l->config, r);
	if (point_has_quantity(p, QUANTITY_POWER))
		m.power = r;
	else if (point_has_quantity(p, QUANTITY_ENERGY))
		m.energy = r;
	else
		schema_error(l->diag, from, key, "'%s' has the unit '%s' (allowed: %s, %s)", text, p->unit,
		    unit_of_quantity(QUANTITY_POWER), unit_of_quantity(QUANTITY_ENERGY));
	return m;
}

static struct point_ref point_of(
    const struct config *c, const struct device_config *device, const char *name, enum quantity q)
{
	struct point_ref r = { (size_t)(device - c->devices), device_find_point(device, name) };
	return r.point != SIZE_MAX && point_has_quantity(reference_get(c, r), q) ? r : point_ref_unset;
}

/* DEVICE: its active_power and active_energy_import. */
static struct meter_ref resolve_meter(
    const struct config_loading *l, const struct ini_section *from, const char *key, const char *text)
{
	if (strchr(text, '.'))
		return resolve_point(l, from, key, text);
	struct meter_ref m = { point_ref_unset, point_ref_unset };
	const struct device_config *device = reference_device(l, from, key, text, strlen(text));
	if (!device || device->point_count == 0)
		return m;
	m.power = point_of(l->config, device, "active_power", QUANTITY_POWER);
	m.energy = point_of(l->config, device, "active_energy_import", QUANTITY_ENERGY);
	if (!point_ref_is_set(m.power) && !point_ref_is_set(m.energy))
		schema_error(l->diag, from, key,
		    "device '%s' has neither active_power in %s nor active_energy_import in %s "
		    "(allowed: a meter, or DEVICE.POINT)",
		    text, unit_of_quantity(QUANTITY_POWER), unit_of_quantity(QUANTITY_ENERGY));
	return m;
}

static void check_windows(struct pue_config *p, const struct ini_section *from, struct diag *d)
{
	size_t n = p->window_names.count;
	if (n < 1 || n > CONFIG_PUE_WINDOWS_MAX) {
		schema_error(d, from, "windows", "%zu windows (allowed: 1..%d)", n, CONFIG_PUE_WINDOWS_MAX);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		int64_t ns = 0;
		const char *text = p->window_names.items[i];
		bool good = text_duration(text, &ns) == 0 && ns % (60 * INT64_C(1000000000)) == 0;
		int64_t seconds = ns / INT64_C(1000000000);
		if (!good || seconds < CONFIG_PUE_WINDOW_MIN_S || seconds > CONFIG_PUE_WINDOW_MAX_S)
			schema_error(d, from, "windows",
			    "'%s' is not a window (allowed: whole minutes, 1m..365d)", text);
		for (size_t j = 0; j < i; j++)
			if (p->windows[j] == seconds && good)
				schema_error(d, from, "windows", "'%s' is listed twice", text);
		p->windows[i] = seconds;
	}
	p->window_count = n;
}

static void resolve_role(
    const struct config_loading *l, struct pue_config *p, enum pue_role r, const struct ini_section *from)
{
	const struct schema_list *names = &p->role_names[r];
	p->meters[r] = arena_alloc(l->arena, (names->count + 1) * sizeof(p->meters[r][0]));
	for (size_t i = 0; i < names->count; i++) {
		p->meters[r][i] = resolve_meter(l, from, role_words[r], names->items[i]);
		for (size_t j = 0; j < i; j++)
			if (strcmp(names->items[i], names->items[j]) == 0)
				schema_error(
				    l->diag, from, role_words[r], "'%s' is listed twice", names->items[i]);
	}
}

static uint64_t fingerprint(
    const struct config *c, const struct pue_config *p, const struct ini_section *from)
{
	uint64_t sum = ini_section_fingerprint(from);
	for (enum pue_role r = 0; r < PUE_ROLE_COUNT; r++)
		for (size_t i = 0; i < p->role_names[r].count; i++) {
			struct meter_ref m = p->meters[r][i];
			struct point_ref any = point_ref_is_set(m.power) ? m.power : m.energy;
			if (point_ref_is_set(any))
				sum = sum * 31 + c->devices[any.device].fingerprint;
		}
	return sum;
}

static void check(const struct config_loading *l, const struct ini_section *const *from, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct pue_config *p = &l->config->pues[i];
		name_index_add(&l->config->pue_names, l->arena, p->name, p);
		for (enum pue_role r = 0; r < PUE_ROLE_COUNT; r++)
			resolve_role(l, p, r, from[i]);
		if (p->role_names[PUE_FACILITY].count == 0 && p->role_names[PUE_COOLING].count == 0)
			schema_error(l->diag, from[i], "facility",
			    "missing, and no cooling either (allowed: facility for a PUE, cooling for a "
			    "partial PUE, or both)");
		if (*p->boundary == '\0')
			p->boundary = p->name;
		p->fingerprint = fingerprint(l->config, p, from[i]);
		check_windows(p, from[i], l->diag);
	}
}

const struct config_section pue_section = {
	.kind = "pue",
	.name = "NAME",
	.help = "a power usage effectiveness",
	.keys = keys,
	.size = sizeof(struct pue_config),
	.place = offsetof(struct config, pues),
	.count = offsetof(struct config, pue_count),
	.max = CONFIG_PUES_MAX,
	.check = check,
};
