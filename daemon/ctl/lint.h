/* lint: what would make a profile better than one that merely loads (pure).
 *
 * A warning is something that will be wrong or missing in use: a unit, a name that nothing finds. A hint is
 * worth a thought.
 */
#pragma once

#include "config/profile.h"

enum lint_severity { LINT_ERROR, LINT_WARNING, LINT_HINT, LINT_COUNT };

/* "error", "warning", "hint" */
const char *lint_word(enum lint_severity s);

/* A finding at a key of a section; `key` NULL = at the section. */
typedef void (*lint_say)(
    enum lint_severity severity, const struct ini_section *s, const char *key, const char *text, void *user);

/* Looks at a profile that was loaded from the file that `tree` was read from. */
void lint_profile(const struct profile *p, const struct ini_tree *tree, lint_say say, void *user);
