/* Writes coolantd.ini(5) from the table of keys, so that the manual knows what the program knows. */
#include "config.h"
#include "value.h"

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
		printf(" %s to %s.", value_duration_text((int64_t)(k->min * 1e9), low),
		    value_duration_text((int64_t)(k->max * 1e9), high));
	else if (k->type == SCHEMA_INT && k->max > k->min)
		printf(" %.15g to %.15g.", k->min, k->max);
}

static void put_key(const struct schema_key *k)
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
	if (k->flags & SCHEMA_LATER)
		printf(" Not available in this version: only the default is taken.");
	printf("\n");
}

static void put_section(const struct schema_section *s, const char *title)
{
	printf(".SS ");
	put(title);
	printf("\n");
	put(s->help);
	printf(".\n");
	for (size_t i = 0; i < s->key_count; i++)
		put_key(&s->keys[i]);
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
	for (size_t i = 0; i < config_section_count; i++) {
		const struct schema_section *s = config_sections[i];
		char title[64];
		snprintf(title, sizeof(title), "[%s%s]", s->kind, s->named ? ":NAME" : "");
		put_section(s, strcmp(s->kind, "point") == 0 ? "[point:DEVICE.NAME]" : title);
	}
	printf(".SH PROFILES\n"
	       "A profile is a file NAME.ini in /etc/coolantd/profiles or /usr/share/coolantd/profiles (or "
	       "in the\n"
	       "folders of $COOLANTD_PROFILE_PATH, colon separated) with a section [profile] and a "
	       "[point:NAME] for each\n"
	       "point, with the keys of [point:DEVICE.NAME] above.\n"
	       "Of a 32\\-bit value in two registers, word_order and byte_order big, big is ABCD; little, "
	       "big is CDAB;\n"
	       "big, little is BADC; little, little is DCBA.\n");
	put_section(&profile_section, "[profile]");
	printf(".SH SEE ALSO\n.BR coolantd (8),\n.BR coolantd\\-sim (1)\n");
	return 0;
}
