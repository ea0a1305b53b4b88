/* text: text to number and back, as INI files write it (pure).
 *
 * Every parser takes the whole text (no trailing bytes), returns 0 or -EINVAL (not of the form) or -ERANGE
 * (of the form, but outside what the type holds), and leaves the result alone on error.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Without the white space at its ends, in place. */
char *text_strip(char *s);

/* A name is [a-z0-9][a-z0-9_-]{0,62}. */
#define NAME_LENGTH_MAX 63
#define TEXT_NAME_FORM "1 to 63 of a-z 0-9 _ -, the first a letter or digit"

bool text_is_name(const char *s);

int text_int(const char *s, int64_t *ret);	/* decimal or 0x, optional sign */
int text_double(const char *s, double *ret);	/* finite decimal number */
int text_duration(const char *s, int64_t *ret); /* 250ms 1s 15m 1h 30d, not negative; in nanoseconds */
int text_size(const char *s, int64_t *ret);	/* 4096B 64KiB 256MiB 1GiB; in bytes */

/* The shortest writing of a duration that text_duration reads back: 90s, 15m, 1d. `buf` of 32 bytes. */
const char *text_of_duration(int64_t ns, char buf[static 32]);

/* Edits between two words (insert, delete, replace, swap of neighbours), for did-you-mean; words past 64
 * bytes count as entirely different. */
unsigned text_distance(const char *a, const char *b);
