/* What one section alone cannot tell: buses, devices and the points that a configuration changes. */
#include "config/config_private.h"

#include "config/ini/suggest.h"
#include "config/ini/text.h"

#include <limits.h>
#include <math.h>
#include <string.h>

static const struct ini_section *section_of(const struct config *c, const char *kind, const char *name)
{
	return ini_tree_find(&c->tree, kind, name);
}

static bool is_given(const struct ini_section *s, const char *key)
{
	const struct ini_entry *e = ini_section_entry(s, key);
	return e && *e->value != '\0';
}

/* Keys that only make sense for some types of bus. */
#define ONLY(type) (1u << (type))
#define NETWORK (ONLY(BUS_TCP) | ONLY(BUS_RTUTCP))
#define SERIAL (ONLY(BUS_RTU) | ONLY(BUS_RTUTCP))

static const struct {
	const char *key;
	unsigned types; /* ONLY() of each */
	bool required;
	const char *words;
} bus_type_keys[] = {
	{ "port", ONLY(BUS_RTU), true, "rtu" },
	{ "rs485", ONLY(BUS_RTU), false, "rtu" },
	{ "baud", SERIAL, false, "rtu, rtutcp" },
	{ "parity", SERIAL, false, "rtu, rtutcp" },
	{ "stop_bits", SERIAL, false, "rtu, rtutcp" },
	{ "host", NETWORK, true, "tcp, rtutcp" },
	{ "tcp_port", NETWORK, false, "tcp, rtutcp" },
	{ "connect_timeout", NETWORK, false, "tcp, rtutcp" },
};

static const char *const bus_type_words[] = { [BUS_RTU] = "rtu", [BUS_TCP] = "tcp", [BUS_RTUTCP] = "rtutcp" };

static bool same_endpoint(const struct bus_config *a, const struct bus_config *b)
{
	if ((a->type == BUS_RTU) != (b->type == BUS_RTU))
		return false;
	if (a->type == BUS_RTU)
		return strcmp(a->port, b->port) == 0;
	return strcmp(a->host, b->host) == 0 && a->tcp_port == b->tcp_port;
}

void config_check_buses(struct config *c, struct diag *d)
{
	for (size_t i = 0; i < c->bus_count; i++) {
		struct bus_config *bus = &c->buses[i];
		const struct ini_section *s = section_of(c, "bus", bus->name);
		bus->fingerprint = ini_section_fingerprint(s);
		if (!is_given(s, "type"))
			continue; /* said already */
		for (size_t k = 0; k < sizeof(bus_type_keys) / sizeof(bus_type_keys[0]); k++) {
			bool mine = bus_type_keys[k].types & ONLY(bus->type),
			     given = is_given(s, bus_type_keys[k].key);
			if (mine && bus_type_keys[k].required && !given)
				diag_add(d, DIAG_ERROR, schema_place(s, bus_type_keys[k].key),
				    "missing, but required for type = %s", bus_type_words[bus->type]);
			if (!mine && given)
				diag_add(d, DIAG_ERROR, schema_place(s, bus_type_keys[k].key),
				    "has no meaning for type = %s (allowed for %s)",
				    bus_type_words[bus->type], bus_type_keys[k].words);
		}
		for (size_t j = 0; j < i; j++)
			if (same_endpoint(bus, &c->buses[j]))
				diag_add(d, DIAG_ERROR,
				    schema_place(s, bus->type == BUS_RTU ? "port" : "host"),
				    "the same %s as [bus:%s] (allowed: one bus for each)",
				    bus->type == BUS_RTU ? "port" : "host and tcp_port", c->buses[j].name);
	}
}

static void resolve_bus(
    struct config *c, struct device_config *device, const struct ini_section *s, struct diag *d)
{
	device->bus = SIZE_MAX;
	for (size_t b = 0; b < c->bus_count; b++)
		if (strcmp(c->buses[b].name, device->bus_name) == 0)
			device->bus = b;
	if (device->bus != SIZE_MAX || *device->bus_name == '\0')
		return;
	diag_add(d, DIAG_ERROR, schema_place(s, "bus"),
	    "no [bus:%s]%s (allowed: a bus of this configuration)", device->bus_name,
	    suggest_word(c->tree.arena, device->bus_name, c->buses, c->bus_count, sizeof(c->buses[0])));
}

