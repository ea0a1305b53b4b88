/* suggest: the word that was probably meant, as text behind a message (pure). */
#pragma once

#include "config/ini/arena.h"

/* ", did you mean 'WORD'?" with the nearest of `count` words, or "" when none is near enough to be meant.
 * `words` points at the first `const char *`; each next one is `stride` bytes further, so that a table whose
 * rows begin with their word is given as it is. */
const char *suggest_word(struct arena *a, const char *typed, const void *words, size_t count, size_t stride);
