/* printable: text from outside that a terminal can be given (pure).
 *
 * Names, messages and words come from devices, files and the daemon. What a terminal would act on instead of
 * showing it is written as \xNN or \uNNNN: control characters, escapes, marks that turn the direction of
 * writing, and bytes that are no UTF-8.
 */
#pragma once

#include "config/ini/arena.h"

#include <stddef.h>

/* The text as it can be shown on one line. */
const char *printable(struct arena *a, const char *text);

/* A JSON document with such characters of its texts as \uNNNN: the same document. */
const char *printable_json(struct arena *a, const char *json);

/* Columns of a terminal that printable text takes. */
size_t printable_width(const char *text);

/* How many bytes of printable text fit into so many columns. */
size_t printable_fit(const char *text, size_t columns);
