#include "config/sections/pue.h"

#include "config/ini/text.h"
#include "config/sections/loop.h"

#include <string.h>

#define FIELD(f) SCHEMA_FIELD(struct pue_config, f)
#define ROLE(r) SCHEMA_FIELD(struct pue_config, role_names[r])
static const struct schema_choice categories[] = {
	{ "none", 0 },
	{ "1", 1 },
	{ "2", 2 },
	{ "3", 3 },
	{ NULL, 0 },
};

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
	{ "export", SCHEMA_LIST, ROLE(PUE_EXPORT), "",
	    .help = "energy that leaves the boundary; a DEVICE here is its active_energy_export" },
	{ "reuse_heat", SCHEMA_LIST, ROLE(PUE_REUSE_HEAT), "",
	    .help = "heat put to use elsewhere, for the ERE: meters, or loop.NAME.heat" },
	{ "water", SCHEMA_LIST, ROLE(PUE_WATER), "",
	    .help = "meters of the water that is used, for the WUE: points in m3, L or of a flow; of a "
		    "DEVICE its "
		    "volume and flow_rate" },
	{ "windows", SCHEMA_LIST, FIELD(window_names), "1m, 15m, 1h, 1d",
	    .help = "lengths of the energy windows" },
	{ "boundary", SCHEMA_TEXT, FIELD(boundary), .help = "what the figure covers: rack, row, site" },
	{ "category", SCHEMA_CHOICE, FIELD(category), "none", .choices = categories,
	    .help =
		"of ISO/IEC 30134-2, by where IT is metered: 1 at the output of the UPS, 2 of the PDU, 3 at "
		"the input of the equipment" },
	{ "carbon_factor", SCHEMA_DOUBLE, FIELD(carbon_factor), NULL, .min = 0, .max = 3,
	    .help = "kg of CO2 in each kWh that enters, for the CUE" },
	{ "alarms", SCHEMA_BOOL, FIELD(alarms), "yes",
	    .help = "yes: each meter has an alarm NAME-METER-lost" },
	{ NULL },
};

const char *pue_role_word(enum pue_role r)
{
	return keys[r].key; /* the rows begin with the roles, in their order */
}

const struct pue_role_unit *pue_role_unit(enum pue_role r)
{
	static const struct pue_role_unit energy = { "kwh", "kw", "kWh", 1, 1, 1, "kW" },
					  water = { "m3", "l_min", "m3", 3.6, 60, PUE_WATER_JOULES, "L/min" };
	return r == PUE_WATER ? &water : &energy;
}

/* What a meter of a role is called on a device, and what it measures. */
struct role_points {
	const char *energy, *power;
	enum quantity energy_of, power_of;
};

static const struct role_points *points_of(enum pue_role r)
{
	static const struct role_points in = { "active_energy_import", "active_power", QUANTITY_ENERGY,
		QUANTITY_POWER },
					out = { "active_energy_export", "active_power_export",
						QUANTITY_ENERGY, QUANTITY_POWER },
					water = { "volume", "flow_rate", QUANTITY_VOLUME, QUANTITY_FLOW };
	return r == PUE_EXPORT ? &out : r == PUE_WATER ? &water : &in;
}

/* A point of that name; one of another quantity is an error. */
static struct point_ref point_of(const struct config_loading *l, const struct pue_meter *m,
    const struct device_config *device, const char *name, enum quantity q)
{
	struct point_ref r = { (size_t)(device - l->config->devices), device_find_point(device, name) };
	if (r.point == SIZE_MAX)
		return point_ref_unset;
	const struct point *p = reference_get(l->config, r);
	if (point_has_quantity(p, q))
		return r;
	schema_error(l->diag, l->from, pue_role_word(m->role), "'%s.%s' has the unit '%s' (allowed: %s)",
	    device->name, name, p->unit, unit_words[q].units);
	return point_ref_unset;
}

/* The power of what an export's counter counts: its own, else the way out of the meter's. */
static void find_export_power(
    const struct config_loading *l, struct pue_meter *m, const struct device_config *device)
{
	m->power = point_of(l, m, device, "active_power_export", QUANTITY_POWER);
	if (point_ref_is_set(m->power))
		return;
	m->power = point_of(l, m, device, "active_power", QUANTITY_POWER);
	m->part = PUE_POWER_OUT;
}

