/* flat: a JSON object of names, numbers and texts, as bodies of requests are (pure).
 *
 * No more than that: nothing nested, no escapes in a text, whole numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLAT_TEXT_MAX 64

struct flat_key {
	const char *name;
	bool is_text, is_optional;
	int64_t min, max; /* of a number */
	/* what was told: */
	bool is_told;
	int64_t number;
	char text[FLAT_TEXT_MAX];
};

/* Reads `body` into the keys. NULL, or what is wrong with it, in `why`. */
#define FLAT_WHY_MAX 160
const char *flat_read(const char *body, struct flat_key *keys, size_t count, char why[static FLAT_WHY_MAX]);
