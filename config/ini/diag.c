#include "config/ini/diag.h"

#include "config/ini/arena.h"

#include <stdlib.h>
#include <string.h>

/* So that they never keep an error off the list. */
#define NOTES_MAX (DIAG_MAX / 4)

struct finding {
	const char *file, *text;
	int line;
	bool is_error;
	size_t order;
};

struct diag {
	struct arena *arena; /* where it and all texts live */
	struct finding findings[DIAG_MAX];
	size_t count, notes, errors, dropped; /* errors: the dropped ones too */
};

struct diag *diag_new(void)
{
	struct arena *a = arena_new();
	struct diag *d = arena_alloc(a, sizeof(*d));
	d->arena = a;
	return d;
}

void diag_free(struct diag *d)
{
	if (d)
		arena_free(d->arena);
}

__attribute__((format(printf, 4, 0))) static void add(
    struct diag *d, bool is_error, struct diag_place place, const char *format, va_list ap)
{
	d->errors += is_error;
	if (d->count == DIAG_MAX || (!is_error && d->notes == NOTES_MAX)) {
		d->dropped++;
		return;
	}
	const char *file = arena_strdup(d->arena, place.file), *where = file;
	if (place.line > 0)
		where = arena_printf(d->arena, "%s:%d", where, place.line);
	if (place.section)
		where = arena_printf(d->arena, "%s: [%s]", where, place.section);
	if (place.key)
		where = arena_printf(d->arena, "%s %s", where, place.key);
	const char *text = arena_printf(d->arena, "%s: %s", where, arena_vprintf(d->arena, format, ap));
	d->notes += !is_error;
	d->findings[d->count] = (struct finding){ file, text, place.line, is_error, d->count };
	d->count++;
}

void diag_vadd(struct diag *d, struct diag_place place, const char *format, va_list ap)
{
	add(d, true, place, format, ap);
}

void diag_add(struct diag *d, struct diag_place place, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	diag_vadd(d, place, format, ap);
	va_end(ap);
}

void diag_note(struct diag *d, struct diag_place place, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	add(d, false, place, format, ap);
	va_end(ap);
}

size_t diag_errors(const struct diag *d)
{
	return d->errors;
}

static int by_place(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int r = strcmp(x->file, y->file);
	if (r == 0)
		r = (x->line > y->line) - (x->line < y->line);
	if (r == 0)
		r = (x->order > y->order) - (x->order < y->order);
	return r;
}

void diag_each(struct diag *d, void (*say)(bool is_error, const char *text, void *user), void *user)
{
	qsort(d->findings, d->count, sizeof(d->findings[0]), by_place);
	for (size_t i = 0; i < d->count; i++)
		say(d->findings[i].is_error, d->findings[i].text, user);
	if (d->dropped > 0) {
		char more[64];
		snprintf(more, sizeof(more), "and %zu more findings that are not listed", d->dropped);
		say(d->errors > 0, more, user);
	}
}
