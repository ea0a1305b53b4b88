/* PUE figures: their meters and windows. */
#include "config/config_private.h"

#include "config/ini/text.h"

#include <string.h>

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

/* DEVICE: its active_power and active_energy_import; DEVICE.POINT: that one, power or energy by its unit. */
static struct meter_ref resolve_meter(
    struct config *c, const char *text, struct diag_place place, struct diag *d)
{
	struct meter_ref m = { point_ref_unset, point_ref_unset };
	if (strchr(text, '.')) {
		struct point_ref r = config_resolve(c, text, place, d);
		if (!point_ref_is_set(r))
			return m;
		if (point_has_quantity(config_point(c, r), QUANTITY_POWER))
			m.power = r;
		else if (point_has_quantity(config_point(c, r), QUANTITY_ENERGY))
			m.energy = r;
		else
			diag_add(d, DIAG_ERROR, place, "'%s' has the unit '%s' (allowed: %s, %s)", text,
			    config_point(c, r)->unit, unit_of_quantity(QUANTITY_POWER),
			    unit_of_quantity(QUANTITY_ENERGY));
		return m;
	}
	const struct device_config *device = config_find_device(c, text, strlen(text), place, d);
	if (!device || device->point_count == 0)
		return m;
	size_t index = (size_t)(device - c->devices);
	struct point_ref power = { index, config_find_point(device, "active_power") };
	struct point_ref energy = { index, config_find_point(device, "active_energy_import") };
	if (power.point != SIZE_MAX && point_has_quantity(config_point(c, power), QUANTITY_POWER))
		m.power = power;
	if (energy.point != SIZE_MAX && point_has_quantity(config_point(c, energy), QUANTITY_ENERGY))
		m.energy = energy;
	if (!point_ref_is_set(m.power) && !point_ref_is_set(m.energy))
		diag_add(d, DIAG_ERROR, place,
		    "device '%s' has neither active_power in %s nor active_energy_import in %s "
		    "(allowed: a meter, or DEVICE.POINT)",
		    text, unit_of_quantity(QUANTITY_POWER), unit_of_quantity(QUANTITY_ENERGY));
	return m;
}

static void check_windows(struct pue_config *p, const struct ini_section *s, struct diag *d)
{
	struct diag_place place = schema_place(s, "windows");
	if (p->window_names.count < 1 || p->window_names.count > CONFIG_PUE_WINDOWS_MAX) {
		diag_add(d, DIAG_ERROR, place, "%zu windows (allowed: 1..%d)", p->window_names.count,
		    CONFIG_PUE_WINDOWS_MAX);
		return;
	}
	for (size_t i = 0; i < p->window_names.count; i++) {
		int64_t ns = 0;
		const char *text = p->window_names.items[i];
		bool good = text_duration(text, &ns) == 0 && ns % (60 * INT64_C(1000000000)) == 0;
		int64_t seconds = ns / INT64_C(1000000000);
		if (!good || seconds < CONFIG_PUE_WINDOW_MIN_S || seconds > CONFIG_PUE_WINDOW_MAX_S)
			diag_add(d, DIAG_ERROR, place,
			    "'%s' is not a window (allowed: whole minutes, 1m..365d)", text);
		for (size_t j = 0; j < i; j++)
			if (p->windows[j] == seconds && good)
				diag_add(d, DIAG_ERROR, place, "'%s' is listed twice", text);
		p->windows[i] = seconds;
	}
	p->window_count = p->window_names.count;
}

static uint64_t fingerprint(
    const struct config *c, const struct pue_config *p, const struct ini_section *from)
{
	uint64_t sum = ini_section_fingerprint(from);
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++)
		for (size_t i = 0; i < p->role_names[r].count; i++) {
			struct meter_ref m = p->meters[r][i];
			struct point_ref any = point_ref_is_set(m.power) ? m.power : m.energy;
			if (point_ref_is_set(any))
				sum = sum * 31 + c->devices[any.device].fingerprint;
		}
	return sum;
}

static void check_pue(struct config *c, struct pue_config *p, struct diag *d)
{
	const struct ini_section *s = ini_tree_find(&c->tree, "pue", p->name);
	for (unsigned r = 0; r < PUE_ROLE_COUNT; r++) {
		struct diag_place place = schema_place(s, role_words[r]);
		p->meters[r] =
		    arena_alloc(c->tree.arena, (p->role_names[r].count + 1) * sizeof(struct meter_ref));
		for (size_t i = 0; i < p->role_names[r].count; i++) {
			p->meters[r][i] = resolve_meter(c, p->role_names[r].items[i], place, d);
			for (size_t j = 0; j < i; j++)
				if (strcmp(p->role_names[r].items[i], p->role_names[r].items[j]) == 0)
					diag_add(d, DIAG_ERROR, place, "'%s' is listed twice",
					    p->role_names[r].items[i]);
		}
	}
	if (p->role_names[PUE_FACILITY].count == 0 && p->role_names[PUE_COOLING].count == 0)
		diag_add(d, DIAG_ERROR, schema_place(s, "facility"),
		    "missing, and no cooling either (allowed: facility for a PUE, cooling for a partial PUE, "
		    "or both)");
	if (*p->boundary == '\0')
		p->boundary = p->name;
	p->fingerprint = fingerprint(c, p, s);
	check_windows(p, s, d);
}

void config_check_pues(struct config *c, struct diag *d)
{
	for (size_t i = 0; i < c->pue_count; i++)
		check_pue(c, &c->pues[i], d);
}
