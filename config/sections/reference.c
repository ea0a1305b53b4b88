#include "config/sections/reference.h"

#include "config/ini/suggest.h"

#include <stdlib.h>
#include <string.h>

const struct point_ref point_ref_unset = { SIZE_MAX, SIZE_MAX };

struct point_ref reference_find(const struct config *c, const char *name)
{
	const char *dot = strchr(name, '.');
	const struct device_config *device = dot ? device_find(c, name, (size_t)(dot - name)) : NULL;
	size_t point = device ? device_find_point(device, dot + 1) : SIZE_MAX;
	return point == SIZE_MAX ? point_ref_unset
				 : (struct point_ref){ (size_t)(device - c->devices), point };
}

const struct point *reference_get(const struct config *c, struct point_ref r)
{
	return &c->devices[r.device].points[r.point];
}

bool reference_is_same(const struct config *c, struct point_ref a, struct point_ref b)
{
	if (!point_ref_is_set(a) || a.device != b.device)
		return false;
	if (a.point == b.point)
		return true;
	const struct point *p = reference_get(c, a), *q = reference_get(c, b);
	return p->reg.table == q->reg.table && p->reg.address == q->reg.address &&
	       point_length(p) == point_length(q) && p->bit.low == q->bit.low && p->bits.low == q->bits.low &&
	       p->bits.high == q->bits.high && p->has_minus == q->has_minus &&
	       (!p->has_minus || p->minus.address == q->minus.address);
}

const struct device_config *reference_device(
    const struct config_loading *l, const char *key, const char *text, size_t n)
{
	const struct config *c = l->config;
	const struct device_config *device = device_find(c, text, n);
	if (device)
		return device;
	const char *name = arena_strndup(l->arena, text, n);
	schema_error(l->diag, l->from, key, "no [device:%s]%s (allowed: a device of this configuration)",
	    name, suggest_word(l->arena, name, c->devices, c->device_count, sizeof(c->devices[0])));
	return NULL;
}

