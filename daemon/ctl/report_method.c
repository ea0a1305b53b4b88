#include "daemon/ctl/report_method.h"

#include "daemon/ctl/printable.h"
#include "daemon/ctl/values.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE 80

/* A paragraph, in lines of LINE columns. */
static void put(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct arena *a, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	const char *text = printable(a, arena_vprintf(a, format, ap));
	va_end(ap);
	size_t column = 0;
	while (*text) {
		size_t n = strcspn(text, " ");
		const char *word = arena_strndup(a, text, n);
		size_t width = printable_width(word);
		if (column > 0 && column + 1 + width > LINE) {
			putchar('\n');
			column = 0;
		}
		column += (size_t)printf("%s%s", column ? " " : "", word) - n + width;
		text += n;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static bool has(const json_t *object, const char *key)
{
	return json_is_number(json_object_get(object, key));
}

/* Which meters there were, by what they stand for. */
static void put_sources(const struct report *r)
{
	const char *name, *list = "";
	json_t *meter;
	json_object_foreach(json_object_get(r->whole, "meters"), name, meter)
	{
		const char *role = values_text(meter, "role");
		list = arena_printf(r->arena, "%s%s%s%s%s%s", list, *list ? ", " : "", name,
		    *role ? " (" : "", role, *role ? ")" : "");
	}
	put(r->arena,
	    "Sources: the meters %s. The energy of a meter is what its counter rose by; of one without a "
	    "counter, its "
	    "power over time. FROM and TO are its first and last reading of the time.",
	    *list ? list : "- none -");
}

static void put_formula(const struct report *r, const char *name, const json_t *p)
{
	struct arena *a = r->arena;
	const bool plain = has(p, "facility_kwh") && has(p, "it_kwh") && has(p, "pue") &&
			   number(p, "it_kwh") > 0 && !has(p, "export_kwh") &&
			   !has(p, "it_embedded_cooling_kwh");
	if (plain)
		put(a,
		    "PUE %s is the energy of the facility over that of IT in the same time, and no mean of "
		    "ratios: %.6g kWh / %.6g kWh = %.4g "
		    "(ISO/IEC 30134-2).",
		    name, number(p, "facility_kwh"), number(p, "it_kwh"),
		    number(p, "facility_kwh") / number(p, "it_kwh"));
	else if (json_is_true(json_object_get(p, "partial")))
		put(a,
		    "PUE %s is partial: there is no meter of the facility, so it is IT and cooling over IT.",
		    name);
	else
		put(a,
		    "PUE %s is all energy over that of IT in the same time, and no mean of ratios (ISO/IEC "
		    "30134-2); what is exported, and "
		    "cooling that the IT meters have in them, is taken out.",
		    name);
	if (!has(p, "pue"))
		put(a, "It cannot be stated: %s.",
		    *values_text(p, "reason") ? values_text(p, "reason") : values_text(p, "quality"));
}

static void put_doubts(const struct report *r, const json_t *p)
{
	struct arena *a = r->arena;
	const double estimated = number(p, "estimated_kwh"),
		     all = has(p, "facility_kwh") ? number(p, "facility_kwh") : number(p, "it_kwh");
	put(a, "Coverage: all meters that it needs were measured for %.4g %% of the time; %s.",
	    number(p, "coverage") * 100,
	    json_is_true(json_object_get(p, "energy_complete"))
		? "counters have the energy of the rest, so nothing is missing"
		: "of the rest the energy is missing");
	put(a,
	    "Estimated: %.6g kWh%s lie in gaps that were bridged: a counter went on while nothing was read, "
	    "and its energy is spread over "
	    "the gap; or the power bridges what a counter lost when it was reset.",
	    estimated, all > 0 ? arena_printf(a, " (%.3g %%)", estimated / all * 100) : "");
	if (has(p, "uncertainty"))
		put(a,
		    "Uncertainty: +-%.3g (k = 2, so 95 of 100 such figures are within), from the classes of "
		    "the meters, the steps of their "
		    "counters and how often these are read.",
		    number(p, "uncertainty"));
	else if (!has(p, "pue"))
		put(a, "Uncertainty: not stated, for the figure itself is not known.");
	else
		put(a, "Uncertainty: not stated, for that needs the accuracy_class of all its meters.");
}

static void put_struck(const struct report *r)
{
	size_t i;
	json_t *struck;
	const json_t *all = json_object_get(r->whole, "struck");
	if (json_array_size(all) == 0) {
		put(r->arena, "Struck-out hours: none.");
		return;
	}
	put(r->arena, "Struck-out hours: these are kept, and no PUE of a longer time counts them or holds "
		      "them for measured:");
	json_array_foreach((json_t *)all, i, struck) put(r->arena, "  %s to %s, by %s: %s",
	    report_time(r, json_object_get(struck, "from")), report_time(r, json_object_get(struck, "to")),
	    values_text(struck, "by"), values_text(struck, "reason"));
}

void report_method_print(const struct report *r)
{
	const char *name;
	json_t *p;
	printf("\nHOW THESE FIGURES ARE MADE\n\n");
	put_sources(r);
	json_object_foreach(json_object_get(r->whole, "pue"), name, p)
	{
		putchar('\n');
		put_formula(r, name, p);
		put_doubts(r, p);
	}
	putchar('\n');
	put_struck(r);
}
