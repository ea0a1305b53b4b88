#include "config/sections/device.h"

#include "config/ini/suggest.h"
#include "config/ini/text.h"
#include "config/sections/bus.h"
#include "config/sections/dsx.h"

#include <math.h>
#include <string.h>

#define LABELS_MAX 32
#define LABEL_VALUE_MAX 200

#define FIELD(f) SCHEMA_FIELD(struct device_config, f)
static const struct schema_key keys[] = {
	{ "bus", SCHEMA_NAME, FIELD(bus_name), .flags = SCHEMA_REQUIRED, .help = "the bus that it is on" },
	{ "unit", SCHEMA_INT, FIELD(unit), "-1", .min = 0, .max = 255,
	    .help = "unit id; default the profile's" },
	{ "profile", SCHEMA_TEXT, FIELD(profile_name), .help = "device model, from profiles/NAME.ini" },
	{ "poll_interval", SCHEMA_DURATION, FIELD(poll_interval), "1s", .min = 0.01, .max = 86400,
	    .help = "time between two polls" },
	{ "enabled", SCHEMA_BOOL, FIELD(enabled), "yes",
	    .help = "no: not polled, its values are out_of_service" },
	{ "labels", SCHEMA_LIST, FIELD(labels),
	    .help = "what else is known of it, shown in its info: KEY:VALUE with commas between them, as "
		    "serial:4711, side:technology" },
	{ "alarms", SCHEMA_BOOL, FIELD(alarms), "yes",
	    .help = "yes: its leak points (bools named leak, leak_NAME or NAME_leak) each get an alarm "
		    "DEVICE-POINT, and one DEVICE-POINT-lost" },
	{ "accuracy_class", SCHEMA_DOUBLE, FIELD(accuracy_class), .min = 0.001, .max = 20,
	    .help = "of a meter, in percent: for the uncertainty of a PUE; default the profile's" },
	{ NULL },
};

#define SLOW_FACTOR 10

int64_t device_point_interval(const struct device_config *device, const struct point *p)
{
	return p->poll == POINT_SLOW ? device->poll_interval * SLOW_FACTOR : device->poll_interval;
}

size_t device_find_point(const struct device_config *device, const char *name)
{
	const struct point *p = name_index_find(&device->point_names, name, strlen(name));
	return p ? (size_t)(p - device->points) : SIZE_MAX;
}

/* A key is a name, so that it can be one elsewhere too. */
static bool is_label(const char *label)
{
	char key[NAME_LENGTH_MAX + 1];
	size_t n = strcspn(label, ":");
	if (n >= sizeof(key) || label[n] == '\0')
		return false;
	memcpy(key, label, n);
	key[n] = '\0';
	size_t value = strlen(label + n + 1);
	return text_is_name(key) && value > 0 && value <= LABEL_VALUE_MAX;
}

static void check_labels(const struct config_loading *l, const struct device_config *device)
{
	const struct schema_list *labels = &device->labels;
	if (labels->count > LABELS_MAX)
		schema_error(
		    l->diag, l->from, "labels", "%zu are too many (allowed: %d)", labels->count, LABELS_MAX);
	for (size_t i = 0; i < labels->count; i++) {
		const char *label = labels->items[i];
		if (!is_label(label))
			schema_error(l->diag, l->from, "labels",
			    "'%s' is no label (allowed: KEY:VALUE, the key " TEXT_NAME_FORM
			    ", the value 1 to %d bytes)",
			    label, LABEL_VALUE_MAX);
		for (size_t k = 0; k < i; k++)
			if (strncmp(label, labels->items[k], strcspn(label, ":") + 1) == 0)
				schema_error(l->diag, l->from, "labels",
				    "'%s' tells that key once more (allowed: once)", label);
	}
}

/* On the DSX bus a device is of a type that there is. */
static void check_object_type(const struct config_loading *l, const struct device_config *device)
{
	const char *type = l->config->dsx ? device_label(device, "object_type") : NULL;
	const char *allowed = dsx_object_types[0].word;
	size_t n = 0;
	for (; type && dsx_object_types[n].word; n++)
		if (strcmp(dsx_object_types[n].word, type) == 0)
			return;
	if (!type)
		return;
	for (size_t i = 1; i < n; i++)
		allowed = arena_printf(l->arena, "%s, %s", allowed, dsx_object_types[i].word);
	schema_error(l->diag, l->from, "labels", "'%s' is no object_type of the DSX bus%s (allowed: %s)",
	    type, suggest_word(l->arena, type, dsx_object_types, n, sizeof(dsx_object_types[0])), allowed);
}

