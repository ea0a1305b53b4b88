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
	{ "alarms", SCHEMA_BOOL, FIELD(alarms), "yes",
	    .help = "yes: each meter has an alarm NAME-METER-lost" },
	{ NULL },
};

const char *pue_role_word(enum pue_role r)
{
	return keys[r].key; /* the rows begin with the roles, in their order */
}

/* DEVICE.POINT: power or energy by its unit. */
static void resolve_point(const struct config_loading *l, struct pue_meter *m)
{
	const char *key = pue_role_word(m->role);
	struct point_ref r = reference_point(l, key, m->name);
	if (!point_ref_is_set(r))
		return;
	const struct point *p = reference_get(l->config, r);
	if (point_has_quantity(p, QUANTITY_POWER))
		m->power = r;
	else if (point_has_quantity(p, QUANTITY_ENERGY))
		m->energy = r;
	else
		schema_error(l->diag, l->from, key, "'%s' has the unit '%s' (allowed: %s, %s)", m->name,
		    p->unit, unit_words[QUANTITY_POWER].units, unit_words[QUANTITY_ENERGY].units);
}

static struct point_ref point_of(
    const struct config *c, const struct device_config *device, const char *name, enum quantity q)
{
	struct point_ref r = { (size_t)(device - c->devices), device_find_point(device, name) };
	return r.point != SIZE_MAX && point_has_quantity(reference_get(c, r), q) ? r : point_ref_unset;
}

/* DEVICE: its active_power and active_energy_import. */
static void resolve_device(const struct config_loading *l, struct pue_meter *m)
{
	const char *key = pue_role_word(m->role);
	const struct device_config *device = reference_device(l, key, m->name, strlen(m->name));
	if (!device || device->point_count == 0)
		return;
	m->power = point_of(l->config, device, "active_power", QUANTITY_POWER);
	m->energy = point_of(l->config, device, "active_energy_import", QUANTITY_ENERGY);
	if (!point_ref_is_set(m->power) && !point_ref_is_set(m->energy))
		schema_error(l->diag, l->from, key,
		    "device '%s' has neither active_power in %s nor active_energy_import in %s "
		    "(allowed: a meter, or DEVICE.POINT)",
		    m->name, unit_words[QUANTITY_POWER].units, unit_words[QUANTITY_ENERGY].units);
}

static void check_windows(const struct config_loading *l, struct pue_config *p)
{
	size_t n = p->window_names.count;
	if (n < 1 || n > CONFIG_PUE_WINDOWS_MAX) {
		schema_error(
		    l->diag, l->from, "windows", "%zu windows (allowed: 1..%d)", n, CONFIG_PUE_WINDOWS_MAX);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		int64_t ns = 0;
		const char *text = p->window_names.items[i];
		bool good = text_duration(text, &ns) == 0 && ns % (60 * INT64_C(1000000000)) == 0;
		int64_t seconds = ns / INT64_C(1000000000);
		if (!good || seconds < CONFIG_PUE_WINDOW_MIN_S || seconds > CONFIG_PUE_WINDOW_MAX_S)
			schema_error(l->diag, l->from, "windows",
			    "'%s' is not a window (allowed: whole minutes, 1m..365d)", text);
		for (size_t j = 0; j < i; j++)
			if (p->windows[j] == seconds && good)
				schema_error(l->diag, l->from, "windows", "'%s' is listed twice", text);
		p->windows[i] = seconds;
	}
	p->window_count = n;
}

static void resolve_role(const struct config_loading *l, struct pue_config *p, enum pue_role r)
{
	const struct schema_list *names = &p->role_names[r];
	for (size_t i = 0; i < names->count; i++) {
		struct pue_meter *m = &p->meters[p->meter_count++];
		*m = (struct pue_meter){ r, names->items[i], point_ref_unset, point_ref_unset };
		if (strchr(m->name, '.'))
			resolve_point(l, m);
		else
			resolve_device(l, m);
		for (size_t j = 0; j < i; j++)
			if (strcmp(m->name, names->items[j]) == 0)
				schema_error(
				    l->diag, l->from, pue_role_word(r), "'%s' is listed twice", m->name);
	}
}

static void resolve_meters(const struct config_loading *l, struct pue_config *p)
{
	size_t n = 0;
	for (enum pue_role r = 0; r < PUE_ROLE_COUNT; r++)
		n += p->role_names[r].count;
	p->meters = arena_alloc(l->arena, (n + 1) * sizeof(p->meters[0]));
	p->fingerprint = ini_section_fingerprint(l->from);
	for (enum pue_role r = 0; r < PUE_ROLE_COUNT; r++)
		resolve_role(l, p, r);
	for (size_t i = 0; i < n; i++) {
		struct point_ref any = pue_meter_any(&p->meters[i]);
		if (point_ref_is_set(any))
			p->fingerprint = p->fingerprint * 31 + l->config->devices[any.device].fingerprint;
	}
}

static void check(const struct config_loading *l, void *item)
{
	struct pue_config *p = item;
	name_index_add(&l->config->pue_names, l->arena, p->name, p);
	resolve_meters(l, p);
	if (p->role_names[PUE_FACILITY].count == 0 && p->role_names[PUE_COOLING].count == 0)
		schema_error(l->diag, l->from, "facility",
		    "missing, and no cooling either (allowed: facility for a PUE, cooling for a "
		    "partial PUE, or both)");
	if (*p->boundary == '\0')
		p->boundary = p->name;
	check_windows(l, p);
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