struct point_ref reference_point(const struct config_loading *l, const char *key, const char *text)
{
	struct point_ref found = reference_find(l->config, text);
	const char *dot = strchr(text, '.');
	if (point_ref_is_set(found))
		return found;
	if (!dot) {
		schema_error(l->diag, l->from, key, "'%s' is not a point (allowed: DEVICE.POINT)", text);
		return point_ref_unset;
	}
	const struct device_config *device = reference_device(l, key, text, (size_t)(dot - text));
	if (!device || device->point_count == 0)
		return point_ref_unset; /* said already */
	schema_error(l->diag, l->from, key,
	    "device '%s' has no point '%s'%s (allowed: a point of its profile or of [point:%s.NAME])",
	    device->name, dot + 1,
	    suggest_word(l->arena, dot + 1, device->points, device->point_count, sizeof(device->points[0])),
	    device->name);
	return point_ref_unset;
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

/* Why a point cannot be in a list once more, under another name neither; NULL when it is new there. */
static const char *refuse_twice(
    const struct config_loading *l, const struct point_source *s, struct point_ref new)
{
	const char *name = reference_get(l->config, new)->name;
	for (size_t i = 0; i < s->count; i++) {
		if (!reference_is_same(l->config, s->refs[i], new))
			continue;
		if (s->refs[i].point == new.point)
			return arena_printf(l->arena, "'%s' is listed twice", name);
		return arena_printf(l->arena,
		    "'%s' is the register of '%s' once more (allowed: each register once)", name,
		    reference_get(l->config, s->refs[i])->name);
	}
	return NULL;
}

/* Points that are judged one by one: in one unit, as their limits are. */
static const char *refuse_counted(
    const struct config_loading *l, const struct point_source *s, struct point_ref new)
{
	const struct point *p = reference_get(l->config, new), *first = p;
	if (s->count > 0)
		first = reference_get(l->config, s->refs[0]);
	const char *twice = refuse_twice(l, s, new);
	if (twice)
		return twice;
	if (point_is_number(p) == point_is_number(first) && strcmp(p->unit, first->unit) == 0)
		return NULL;
	return arena_printf(l->arena, "'%s' and '%s' are not alike (allowed in a list: points in one unit)",
	    first->name, p->name);
}

/* Why a list's newest point cannot stand beside the others; NULL when it can. */
static const char *refuse_member(
    const struct config_loading *l, const struct point_source *s, struct point_ref new)
{
	const struct point *p = reference_get(l->config, new);
	if (s->how == COMBINE_COUNT)
		return refuse_counted(l, s, new);
	if (!point_is_number(p))
		return arena_printf(l->arena, "'%s' is no number (allowed in a list: numbers)", p->name);
	const char *twice = refuse_twice(l, s, new);
	if (twice)
		return twice;
	for (size_t i = 0; i < s->count; i++) {
		const struct point *other = reference_get(l->config, s->refs[i]);
		if (strcmp(p->unit, other->unit) != 0 &&
		    (p->quantity == QUANTITY_NONE || p->quantity != other->quantity))
			return arena_printf(l->arena,
			    "'%s' is in '%s' and '%s' in '%s' (allowed in a list: one quantity)", p->name,
			    p->unit, other->name, other->unit);
	}
	return NULL;
}

/* Reads the comma list of `text` into a source whose kind is known. */
static void read_list(
    const struct config_loading *l, const char *key, const char *text, struct point_source *s)
{
	struct point_ref *refs = arena_alloc(l->arena, CONFIG_SOURCE_POINTS_MAX * sizeof(*refs));
	const size_t before = diag_errors(l->diag);
	char *copy = arena_strdup(l->arena, text), *save = NULL;
	s->refs = refs;
	for (char *item = strtok_r(copy, ", \t", &save); item; item = strtok_r(NULL, ", \t", &save)) {
		if (s->count == CONFIG_SOURCE_POINTS_MAX) {
			schema_error(l->diag, l->from, key, "too many points (allowed: %d in a list)",
			    CONFIG_SOURCE_POINTS_MAX);
			break;
		}
		struct point_ref r = reference_point(l, key, item);
		if (!point_ref_is_set(r))
			break;
		const char *why = refuse_member(l, s, r);
		if (why) {
			schema_error(l->diag, l->from, key, "%s", why);
			break;
		}
		refs[s->count++] = r;
	}
	if (diag_errors(l->diag) == before && s->how != COMBINE_COUNT && s->count < 2)
		schema_error(l->diag, l->from, key,
		    "'%s' (allowed: median:, mean: or sum: and two or more points)", text);
	if (diag_errors(l->diag) != before)
		s->count = 0;
}

struct point_source reference_source(const struct config_loading *l, const char *key, const char *text)
{
	struct point_source s = { .how = combination_of(&text) };
	if (s.how != COMBINE_ONE) {
		read_list(l, key, text, &s);
		return s;
	}
	struct point_ref *ref = arena_alloc(l->arena, sizeof(*ref));
	*ref = reference_point(l, key, text);
	s.refs = ref;
	s.count = point_ref_is_set(*ref);
	return s;
}

/* Whether it begins with any: or N of:, and then what is behind that. */
static bool takes_count(const char **text, size_t *needed)
{
	char *end;
	if (strncmp(*text, "any:", 4) == 0) {
		*needed = 1;
		*text += 4;
		return true;
	}
	if (**text < '0' || **text > '9')
		return false;
	*needed = strtoul(*text, &end, 10);
	end += strspn(end, " \t");
	if (strncmp(end, "of:", 3) != 0)
		return false;
	*text = end + 3;
	return true;
}

struct point_source reference_condition(const struct config_loading *l, const char *key, const char *text)
{
	struct point_source s = { .how = COMBINE_COUNT };
	const char *list = text;
	if (!takes_count(&list, &s.needed))
		return reference_source(l, key, text);
	const size_t before = diag_errors(l->diag);
	read_list(l, key, list, &s);
	if (diag_errors(l->diag) == before && (s.needed == 0 || s.needed > s.count)) {
		schema_error(l->diag, l->from, key,
		    "'%s' (allowed: any:, or 1 to %zu of:, and as many points)", text,
		    s.count > 0 ? s.count : (size_t)CONFIG_SOURCE_POINTS_MAX);
		s.count = 0;
	}
	return s;
}
