#include "config/ini/name_index.h"

#include "config/ini/hash.h"

#include <string.h>

/* Where the name is, or the free slot where it would be. */
static struct name_slot *slot_of(const struct name_index *x, const char *name, size_t n)
{
	uint64_t hash = hash_bytes(HASH_BASIS, name, n);
	/* its low bits alone are weak */
	size_t at = (size_t)(hash ^ hash >> 32) & (x->room - 1);
	while (
	    x->slots[at].name && (strncmp(x->slots[at].name, name, n) != 0 || x->slots[at].name[n] != '\0'))
		at = (at + 1) & (x->room - 1);
	return &x->slots[at];
}

/* Makes room for one more. */
static void make_room(struct name_index *x, struct arena *a)
{
	if (x->count < x->room / 4 * 3)
		return;
	size_t room = x->room > 0 ? 2 * x->room : 16;
	struct name_index wider = { arena_alloc(a, room * sizeof(x->slots[0])), room, x->count };
	for (size_t i = 0; i < x->room; i++)
		if (x->slots[i].name)
			*slot_of(&wider, x->slots[i].name, strlen(x->slots[i].name)) = x->slots[i];
	*x = wider;
}

void name_index_add(struct name_index *x, struct arena *a, const char *name, void *item)
{
	make_room(x, a);
	struct name_slot *slot = slot_of(x, name, strlen(name));
	if (slot->name)
		return;
	*slot = (struct name_slot){ name, item };
	x->count++;
}

void *name_index_find(const struct name_index *x, const char *name, size_t n)
{
	return x->room > 0 ? slot_of(x, name, n)->item : NULL;
}