/* DEVICE.POINT: power or energy by its unit. */
static void resolve_point(const struct config_loading *l, struct pue_meter *m)
{
	const char *key = pue_role_word(m->role);
	struct point_ref r = reference_point(l, key, m->name);
	if (!point_ref_is_set(r))
		return;
	const struct point *p = reference_get(l->config, r);
	const struct role_points *names = points_of(m->role);
	if (point_has_quantity(p, names->power_of))
		m->power = r;
	else if (point_has_quantity(p, names->energy_of))
		m->energy = r;
	else
		schema_error(l->diag, l->from, key, "'%s' has the unit '%s' (allowed: %s, %s)", m->name,
		    p->unit, unit_words[names->power_of].units, unit_words[names->energy_of].units);
	if (point_ref_is_set(m->energy) && m->role == PUE_EXPORT && strcmp(p->name, names->energy) == 0)
		find_export_power(l, m, &l->config->devices[r.device]);
}

/* DEVICE: its active_power and active_energy_import, or for an export what it counts the other way. */
static void resolve_device(const struct config_loading *l, struct pue_meter *m)
{
	const char *key = pue_role_word(m->role);
	const struct role_points *names = points_of(m->role);
	const size_t before = diag_errors(l->diag);
	const struct device_config *device = reference_device(l, key, m->name, strlen(m->name));
	if (!device || device->point_count == 0)
		return;
	m->energy = point_of(l, m, device, names->energy, names->energy_of);
	if (m->role == PUE_EXPORT)
		find_export_power(l, m, device);
	else
		m->power = point_of(l, m, device, names->power, names->power_of);
	bool is_meter = point_ref_is_set(m->energy) || (m->role != PUE_EXPORT && point_ref_is_set(m->power));
	if (!is_meter && diag_errors(l->diag) == before)
		schema_error(l->diag, l->from, key,
		    "device '%s' has %s%s%s%s in %s (allowed: a meter, or DEVICE.POINT)", m->name,
		    m->role == PUE_EXPORT ? "no " : "neither ", m->role == PUE_EXPORT ? "" : names->power,
		    m->role == PUE_EXPORT ? "" : " nor ", names->energy, unit_words[names->energy_of].units);
}

/* loop.NAME.heat */
static void resolve_loop(const struct config_loading *l, struct pue_meter *m)
{
	const char *name = m->name + strlen("loop."), *dot = strrchr(name, '.');
	const struct loop_config *loop =
	    dot ? name_index_find(&l->config->loop_names, name, (size_t)(dot - name)) : NULL;
	if (m->role != PUE_REUSE_HEAT || !dot || strcmp(dot + 1, loop_value_word(LOOP_HEAT)) != 0)
		schema_error(l->diag, l->from, pue_role_word(m->role),
		    "'%s' is not a meter (allowed: DEVICE, DEVICE.POINT, for reuse_heat also loop.NAME.heat)",
		    m->name);
	else if (!loop)
		schema_error(l->diag, l->from, pue_role_word(m->role),
		    "no [loop:%.*s] (allowed: a loop of this configuration)", (int)(dot - name), name);
	else
		m->loop = (size_t)(loop - l->config->loops);
}

/* The longest first: a window has at least 48 of them. */
static const int64_t bucket_sizes[] = { 86400, 43200, 21600, 7200, 3600, 1800, 900, 300, 60, 30, 15, 5 };

int64_t pue_window_bucket(int64_t window_s)
{
	for (size_t i = 0; i < sizeof(bucket_sizes) / sizeof(bucket_sizes[0]); i++)
		if (window_s % bucket_sizes[i] == 0 && window_s / bucket_sizes[i] >= 48)
			return bucket_sizes[i];
	return 1;
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
		else if (seconds / pue_window_bucket(seconds) > CONFIG_PUE_BUCKETS_MAX)
			schema_error(l->diag, l->from, "windows",
			    "'%s' cannot be divided in at most %d parts of a round length (allowed: a "
			    "rounder "
			    "length, as whole hours or days)",
			    text, CONFIG_PUE_BUCKETS_MAX);
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
		*m = (struct pue_meter){ .role = r,
			.name = names->items[i],
			.power = point_ref_unset,
			.energy = point_ref_unset,
			.loop = SIZE_MAX };
		if (strncmp(m->name, "loop.", strlen("loop.")) == 0)
			resolve_loop(l, m);
		else if (strchr(m->name, '.'))
			resolve_point(l, m);
		else
			resolve_device(l, m);
	}
}

/* Whether it reads what the point of that name of its device does. */
static bool is_called(const struct config *c, struct point_ref r, const char *name)
{
	if (!point_ref_is_set(r))
		return false;
	struct point_ref called = { r.device, device_find_point(&c->devices[r.device], name) };
	return called.point != SIZE_MAX && reference_is_same(c, r, called);
}

