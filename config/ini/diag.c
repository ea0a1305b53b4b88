#include "config/ini/diag.h"

#include <stdlib.h>
#include <string.h>

struct finding {
	char *file;
	int line;
	size_t order;
	char *text;
};

struct diag {
	struct finding findings[DIAG_MAX];
	size_t count, dropped;
};

struct diag *diag_new(void)
{
	struct diag *d = calloc(1, sizeof(*d));
	if (!d)
		abort();
	return d;
}

void diag_free(struct diag *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->count; i++) {
		free(d->findings[i].file);
		free(d->findings[i].text);
	}
	free(d);
}

static char *format_place(struct diag_place p, const char *what)
{
	char line[16] = "", *text = NULL;
	if (p.line > 0)
		snprintf(line, sizeof(line), ":%d", p.line);

	int r;
	if (p.section && p.key)
		r = asprintf(&text, "%s%s: [%s] %s: %s", p.file, line, p.section, p.key, what);
	else if (p.section)
		r = asprintf(&text, "%s%s: [%s]: %s", p.file, line, p.section, what);
	else
		r = asprintf(&text, "%s%s: %s", p.file, line, what);
	if (r < 0)
		abort();
	return text;
}

void diag_vadd(struct diag *d, struct diag_place place, const char *format, va_list ap)
{
	if (d->count == DIAG_MAX) {
		d->dropped++;
		return;
	}
	char *what = NULL;
	if (vasprintf(&what, format, ap) < 0)
		abort();

	struct finding *f = &d->findings[d->count];
	*f = (struct finding){ .line = place.line, .order = d->count };
	f->file = strdup(place.file);
	f->text = format_place(place, what);
	free(what);
	if (!f->file)
		abort();
	d->count++;
}

void diag_add(struct diag *d, struct diag_place place, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	diag_vadd(d, place, format, ap);
	va_end(ap);
}

size_t diag_errors(const struct diag *d)
{
	return d->count + d->dropped;
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

void diag_each(struct diag *d, void (*say)(const char *text, void *user), void *user)
{
	qsort(d->findings, d->count, sizeof(d->findings[0]), by_place);
	for (size_t i = 0; i < d->count; i++)
		say(d->findings[i].text, user);
	if (d->dropped > 0) {
		char more[64];
		snprintf(more, sizeof(more), "and %zu more findings that are not listed", d->dropped);
		say(more, user);
	}
}
