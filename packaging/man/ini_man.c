/* Writes coolantd.ini(5) from the table of keys, so that the manual knows what the program knows. */
#include "config/config.h"
#include "config/ini/text.h"
#include "config/sections/default_alarms.h"
#include "config/sections/point.h"

#include <stdio.h>
#include <string.h>

/* Text with the characters escaped that roff would take for its own. */
static void put(const char *s)
{
	for (; *s; s++) {
		if (*s == '\\' || *s == '-')
			putchar('\\');
		putchar(*s);
	}
}

static void put_choices(const struct schema_choice *c)
{
	const char *before = " One of";
	for (; c->word; c++) {
		printf("%s ", before);
		put(c->word);
		before = ",";
	}
	printf(".");
}

static void put_range(const struct schema_key *k)
{
	char low[32], high[32];
	if (k->type == SCHEMA_DURATION)
		printf(" %s to %s.", text_of_duration((int64_t)(k->min * 1e9), low),
		    text_of_duration((int64_t)(k->max * 1e9), high));
	else if (k->type == SCHEMA_INT && k->max > k->min)
		printf(" %.15g to %.15g.", k->min, k->max);
}

static void put_key(const struct schema_key *k, const char *inherits)
{
	printf(".TP\n.B ");
	put(k->key);
	printf("\n");
	put(k->help);
	printf(".");
	if (k->type == SCHEMA_BOOL)
		printf(" yes or no.");
	if (k->choices)
		put_choices(k->choices);
	put_range(k);
	if (k->flags & SCHEMA_REQUIRED)
		printf(" Required.");
	else if (k->def && *k->def) {
		printf(" Default ");
		put(k->def);
		printf(".");
	}
	if (inherits && (k->flags & SCHEMA_INHERITED))
		printf(" Default as in [%s].", inherits);
	printf("\n");
}

static void put_keys(const char *title, const char *help, const struct schema_key *keys, const char *inherits)
{
	printf(".SS ");
	put(title);
	printf("\n");
	put(help);
	printf(".\n");
	for (; keys->key; keys++)
		put_key(keys, inherits);
}

static void put_section(const struct config_section *s)
{
	char title[64];
	snprintf(title, sizeof(title), "[%s%s%s]", s->kind, s->name ? ":" : "", s->name ? s->name : "");
	put_keys(title, s->help, s->keys, s->inherits);
}

static void put_units(void)
{
	printf(".SH UNITS\n");
	for (enum quantity q = QUANTITY_NONE + 1; q < QUANTITY_COUNT; q++) {
		printf(".TP\n.B ");
		put(unit_words[q].quantity);
		printf("\n");
		put(unit_words[q].units);
		printf("\n");
	}
	printf(".PP\nA loop or a PUE takes any unit of the right kind.\n");
}

static void put_figures(void)
{
	printf(
	    ".SH FIGURES OF A LOOP\n"
	    "A loop publishes, and an alarm may look at as loop.NAME.FIGURE, what it has the inputs for:\n");
	for (unsigned v = 0; v < LOOP_VALUE_COUNT; v++) {
		const char *before = "Needs ";
		printf(".TP\n.BR ");
		put(loop_value_word(v));
		printf(" \" (");
		put(loop_values[v].unit);
		printf(")\"\n");
		put(loop_values[v].help);
		printf(".\n");
		for (unsigned i = 0; i < LOOP_IN_COUNT; i++) {
			if (!(loop_values[v].inputs & 1u << i))
				continue;
			printf("%s", before);
			put(loop_input_word(i));
			before = ", ";
		}
		for (unsigned i = 0; i < LOOP_IN_COUNT; i++) {
			if (!(loop_values[v].either & 1u << i))
				continue;
			printf("%s", before);
			put(loop_input_word(i));
			before = " or ";
		}
		printf(".\n");
	}
}

static void put_group_figures(void)
{
	printf(".SH FIGURES OF A GROUP\n"
	       "A group publishes, and an alarm may look at as group.NAME.FIGURE:\n");
	for (unsigned v = 0; v < GROUP_VALUE_COUNT; v++) {
		printf(".TP\n.BR ");
		put(group_values[v].word);
		printf(" \" (");
		put(group_values[v].unit);
		printf(")\"\n");
		put(group_values[v].help);
		printf(".\n");
	}
}

static void put_default_alarm(const struct loop_default *row)
{
	printf(".TP\n.B NAME\\-");
	put(row->suffix);
	printf("\n");
	put(loop_value_word(row->value));
	printf(" %s", alarm_when_word(row->when));
	if (row->limit_key) {
		printf(" ");
		put(row->limit_key);
	} else if (row->when != WHEN_SUSPECT) {
		const char *unit = loop_values[row->value].unit;
		printf(" %.15g%s%s", row->limit, strcmp(unit, "1") == 0 ? "" : " ",
		    strcmp(unit, "1") == 0 ? "" : unit);
	}
	printf(" for %lld s, %s", (long long)row->delay_on_s, alarm_severity_word(row->severity));
	if (row->needs_load)
		printf(" (%s when it_power is below %g kW at that time)",
		    alarm_severity_word(SEVERITY_WARNING), LOOP_IDLE_WATTS / 1e3);
	if (row->suppressor) {
		printf(", suppressed by NAME\\-");
		put(row->suppressor);
	}
	printf(": ");
	put(row->message);
	printf(" NAME.\n");
}

