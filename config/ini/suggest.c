#include "config/ini/suggest.h"

#include "config/ini/text.h"

#include <string.h>

/* A third of the word may be wrong, at most three edits. */
static unsigned most_edits(const char *typed)
{
	size_t third = strlen(typed) / 3;
	return third < 1 ? 1 : third > 3 ? 3 : (unsigned)third;
}

const char *suggest_word(struct arena *a, const char *typed, const void *words, size_t count, size_t stride)
{
	const char *best = NULL;
	unsigned best_distance = most_edits(typed) + 1;
	for (size_t i = 0; i < count; i++) {
		const char *word = *(const char *const *)((const char *)words + i * stride);
		unsigned distance = text_distance(typed, word);
		if (distance < best_distance) {
			best = word;
			best_distance = distance;
		}
	}
	return best ? arena_printf(a, ", did you mean '%s'?", best) : "";
}