/* Whether one of the two is the power and the other the energy of the same meter. */
static bool are_halves(const struct config *c, const struct pue_meter *a, const struct pue_meter *b)
{
	const struct role_points *names = points_of(a->role == b->role ? a->role : PUE_IT);
	return !point_ref_is_set(a->energy) && !point_ref_is_set(b->power) &&
	       a->power.device == b->energy.device && is_called(c, a->power, names->power) &&
	       is_called(c, b->energy, names->energy);
}

static bool is_same_meter(const struct config *c, const struct pue_meter *a, const struct pue_meter *b)
{
	bool both_count = point_ref_is_set(a->energy) && point_ref_is_set(b->energy);
	bool two_ways = a->role != b->role && (a->part == PUE_POWER_OUT) != (b->part == PUE_POWER_OUT);
	if (a->loop != SIZE_MAX && a->loop == b->loop)
		return true;
	if (both_count || two_ways)
		return reference_is_same(c, a->energy, b->energy);
	return reference_is_same(c, a->power, b->power) || are_halves(c, a, b) || are_halves(c, b, a);
}

/* Roles whose energies are added up, or taken from each other. */
static bool is_one_sum(enum pue_role a, enum pue_role b)
{
	static const unsigned char sums[PUE_ROLE_COUNT] = { [PUE_FACILITY] = 1,
		[PUE_EXPORT] = 1,
		[PUE_IT] = 2,
		[PUE_COOLING] = 2,
		[PUE_LOSS] = 2,
		[PUE_IT_EMBEDDED_COOLING] = 2,
		[PUE_REUSE_HEAT] = 3,
		[PUE_WATER] = 4 };
	return sums[a] == sums[b];
}

/* Roles of which one is a part of the other: one meter in both is hardly meant, water aside, which is no
 * energy. Heat that is put to use may be told by the meter of what became it. */
static bool is_part(enum pue_role a, enum pue_role b)
{
	const bool entering = a == PUE_FACILITY || a == PUE_EXPORT;
	return entering && b != PUE_WATER;
}

/* A meter counts once; and the power of one that counts both ways is told apart. */
static void compare_meters(const struct config_loading *l, struct pue_config *p)
{
	for (size_t i = 0; i < p->meter_count; i++)
		for (size_t k = 0; k < i; k++) {
			struct pue_meter *a = &p->meters[k], *b = &p->meters[i];
			if (is_part(a->role, b->role) && !is_one_sum(a->role, b->role) &&
			    is_same_meter(l->config, a, b))
				diag_note(l->diag, schema_place(l->from, pue_role_word(b->role)),
				    "'%s' is '%s' of %s too: it takes or divides itself", b->name, a->name,
				    pue_role_word(a->role));
			if (!is_one_sum(a->role, b->role))
				continue;
			if (is_same_meter(l->config, a, b))
				schema_error(l->diag, l->from, pue_role_word(b->role),
				    "'%s' is '%s' of %s once more (allowed: each meter once)", b->name,
				    a->name, pue_role_word(a->role));
			if (b->part == PUE_POWER_OUT && a->role == PUE_FACILITY &&
			    reference_is_same(l->config, a->power, b->power))
				a->part = PUE_POWER_IN;
		}
}

/* What a register means; how often it is read, in which band and called what is no part of that. */
static const char *meaning_of(const struct config_loading *l, struct point_ref r)
{
	if (!point_ref_is_set(r))
		return "";
	const struct point *p = reference_get(l->config, r);
	const struct device_config *device = &l->config->devices[r.device];
	return arena_printf(l->arena, "%s %lld %s %d:%d-%d %s %lld %d..%d %d %d %.17g %.17g %s %s",
	    device->name, (long long)device->unit, p->name, (int)p->reg.table, p->reg.address,
	    p->has_minus ? p->minus.address : -1, point_type_word(p->type), (long long)p->length, p->bits.low,
	    p->bits.high, (int)p->word_order, (int)p->byte_order, p->scale, p->offset, p->unit,
	    p->scale_from);
}

static uint64_t meaning_of_meters(const struct config_loading *l, const struct pue_config *p)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < p->meter_count; i++) {
		const struct pue_meter *m = &p->meters[i];
		const char *heat = m->loop == SIZE_MAX ? "" : l->config->loops[m->loop].name;
		sum = sum * 31 +
		      ini_text_fingerprint(arena_printf(l->arena, "%s %d %s/%s/%s", pue_role_word(m->role),
			  (int)m->part, meaning_of(l, m->power), meaning_of(l, m->energy), heat));
	}
	return sum;
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
	compare_meters(l, p);
	p->meaning = meaning_of_meters(l, p);
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