static void resolve_unit(
    struct config *c, struct device_config *device, const struct ini_section *s, struct diag *d)
{
	if (!ini_section_entry(s, "unit")) {
		device->unit = device->profile ? device->profile->default_unit : -1;
		if (device->unit < 0)
			diag_add(d, DIAG_ERROR, schema_place(s, "unit"),
			    "missing, but required (the profile has no default_unit)");
	}
	if (isnan(device->accuracy_class) && device->profile)
		device->accuracy_class = device->profile->accuracy_class;
	if (device->bus == SIZE_MAX)
		return;
	if (device->unit > 247 && (device->unit != 255 || c->buses[device->bus].type != BUS_TCP))
		diag_add(d, DIAG_ERROR, schema_place(s, "unit"),
		    "'%lld' is out of range (allowed: 0..247, on tcp also 255)", (long long)device->unit);
	if (device->unit == 0 && c->buses[device->bus].type != BUS_TCP)
		diag_add(d, DIAG_ERROR, schema_place(s, "unit"),
		    "0 is the broadcast address of a serial line and gets no reply (allowed: 1..247)");
	for (const struct device_config *other = c->devices; other < device; other++)
		if (other->bus == device->bus && other->unit == device->unit && device->unit >= 0)
			diag_add(d, DIAG_ERROR, schema_place(s, "unit"),
			    "unit %lld of bus '%s' is [device:%s] already", (long long)device->unit,
			    device->bus_name, other->name);
}

static const struct profile *find_profile(
    struct config *c, const struct device_config *device, const struct ini_section *s, struct diag *d)
{
	for (const struct device_config *other = c->devices; other < device; other++)
		if (strcmp(other->profile_name, device->profile_name) == 0)
			return other->profile; /* NULL when it was bad: said once */
	return profile_load(device->profile_name, c->tree.arena, d, schema_place(s, "profile"));
}

static bool is_override_of(const struct ini_section *s, const char *device)
{
	size_t n = strlen(device);
	return s->name && strcmp(s->kind, "point") == 0 && strncmp(s->name, device, n) == 0 &&
	       s->name[n] == '.';
}

/* The device's own points: the profile's, changed and added to by the configuration. */
static void read_overrides(struct config *c, struct device_config *device, struct diag *d)
{
	size_t base = device->profile ? device->profile->point_count : 0, extra = 0;
	for (const struct ini_section *s = c->tree.sections; s; s = s->next)
		extra += is_override_of(s, device->name);
	device->points = device->profile ? device->profile->points : NULL;
	device->point_count = base;
	if (extra == 0)
		return;

	struct point *points = arena_alloc(c->tree.arena, (base + extra) * sizeof(*points));
	size_t count = base;
	if (base > 0)
		memcpy(points, device->profile->points, base * sizeof(*points));
	for (const struct ini_section *s = c->tree.sections; s; s = s->next) {
		if (!is_override_of(s, device->name))
			continue;
		const char *name = s->name + strlen(device->name) + 1;
		size_t i = 0;
		while (i < count && strcmp(points[i].name, name) != 0)
			i++;
		points[i].name = name;
		point_read(&points[i], s, i == count, device->profile, c->tree.arena, d);
		device->fingerprint += ini_section_fingerprint(s);
		count += i == count;
	}
	device->points = points;
	device->point_count = count;
}

static void check_orphan_points(const struct config *c, struct diag *d)
{
	for (const struct ini_section *s = c->tree.sections; s; s = s->next) {
		if (!s->name || strcmp(s->kind, "point") != 0 || !strchr(s->name, '.'))
			continue;
		bool found = false;
		for (size_t i = 0; i < c->device_count && !found; i++)
			found = is_override_of(s, c->devices[i].name);
		if (!found)
			diag_add(d, DIAG_ERROR, schema_place(s, NULL),
			    "no such device (allowed: [point:DEVICE.NAME] of a device "
			    "of this configuration)");
	}
}

void config_check_devices(struct config *c, struct diag *d)
{
	for (size_t i = 0; i < c->device_count; i++) {
		struct device_config *device = &c->devices[i];
		const struct ini_section *s = section_of(c, "device", device->name);
		if (*device->profile_name != '\0')
			device->profile = find_profile(c, device, s, d);
		device->fingerprint =
		    ini_section_fingerprint(s) + (device->profile ? device->profile->fingerprint : 0);
		c->fingerprint += device->profile ? device->profile->fingerprint : 0;
		resolve_bus(c, device, s, d);
		resolve_unit(c, device, s, d);
		read_overrides(c, device, d);
		if (device->point_count == 0 && *device->profile_name == '\0')
			diag_add(d, DIAG_ERROR, schema_place(s, "profile"),
			    "missing, and no [point:%s.NAME] either (allowed: a profile, own points, or "
			    "both)",
			    device->name);
	}
	check_orphan_points(c, d);
}
