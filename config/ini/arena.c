#include "config/ini/arena.h"

#include <limits.h>
#include <obstack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

/* Large enough that a row's configuration takes a few chunks, small enough not to show in RSS. */
#define CHUNK_SIZE 16384

struct arena {
	struct obstack objects;
};

struct arena *arena_new(void)
{
	struct arena *a = malloc(sizeof(*a));
	if (!a)
		abort();
	obstack_alloc_failed_handler = abort;
	obstack_begin(&a->objects, CHUNK_SIZE);
	return a;
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	obstack_free(&a->objects, NULL);
	free(a);
}

void *arena_alloc(struct arena *a, size_t n)
{
	if (n > INT_MAX) /* what an obstack counts in */
		abort();
	return memset(obstack_alloc(&a->objects, (int)n), 0, n);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);
	memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *format, va_list ap)
{
	if (obstack_vprintf(&a->objects, format, ap) < 0)
		abort();
	obstack_1grow(&a->objects, '\0');
	return obstack_finish(&a->objects);
}

char *arena_printf(struct arena *a, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	char *text = arena_vprintf(a, format, ap);
	va_end(ap);
	return text;
}
