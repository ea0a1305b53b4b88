/* glob: names that are of a pattern (pure).
 *
 * Not fnmatch(3), which takes exponential time for a pattern of many stars: this one takes at most the
 * product of both lengths, so that anybody may ask.
 */
#pragma once

#include <stdbool.h>

/* `*` stands for any characters or none, `?` for one; all others for themselves. */
bool glob_matches(const char *pattern, const char *name);
