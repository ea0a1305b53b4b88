#include "config/zone.h"

#include "config/ini/cleanup.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FOLDER "/usr/share/zoneinfo/"
/* The longest file there is a few thousand bytes. */
#define FILE_MAX 65536
#define HEAD_SIZE 44
/* Of a table that ends before 2037 the rest is a rule, which is not read. */
#define TABLE_END INT64_C(2114380800)

struct counts {
	uint32_t isut, isstd, leap, time, type, chars;
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
	return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

/* RFC 8536, 3.1. */
static bool read_head(const uint8_t *p, size_t size, struct counts *c)
{
	if (size < HEAD_SIZE || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
		return false;
	uint32_t *const all[] = { &c->isut, &c->isstd, &c->leap, &c->time, &c->type, &c->chars };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		*all[i] = be32(p + 20 + 4 * i);
		if (*all[i] > FILE_MAX)
			return false;
	}
	return c->type > 0;
}

static size_t body_size(const struct counts *c, size_t time_size)
{
	return c->time * (time_size + 1) + (size_t)c->type * 6 + c->chars + c->leap * (time_size + 4) +
	       c->isstd + c->isut;
}

/* The second block, whose times are of 64 bits (RFC 8536, 3.2). */
static bool read_block(struct arena *a, const uint8_t *p, const struct counts *c, struct zone *z)
{
	int64_t *from = arena_alloc(a, (c->time + 1) * sizeof(*from));
	int32_t *offsets = arena_alloc(a, (c->time + 1) * sizeof(*offsets));
	const uint8_t *types = p + (size_t)8 * c->time, *infos = types + c->time;
	for (size_t i = 0; i < c->time; i++) {
		if (types[i] >= c->type)
			return false;
		from[i] = be64(p + 8 * i);
		offsets[i] = (int32_t)be32(infos + (size_t)6 * types[i]);
	}
	z->from = from;
	z->offsets = offsets;
	z->count = c->time;
	z->first = (int32_t)be32(infos);
	return true;
}

static bool parse(struct arena *a, const uint8_t *p, size_t size, struct zone *z)
{
	struct counts c;
	if (!read_head(p, size, &c))
		return false;
	size_t skip = HEAD_SIZE + body_size(&c, 4);
	if (skip > size || !read_head(p + skip, size - skip, &c))
		return false;
	const uint8_t *block = p + skip + HEAD_SIZE, *end = p + size;
	if (body_size(&c, 8) > (size_t)(end - block) || !read_block(a, block, &c, z))
		return false;
	/* a rule with daylight saving has a comma */
	const uint8_t *rule = block + body_size(&c, 8);
	bool has_rule = memchr(rule, ',', (size_t)(end - rule)) != NULL;
	return !has_rule || (z->count > 0 && z->from[z->count - 1] >= TABLE_END);
}

const struct zone *zone_load(struct arena *a, const char *name, const char **why)
{
	struct zone *z = arena_alloc(a, sizeof(*z));
	z->name = arena_strdup(a, name);
	if (strcmp(name, "UTC") == 0)
		return z;
	*why = "is no time zone (allowed: a name of /usr/share/zoneinfo, e.g. Europe/Berlin; UTC)";
	if (name[0] == '\0' || name[0] == '/' || strstr(name, ".."))
		return NULL;
	_cleanup_fclose_ FILE *f = fopen(arena_printf(a, FOLDER "%s", name), "re");
	uint8_t *data = arena_alloc(a, FILE_MAX);
	size_t size = f ? fread(data, 1, FILE_MAX, f) : 0;
	if (size == 0)
		return NULL;
	*why = "has a file that cannot be read (allowed: tables as of zic -b fat)";
	return parse(a, data, size, z) ? z : NULL;
}

int32_t zone_offset(const struct zone *z, int64_t utc_s)
{
	size_t low = 0, high = z->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (z->from[middle] <= utc_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? z->offsets[low - 1] : z->first;
}

int64_t zone_utc(const struct zone *z, int64_t local_s)
{
	int64_t guess = local_s - zone_offset(z, local_s), utc = local_s - zone_offset(z, guess);
	/* a local time that is left out, as midnight is where summer time begins at it: the moment behind it
	 */
	return utc + zone_offset(z, utc) < local_s ? guess : utc;
}

bool zone_date_seconds(struct tm date, int64_t *ret_s)
{
	const int day = date.tm_mday;
	*ret_s = (int64_t)timegm(&date);
	return date.tm_mday == day;
}
