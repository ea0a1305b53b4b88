/* arena: memory with one lifetime (holder).
 *
 * A configuration is built once and dropped as a whole, so all that belongs to it is carved from one arena
 * and freed together; nothing inside is freed alone. Not thread safe while it grows; read-only afterwards.
 * A failed allocation ends the process (abort): a controller without memory for its configuration has
 * nothing to fall back to, and systemd starts it again.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);

/* n bytes, zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t n);

/* A copy of a string, or of its first n bytes. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);

/* Text as by printf. */
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