static void resolve_bus(const struct config_loading *l, struct device_config *device)
{
	const struct config *c = l->config;
	const struct bus_config *bus =
	    name_index_find(&c->bus_names, device->bus_name, strlen(device->bus_name));
	device->bus = bus ? (size_t)(bus - c->buses) : SIZE_MAX;
	if (!bus && *device->bus_name != '\0')
		schema_error(l->diag, l->from, "bus", "no [bus:%s]%s (allowed: a bus of this configuration)",
		    device->bus_name,
		    suggest_word(l->arena, device->bus_name, c->buses, c->bus_count, sizeof(c->buses[0])));
}

static void check_unit(const struct config_loading *l, const struct device_config *device)
{
	const struct config *c = l->config;
	const struct bus_config *bus = &c->buses[device->bus];
	bool tcp = bus->type == BUS_TCP || !bus->has_type;
	if (device->unit > 247 && (device->unit != 255 || !tcp))
		schema_error(l->diag, l->from, "unit",
		    "'%lld' is out of range (allowed: 0..247, on tcp also 255)", (long long)device->unit);
	if (device->unit == 0 && !tcp)
		schema_error(l->diag, l->from, "unit",
		    "0 is the broadcast address of a serial line and gets no reply (allowed: 1..247)");
	for (const struct device_config *other = c->devices; other < device; other++)
		if (other->bus == device->bus && other->unit == device->unit && device->unit >= 0)
			schema_error(l->diag, l->from, "unit", "unit %lld of bus '%s' is [device:%s] already",
			    (long long)device->unit, device->bus_name, other->name);
}

static const struct profile *find_profile(const struct config_loading *l, const struct device_config *device)
{
	/* the nearest first: a row of devices has one profile */
	for (const struct device_config *other = device; other-- > l->config->devices;)
		if (strcmp(other->profile_name, device->profile_name) == 0)
			return other->profile; /* NULL when it was bad: said once */
	return profile_load(device->profile_name, l->arena, l->diag, schema_place(l->from, "profile"));
}

/* The profile's points, fingerprint and what the section leaves to it. */
static void take_profile(const struct config_loading *l, struct device_config *device)
{
	const struct profile *p = *device->profile_name != '\0' ? find_profile(l, device) : NULL;
	bool has_unit = ini_section_gives(l->from, "unit");
	device->profile = p;
	device->fingerprint = ini_section_fingerprint(l->from);
	if (p) {
		device->fingerprint += p->fingerprint;
		l->config->fingerprint += p->fingerprint;
		device->points = p->points;
		device->point_count = p->point_count;
		device->point_names = p->point_names;
		if (isnan(device->accuracy_class))
			device->accuracy_class = p->accuracy_class;
	}
	if (!has_unit)
		device->unit = p ? p->default_unit : -1;
	if (!has_unit && device->unit < 0)
		schema_error(
		    l->diag, l->from, "unit", "missing, but required (the profile has no default_unit)");
}

static void check(const struct config_loading *l, void *item)
{
	struct device_config *device = item;
	name_index_add(&l->config->device_names, l->arena, device->name, device);
	check_labels(l, device);
	check_object_type(l, device);
	resolve_bus(l, device);
	take_profile(l, device);
	if (device->bus != SIZE_MAX)
		check_unit(l, device);
}

const struct config_section device_section = {
	.kind = "device",
	.name = "NAME",
	.help = "a device on a bus",
	.keys = keys,
	.size = sizeof(struct device_config),
	.place = offsetof(struct config, devices),
	.count = offsetof(struct config, device_count),
	.max = CONFIG_DEVICES_MAX,
	.check = check,
};

const char *device_label(const struct device_config *device, const char *key)
{
	size_t n = strlen(key);
	for (size_t i = 0; i < device->labels.count; i++) {
		const char *label = device->labels.items[i];
		if (strncmp(label, key, n) == 0 && label[n] == ':')
			return label + n + 1 + strspn(label + n + 1, " \t");
	}
	return NULL;
}

const struct device_config *device_find(const struct config *c, const char *name, size_t n)
{
	return name_index_find(&c->device_names, name, n);
}

size_t device_same(const struct config *c, const struct device_config *d)
{
	const struct device_config *here = device_find(c, d->name, strlen(d->name));
	return here && here->fingerprint == d->fingerprint ? (size_t)(here - c->devices) : SIZE_MAX;
}
