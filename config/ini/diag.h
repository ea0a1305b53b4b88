/* diag: what is wrong with a configuration, all of it (holder).
 *
 * Each finding has the place (file, line, section, key) and says what is wrong and what is allowed. Findings
 * are kept in the order they were met and printed sorted by place, so that a user mends a file from top to
 * bottom. A note is a finding that is no error: what was taken otherwise than its writer may think. One
 * thread at a time.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A broken generator could make a million of them; past this they are only counted. */
#define DIAG_MAX 500

struct diag_place {
	const char *file;    /* copied */
	int line;	     /* 0 = the file as a whole */
	const char *section; /* as written between the brackets, or NULL */
	const char *key;     /* or NULL */
};

struct diag;

struct diag *diag_new(void);
void diag_free(struct diag *d);

void diag_add(struct diag *d, struct diag_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void diag_vadd(struct diag *d, struct diag_place place, const char *format, va_list ap)
    __attribute__((format(printf, 3, 0)));

void diag_note(struct diag *d, struct diag_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

size_t diag_errors(const struct diag *d); /* without the notes */

/* The findings sorted by place, one call each with `FILE:LINE: [section] key: what (allowed)`. */
void diag_each(struct diag *d, void (*say)(bool is_error, const char *text, void *user), void *user);
