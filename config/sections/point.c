#include "config/sections/point.h"

#include "config/sections/device.h"

#include <string.h>

/* Whose point a section is. */
struct owned {
	size_t device; /* SIZE_MAX = of none of this configuration */
	const char *name;
};

/* What the sections add to a device. */
struct own {
	size_t extra;	      /* how many of them there are */
	struct point *points; /* a copy of the profile's points with room for as many more */
};

static struct owned owner_of(const struct config_loading *l, const struct ini_section *from)
{
	const struct config *c = l->config;
	const char *dot = strchr(from->name, '.');
	/* a name with mistakes has more dots, and may be of a device with mistakes */
	for (const char *at = dot; at; at = strchr(at + 1, '.')) {
		const struct device_config *found = device_find(c, from->name, (size_t)(at - from->name));
		if (found)
			return (struct owned){ (size_t)(found - c->devices), at + 1 };
	}
	if (dot)
		schema_error(l->diag, from, NULL,
		    "no such device (allowed: [point:DEVICE.NAME] of a device of this configuration)");
	return (struct owned){ SIZE_MAX, NULL };
}

static void copy_points(struct arena *a, struct device_config *device, struct own *own)
{
	size_t base = device->point_count;
	if (own->extra == 0)
		return;
	own->points = arena_alloc(a, (base + own->extra) * sizeof(*own->points));
	if (base > 0)
		memcpy(own->points, device->points, base * sizeof(*own->points));
	device->points = own->points;
	device->point_names = (struct name_index){ 0 };
	for (size_t i = 0; i < base; i++)
		name_index_add(&device->point_names, a, own->points[i].name, &own->points[i]);
}

static void read_point(const struct config_loading *l, struct device_config *device, struct own *own,
    const char *name, const struct ini_section *from)
{
	const struct point_defaults all = profile_point_defaults(device->profile);
	size_t at = device_find_point(device, name);
	bool is_new = at == SIZE_MAX;
	if (is_new) {
		at = device->point_count++;
		own->points[at].name = name;
		name_index_add(&device->point_names, l->arena, name, &own->points[at]);
	}
	point_read(&own->points[at], from, is_new, &all, l->arena, l->diag);
	device->fingerprint += ini_section_fingerprint(from);
}

/* After all points are read: of this one, and of those of the profile that take it, which is another now. */
static void find_scales(const struct config_loading *l, const struct device_config *device, struct own *own,
    const char *name, const struct ini_section *from)
{
	struct point *p = &own->points[device_find_point(device, name)];
	size_t of_profile = device->profile ? device->profile->point_count : 0;
	point_find_scale(p, device->points, &device->point_names, from, l->diag);
	for (struct point *k = own->points; k < own->points + of_profile; k++)
		if (k != p && point_is_scaled_by_other(k) && strcmp(k->scale_from, name) == 0)
			point_find_scale(k, device->points, &device->point_names, from, l->diag);
}

static void check_all(const struct config_loading *l, const struct ini_section *const *from, size_t count)
{
	struct config *c = l->config;
	struct own *own = arena_alloc(l->arena, (c->device_count + 1) * sizeof(*own));
	struct owned *owned = arena_alloc(l->arena, (count + 1) * sizeof(*owned));
	for (size_t i = 0; i < count; i++) {
		owned[i] = owner_of(l, from[i]);
		if (owned[i].device != SIZE_MAX)
			own[owned[i].device].extra++;
	}
	for (size_t i = 0; i < c->device_count; i++)
		copy_points(l->arena, &c->devices[i], &own[i]);
	for (size_t i = 0; i < count; i++) {
		size_t device = owned[i].device;
		if (device != SIZE_MAX)
			read_point(l, &c->devices[device], &own[device], owned[i].name, from[i]);
	}
	for (size_t i = 0; i < count; i++)
		if (owned[i].device != SIZE_MAX)
			find_scales(
			    l, &c->devices[owned[i].device], &own[owned[i].device], owned[i].name, from[i]);
	for (size_t i = 0; i < c->device_count; i++) {
		const struct device_config *device = &c->devices[i];
		if (device->point_count == 0 && *device->profile_name == '\0')
			schema_error(l->diag,
			    ini_tree_find(l->tree, arena_printf(l->arena, "device:%s", device->name)),
			    "profile",
			    "missing, and no [point:%s.NAME] either (allowed: a profile, own points, or "
			    "both)",
			    device->name);
	}
}

const struct config_section point_section = {
	.kind = "point",
	.name = "DEVICE.NAME",
	.help =
	    "a point of a device, in a profile; in a configuration [point:DEVICE.NAME] changes or adds one",
	.keys = point_keys,
	.check_all = check_all,
};
