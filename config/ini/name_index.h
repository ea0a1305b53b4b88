/* name_index: finds things by their name in one step, however many there are (holder; its memory is the
 * arena's, which must be the same at each call).
 *
 * A struct of zeros is an empty one. Read by several threads once nothing is added any more.
 */
#pragma once

#include "config/ini/arena.h"

struct name_slot {
	const char *name;
	void *item;
};

struct name_index {
	struct name_slot *slots;
	size_t room, count;
};

/* `name` and `item` must outlive the index. A name that is there already keeps its item. */
void name_index_add(struct name_index *x, struct arena *a, const char *name, void *item);

/* The item whose name is the first `n` bytes of `name`; NULL = none. */
void *name_index_find(const struct name_index *x, const char *name, size_t n);
