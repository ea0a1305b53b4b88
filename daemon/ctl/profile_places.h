/* profile_places: the files of profiles in all folders of the path, with those that another hides (pure, but
 * for a look into the folders). */
#pragma once

#include "config/ini/arena.h"

#include <stdbool.h>
#include <stddef.h>

struct profile_place {
	const char *name, *path;
	size_t folder; /* 0 = where it is looked for first */
};

struct profile_places {
	const char **folders;
	size_t folder_count;
	struct profile_place *items; /* in the order of the folders */
	size_t count;
};

struct profile_places profile_places_find(struct arena *a);

/* The first of that name from item `from` on; NULL = none. */
const struct profile_place *profile_places_next(
    const struct profile_places *p, const char *name, size_t from);
