/* References of loops, PUE figures and alarms to points. */
#include "config/config_private.h"
#include "config/ini/suggest.h"

#include <string.h>

const struct point_ref point_ref_unset = { SIZE_MAX, SIZE_MAX };

/* The device named by the first `n` bytes of `text`; NULL = none. */
static const struct device_config *device_named(const struct config *c, const char *text, size_t n)
{
	for (size_t i = 0; i < c->device_count; i++)
		if (strlen(c->devices[i].name) == n && strncmp(c->devices[i].name, text, n) == 0)
			return &c->devices[i];
	return NULL;
}

const struct device_config *config_find_device(
    struct config *c, const char *text, size_t n, struct diag_place place, struct diag *d)
{
	const struct device_config *device = device_named(c, text, n);
	if (device)
		return device;
	const char *name = arena_strndup(c->tree.arena, text, n);
	diag_add(d, DIAG_ERROR, place, "no [device:%s]%s (allowed: a device of this configuration)", name,
	    suggest_word(c->tree.arena, name, c->devices, c->device_count, sizeof(c->devices[0])));
	return NULL;
}

size_t config_find_point(const struct device_config *device, const char *name)
{
	for (size_t i = 0; i < device->point_count; i++)
		if (strcmp(device->points[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

struct point_ref config_lookup(const struct config *c, const char *name)
{
	const char *dot = strchr(name, '.');
	const struct device_config *device = dot ? device_named(c, name, (size_t)(dot - name)) : NULL;
	size_t point = device ? config_find_point(device, dot + 1) : SIZE_MAX;
	return point == SIZE_MAX ? point_ref_unset
				 : (struct point_ref){ (size_t)(device - c->devices), point };
}

struct point_ref config_resolve(struct config *c, const char *text, struct diag_place place, struct diag *d)
{
	struct point_ref found = config_lookup(c, text);
	const char *dot = strchr(text, '.');
	if (point_ref_is_set(found))
		return found;
	if (!dot) {
		diag_add(d, DIAG_ERROR, place, "'%s' is not a point (allowed: DEVICE.POINT)", text);
		return point_ref_unset;
	}
	const struct device_config *device = config_find_device(c, text, (size_t)(dot - text), place, d);
	if (!device || device->point_count == 0)
		return point_ref_unset; /* said already */
	const char *meant = suggest_word(
	    c->tree.arena, dot + 1, device->points, device->point_count, sizeof(device->points[0]));
	diag_add(d, DIAG_ERROR, place,
	    "device '%s' has no point '%s'%s (allowed: a point of its profile or of "
	    "[point:%s.NAME])",
	    device->name, dot + 1, meant, device->name);
	return point_ref_unset;
}

const struct point *config_point(const struct config *c, struct point_ref r)
{
	return &c->devices[r.device].points[r.point];
}

static const struct {
	const char *prefix;
	enum combination how;
} combinations[] = { { "median:", COMBINE_MEDIAN }, { "mean:", COMBINE_MEAN }, { "sum:", COMBINE_SUM } };

static enum combination combination_of(const char **text)
{
	for (size_t i = 0; i < sizeof(combinations) / sizeof(combinations[0]); i++) {
		size_t n = strlen(combinations[i].prefix);
		if (strncmp(*text, combinations[i].prefix, n) == 0) {
			*text += n;
			return combinations[i].how;
		}
	}
	return COMBINE_ONE;
}

/* Whether a list's newest point may stand beside the others. */
static bool check_member(struct config *c, const struct point_source *s, struct point_ref new,
    struct diag_place place, struct diag *d)
{
	const struct point *p = config_point(c, new);
	if (!point_is_number(p)) {
		diag_add(d, DIAG_ERROR, place, "'%s' is no number (allowed in a list: numbers)", p->name);
		return false;
	}
	for (size_t i = 0; i < s->count; i++) {
		const struct point *other = config_point(c, s->refs[i]);
		if (s->refs[i].device == new.device && s->refs[i].point == new.point) {
			diag_add(d, DIAG_ERROR, place, "'%s' is listed twice", p->name);
			return false;
		}
		if (strcmp(p->unit, other->unit) != 0 &&
		    (p->quantity == QUANTITY_NONE || p->quantity != other->quantity)) {
			diag_add(d, DIAG_ERROR, place,
			    "'%s' is in '%s' and '%s' in '%s' (allowed in a list: one quantity)", p->name,
			    p->unit, other->name, other->unit);
			return false;
		}
	}
	return true;
}

struct point_source config_resolve_source(
    struct config *c, const char *text, struct diag_place place, struct diag *d)
{
	struct point_source s = { .how = combination_of(&text) };
	struct point_ref *refs = arena_alloc(c->tree.arena, CONFIG_SOURCE_POINTS_MAX * sizeof(*refs));
	const size_t before = diag_errors(d);
	char *copy = arena_strdup(c->tree.arena, text), *save = NULL;
	s.refs = refs;
	if (s.how == COMBINE_ONE) {
		refs[0] = config_resolve(c, text, place, d);
		s.count = point_ref_is_set(refs[0]);
		return s;
	}
	for (char *item = strtok_r(copy, ", \t", &save); item; item = strtok_r(NULL, ", \t", &save)) {
		if (s.count == CONFIG_SOURCE_POINTS_MAX) {
			diag_add(d, DIAG_ERROR, place, "too many points (allowed: %d in a list)",
			    CONFIG_SOURCE_POINTS_MAX);
			break;
		}
		struct point_ref r = config_resolve(c, item, place, d);
		if (!point_ref_is_set(r) || !check_member(c, &s, r, place, d))
			break;
		refs[s.count++] = r;
	}
	if (diag_errors(d) == before && s.count < 2)
		diag_add(d, DIAG_ERROR, place,
		    "'%s' (allowed: median:, mean: or sum: and two or more points)", text);
	if (diag_errors(d) != before)
		s.count = 0;
	return s;
}
