#include "daemon/ctl/profile_places.h"

#include "config/profile.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define FOLDERS_MAX 64
#define PLACES_MAX 4096

static int is_profile(const struct dirent *e)
{
	size_t n = strlen(e->d_name);
	return e->d_name[0] != '.' && n > 4 && strcmp(e->d_name + n - 4, ".ini") == 0;
}

static void add_folder(struct profile_places *p, struct arena *a, const char *folder)
{
	struct dirent **found = NULL;
	int n = scandir(folder, &found, is_profile, alphasort);
	for (int i = 0; i < n; i++) {
		const char *file = found[i]->d_name;
		if (p->count < PLACES_MAX)
			p->items[p->count++] =
			    (struct profile_place){ arena_strndup(a, file, strlen(file) - 4),
				    arena_printf(a, "%s/%s", folder, file), p->folder_count };
		free(found[i]);
	}
	free(found);
}

struct profile_places profile_places_find(struct arena *a)
{
	struct profile_places p = { .folders = arena_alloc(a, FOLDERS_MAX * sizeof(p.folders[0])),
		.items = arena_alloc(a, PLACES_MAX * sizeof(p.items[0])) };
	char *copy = arena_strdup(a, profile_path()), *save = NULL;
	for (char *f = strtok_r(copy, ":", &save); f && p.folder_count < FOLDERS_MAX;
	     f = strtok_r(NULL, ":", &save)) {
		add_folder(&p, a, f);
		p.folders[p.folder_count++] = f;
	}
	return p;
}

const struct profile_place *profile_places_next(const struct profile_places *p, const char *name, size_t from)
{
	for (size_t i = from; i < p->count; i++)
		if (strcmp(p->items[i].name, name) == 0)
			return &p->items[i];
	return NULL;
}
