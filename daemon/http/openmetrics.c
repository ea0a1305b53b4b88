#include "daemon/http/openmetrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static const struct {
	const char *word, *classic;  /* of the type */
	const char *suffix;	     /* of a sample's name */
	bool suffix_in_classic_head; /* there the family is called as its samples */
} types[] = {
	[METRIC_GAUGE] = { "gauge", "gauge", "", false },
	[METRIC_COUNTER] = { "counter", "counter", "_total", true },
	[METRIC_INFO] = { "info", "gauge", "_info", true },
	[METRIC_SUMMARY] = { "summary", "summary", "", false },
};

void metrics_begin(struct metrics_writer *w, bool classic)
{
	*w = (struct metrics_writer){ .classic = classic };
	w->out = open_memstream(&w->text, &w->size);
}

char *metrics_finish(struct metrics_writer *w)
{
	if (!w->out)
		return NULL;
	if (!w->classic)
		fputs_unlocked("# EOF\n", w->out);
	bool failed = ferror(w->out) != 0;
	if (fclose(w->out) == 0 && !failed)
		return w->text;
	free(w->text);
	return NULL;
}

void metrics_family(struct metrics_writer *w, const struct metric_family *family)
{
	w->family = family;
	w->has_head = false;
}

/* The text of a HELP, or a label's value: quotes are escaped in both, which OpenMetrics asks for and 0.0.4
 * does not read in a HELP; there is none in ours. */
static void put_escaped(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n') {
			fputs_unlocked("\\n", out);
			continue;
		}
		if (*s == '\\' || *s == '"')
			putc_unlocked('\\', out);
		putc_unlocked(*s, out);
	}
}

static void put_head(struct metrics_writer *w)
{
	const struct metric_family *f = w->family;
	const char *suffix = w->classic && types[f->type].suffix_in_classic_head ? types[f->type].suffix : "";
	if (w->has_head)
		return;
	w->has_head = true;
	fprintf(w->out, "# HELP %s%s ", f->name, suffix);
	put_escaped(w->out, f->help);
	fprintf(w->out, "\n# TYPE %s%s %s\n", f->name, suffix,
	    w->classic ? types[f->type].classic : types[f->type].word);
	if (f->unit && !w->classic)
		fprintf(w->out, "# UNIT %s %s\n", f->name, f->unit);
}

static void put_name(struct metrics_writer *w, const char *suffix, const char *const *labels)
{
	fputs_unlocked(w->family->name, w->out);
	fputs_unlocked(suffix, w->out);
	for (const char *const *l = labels; l && *l; l += 2) {
		putc_unlocked(l == labels ? '{' : ',', w->out);
		fputs_unlocked(l[0], w->out);
		fputs_unlocked("=\"", w->out);
		put_escaped(w->out, l[1]);
		putc_unlocked('"', w->out);
	}
	if (labels && *labels)
		putc_unlocked('}', w->out);
	putc_unlocked(' ', w->out);
}

static void put_number(struct metrics_writer *w, double v, enum json_digits digits)
{
	char text[JSON_NUMBER_MAX];
	json_number_text(text, v, digits);
	fputs_unlocked(text, w->out);
	putc_unlocked('\n', w->out);
}

void metrics_sample(struct metrics_writer *w, const char *const *labels, double v, enum json_digits digits)
{
	if (!w->out || !isfinite(v))
		return;
	put_head(w);
	put_name(w, types[w->family->type].suffix, labels);
	put_number(w, v, digits);
}

void metrics_summary(struct metrics_writer *w, const char *const *labels, uint64_t count, double sum)
{
	if (!w->out)
		return;
	put_head(w);
	put_name(w, "_count", labels);
	fprintf(w->out, "%" PRIu64 "\n", count);
	put_name(w, "_sum", labels);
	put_number(w, sum, JSON_DECIMAL);
}
