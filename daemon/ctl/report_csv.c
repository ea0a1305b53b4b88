#include "daemon/ctl/report_csv.h"

#include "daemon/ctl/printable.h"
#include "daemon/ctl/values.h"

#include <stdio.h>
#include <string.h>

/* Quoted when it has to be. Words that a spreadsheet would compute are none. */
static void put(struct arena *a, const char *text, bool last)
{
	const char *shown = printable(a, text);
	if (strpbrk(shown, "=+@") == shown)
		shown = arena_printf(a, "'%s", shown);
	if (!strpbrk(shown, ",\""))
		fputs(shown, stdout);
	else {
		putchar('"');
		for (const char *p = shown; *p; p++)
			printf(*p == '"' ? "\"\"" : "%c", *p);
		putchar('"');
	}
	fputs(last ? "\r\n" : ",", stdout);
}

static void put_line(const struct report *r, const json_t *record, const char *kind, const char *name,
    const char *figure, const char *value)
{
	put(r->arena, report_time(r, json_object_get(record, "start")), false);
	put(r->arena, report_time(r, json_object_get(record, "end")), false);
	put(r->arena, kind, false);
	put(r->arena, name, false);
	put(r->arena, figure, false);
	put(r->arena, value, true);
}

/* What is not known is empty. */
static void put_figures(const struct report *r, const json_t *record, const char *kind, const char *name,
    const json_t *figures, const char *before)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)figures, key, value)
	{
		const char *figure = arena_printf(r->arena, "%s%s", before, key);
		if (json_is_object(value))
			put_figures(r, record, kind, name, value, arena_printf(r->arena, "%s.", figure));
		else
			put_line(r, record, kind, name, figure,
			    json_is_null(value) ? "" : values_show(r->arena, value));
	}
}

static void put_record(const struct report *r, const json_t *record)
{
	static const struct {
		const char *member, *kind;
	} kinds[] = { { "pue", "pue" }, { "meters", "meter" }, { "loops", "loop" }, { "alarms", "alarm" } };
	const char *name;
	json_t *figures;
	size_t i;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		json_object_foreach(json_object_get(record, kinds[k].member), name, figures)
		    put_figures(r, record, kinds[k].kind, name, figures, "");
	json_array_foreach(json_object_get(record, "corrections"), i, figures)
	    put_line(r, record, "correction", values_text(figures, "meter"), values_text(figures, "kind"),
		values_text(figures, "text"));
	json_array_foreach(json_object_get(record, "struck"), i, figures) put_line(
	    r, record, "struck", values_text(figures, "by"), "reason", values_text(figures, "reason"));
}

void report_csv_print(const struct report *r)
{
	size_t i;
	json_t *record;
	printf("start,end,kind,name,figure,value\r\n");
	json_array_foreach((json_t *)r->parts, i, record) put_record(r, record);
}
