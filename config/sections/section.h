/* section: what a configuration knows of a kind of section, in one struct (pure).
 *
 * A kind stands in one file pair of this folder: its struct, bounds and words in the header, its rows and
 * rules in the .c, and one struct config_section that config.c has in its table. All sections are read by
 * their rows first; then the kinds are checked in the order of the table, so that a check finds those above
 * it complete. What they hold lives in the configuration's arena.
 */
#pragma once

#include "config/ini/schema.h"
#include "config/sections/contents.h"

/* What a check has at hand. */
struct config_loading {
	struct config *config;
	struct arena *arena; /* the configuration's */
	const struct ini_tree *tree;
	struct diag *diag;
	const struct ini_section *from; /* where what is checked now was read from */
};

struct config_section {
	const char *kind;
	const char *name; /* the form of what stands behind the colon: NAME; NULL = [kind] alone and once */
	const char *help;
	const struct schema_key *keys;
	size_t size;   /* of its struct, which begins with the name if it has one; 0 = the check reads it */
	size_t place;  /* in struct config: of the pointer to it, or to the array of them */
	size_t count;  /* in struct config: of the array's length */
	size_t max;    /* 0 = only bounded by the size of a file */
	bool optional; /* without a name: NULL when it is not written */
	const char *inherits; /* the kind whose section has what is left out of SCHEMA_INHERITED */
	/* Resolves names and says what one row alone cannot tell. Of a kind without a name there is always
	 * one, and empty if it is not written, unless it is optional. NULL = nothing to check. */
	void (*check)(const struct config_loading *l, void *item);
	/* The same for all sections of the kind at once, for one whose `size` is 0. */
	void (*check_all)(
	    const struct config_loading *l, const struct ini_section *const *from, size_t count);
};