static void put_default_alarms(void)
{
	printf(".SH DEFAULT ALARMS\n"
	       "Unless alarms = no, a loop NAME has these, as far as it has their figures and limits. An "
	       "alarm of "
	       "the configuration\n"
	       "with the same name, or on the same point or figure in the same direction with the same "
	       "severity, takes the place\n"
	       "of a default one.\n");
	for (size_t i = 0; i < loop_default_count; i++)
		put_default_alarm(&loop_defaults[i]);
	for (size_t i = 0; i < group_default_count; i++) {
		const struct group_default *row = &group_defaults[i];
		printf(".TP\n.B GROUP\\-%s\n", row->suffix);
		printf("fit below needed%s for %d s, %s", row->more ? " + 1" : "", GROUP_DEFAULT_DELAY_S,
		    alarm_severity_word(row->severity));
		if (row->suppressor)
			printf(", suppressed by GROUP\\-%s", row->suppressor);
		printf(": %s GROUP; of a group that has so many.\n", row->message);
	}
	for (unsigned i = 0; i < LOOP_IN_COUNT; i++) {
		printf(".TP\n.B NAME\\-");
		put(loop_input_word(i));
		printf("\\-lost\n");
		put(loop_input_word(i));
		printf(" lost, warning.\n");
	}
	printf(
	    ".PP\nLost is what has no usable reading for three polls, for whatever reason: stale, bad, "
	    "invalid.\n"
	    "A sensor that serves as two inputs has one such alarm, and a list of sensors one for all of "
	    "them.\n"
	    "With liquid_share the energy balance is also judged below \\-balance_tolerance.\n"
	    "A leak point of a device (a bool named leak, leak_NAME or NAME_leak) has an alarm "
	    "DEVICE\\-POINT: "
	    "critical, at once,\n"
	    "cleared after 5 s and latched until acknowledged, unless the device has alarms = no;\n"
	    "and DEVICE\\-POINT\\-lost, warning. A meter of a PUE NAME has an alarm NAME\\-METER\\-lost, "
	    "warning, with a\n"
	    "dash for the dot of a point, unless the PUE has alarms = no.\n"
	    "A device that %d or more of these alarms are about has an alarm DEVICE\\-silent, warning, when "
	    "none of its points is read\n"
	    "any more; it suppresses them, so that a silent device is no flood of alarms.\n",
	    SILENT_LEAST);
}

static void put_leak_groups(void)
{
	printf(
	    ".SH LEAK GROUPS\n"
	    "Each leak detector has an alarm of its own that is critical at once. Where a single minor "
	    "detector is not, give\n"
	    "its device alarms = no and put it into a group: it is a warning that becomes critical when it "
	    "lasts, or when\n"
	    "any two of them leak. The value that is published is how many do. A detector that is lost makes "
	    "the group\n"
	    "unknown as long as no other leaks, and is no leak.\n"
	    ".PP\n.nf\n.RS\n[alarm:row_leak]\npoint = any: tray1.leak, tray2.leak, tray3.leak\n"
	    "severity = warning\nescalate_after = 10m\nlatch = yes\nmessage = a leak under the row\n"
	    ".RE\n.fi\n");
}

int main(void)
{
	printf(".TH COOLANTD.INI 5 \"\" \"coolantd " COOLANTD_VERSION "\" \"coolantd\"\n"
	       ".SH NAME\ncoolantd.ini \\- configuration of coolantd\n"
	       ".SH SYNOPSIS\n.I /etc/coolantd/coolantd.ini\n.br\n.I /etc/coolantd/coolantd.d/*.ini\n"
	       ".SH DESCRIPTION\n"
	       "The file is read first, then the files of the folder in the order of their names; a later "
	       "one adds\n"
	       "sections and overrides keys. It is UTF\\-8. A # or ; at the start of a line or after white "
	       "space begins\n"
	       "a comment. A line has at most %d bytes. Section names are [kind] or [kind:name]; a name has "
	       "1 to %d of\n"
	       "a\\-z 0\\-9 _ \\-, the first a letter or digit. Durations have a unit: 250ms, 1s, 15m, 1h, "
	       "30d; sizes too:\n"
	       "64MiB. Every mistake is an error with its file and line; check with\n.BR \"coolantd "
	       "\\-\\-check\" .\n"
	       ".SH SECTIONS\n",
	    INI_LINE_MAX, NAME_LENGTH_MAX);
	for (size_t i = 0; i < config_section_count; i++)
		if (config_sections[i] != &point_section)
			put_section(config_sections[i]);
	put_section(&point_section); /* beside the profiles, which have the same keys */
	printf(".SH PROFILES\n"
	       "A profile is a file NAME.ini in /etc/coolantd/profiles or /usr/share/coolantd/profiles (or "
	       "in the\n"
	       "folders of $COOLANTD_PROFILE_PATH, colon separated) with a section [profile] and a "
	       "[point:NAME] for each\n"
	       "point, with the keys of [point:DEVICE.NAME] above.\n"
	       "Of a 32\\-bit value in two registers, word_order and byte_order big, big is ABCD; little, "
	       "big is CDAB;\n"
	       "big, little is BADC; little, little is DCBA.\n");
	put_keys("[profile]", "a device model", profile_keys, NULL);
	put_units();
	put_figures();
	put_group_figures();
	put_default_alarms();
	put_leak_groups();
	printf(".SH SEE ALSO\n.BR coolantd (8),\n.BR coolantd\\-sim (1)\n");
	return 0;
}
