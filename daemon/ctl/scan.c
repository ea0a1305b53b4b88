/* scan: the units of a bus and the sections of a configuration for them. */
#include "config/ini/cleanup.h"
#include "config/ini/text.h"
#include "daemon/ctl/bus_url.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/say.h"
#include "daemon/ctl/survey.h"
#include "daemon/publish/json_writer.h"
#include "drivers/os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNITS_DEFAULT "1-32"
/* What devices are set to, the most frequent first. */
#define ALL_BAUDS "9600,19200,38400,57600,115200,4800,2400,1200"
#define ALL_PARITIES "even,none,odd"

struct options {
	const char *where, *units, *bauds, *parities;
};

static int wrong(const char *option, const char *text, const char *allowed)
{
	say_note("%s %s (allowed: %s)", option, text, allowed);
	return CTL_USAGE;
}

/* 1-32,40 */
static bool parse_units(char *text, bool units[static SURVEY_UNITS])
{
	char *save = NULL;
	bool any = false;
	for (char *item = strtok_r(text, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		int64_t first, last;
		char *dash = strchr(item, '-');
		if (dash)
			*dash++ = '\0';
		if (text_int(item, &first) < 0 || text_int(dash ? dash : item, &last) < 0 || first < 0 ||
		    last > 255 || first > last)
			return false;
		for (int64_t unit = first; unit <= last; unit++)
			units[unit] = any = true;
	}
	return any;
}

static bool parse_bauds(char *text, struct survey_plan *plan)
{
	char *save = NULL;
	for (char *item = strtok_r(text, ",", &save); item; item = strtok_r(NULL, ",", &save))
		if (plan->baud_count == SURVEY_SETTINGS_MAX ||
		    !bus_baud_find(item, &plan->bauds[plan->baud_count++]))
			return false;
	return plan->baud_count > 0;
}

static bool parse_parities(char *text, struct survey_plan *plan)
{
	char *save = NULL;
	for (char *item = strtok_r(text, ",", &save); item; item = strtok_r(NULL, ",", &save))
		if (plan->parity_count == sizeof(plan->parities) / sizeof(plan->parities[0]) ||
		    !bus_parity_find(item, &plan->parities[plan->parity_count++]))
			return false;
	return plan->parity_count > 0;
}

static int make_plan(const struct options *o, struct survey_plan *plan)
{
	_cleanup_free_ char *units = strdup(o->units), *bauds = NULL, *parities = NULL;
	if (o->bauds)
		bauds = strdup(strcmp(o->bauds, "all") == 0 ? ALL_BAUDS : o->bauds);
	if (o->parities)
		parities = strdup(strcmp(o->parities, "all") == 0 ? ALL_PARITIES : o->parities);
	*plan = (struct survey_plan){ 0 };
	if (!units || (o->bauds && !bauds) || (o->parities && !parities))
		return EXIT_FAILURE;
	if (!parse_units(units, plan->units))
		return wrong(
		    "--units", o->units, "units 0 to 255 and ranges with commas between them: 1-32,40");
	if (bauds && !parse_bauds(bauds, plan))
		return wrong("--baud", o->bauds, "all, or a list: " ALL_BAUDS);
	if (parities && !parse_parities(parities, plan))
		return wrong("--parity", o->parities, "all, or a list: " ALL_PARITIES);
	return 0;
}

/* What the kind of bus does not have. */
static int check_plan(const struct options *o, const struct port *p, struct survey_plan *plan)
{
	const struct bus_config *bus = port_bus(p);
	if ((o->bauds || o->parities) && port_is_shared(p)) {
		say_note("the running coolantd holds the port of bus %s at its own baud and parity; "
			 "stop "
			 "it to try others",
		    bus->name);
		return CTL_USAGE;
	}
	if ((o->bauds || o->parities) && bus->type != BUS_RTU) {
		say_note("--baud and --parity are for a serial port; those of a line behind %s are "
			 "set "
			 "there",
		    bus->name);
		return CTL_USAGE;
	}
	bool tcp = bus->type == BUS_TCP;
	for (unsigned unit = tcp ? 256 : 248; unit < SURVEY_UNITS; unit++)
		if (plan->units[unit])
			return wrong("--units", o->units, "1-247 on a serial line");
	if (plan->units[0] && !tcp)
		return wrong("--units", o->units, "1-247 on a serial line: 0 is its broadcast address");
	return 0;
}

/* Lower case with dashes, as far as it is a name. */
static void put_device_name(const struct survey_unit *u)
{
	if (u->profile)
		printf("%.50s-%u", u->profile, u->finding.unit);
	else
		printf("unit%u", u->finding.unit);
}

static const struct device_config *find_device(const struct port *p, const struct survey_unit *u)
{
	const struct config *c = port_config(p);
	for (size_t i = 0; c && i < c->device_count; i++)
		if (&c->buses[c->devices[i].bus] == port_bus(p) && c->devices[i].unit == u->finding.unit)
			return &c->devices[i];
	return NULL;
}

static void put_comment(const struct survey_unit *u, const struct models *m)
{
	const struct scan_finding *f = &u->finding;
	char guess[MODELS_GUESS_MAX];
	printf("; unit %u answers in %.1f ms", f->unit, (double)f->latency_ns / NS_PER_MS);
	if (u->is.vendor[0] || u->is.product[0])
		printf(" and says it is %s %s%s%s", u->is.vendor, u->is.product,
		    u->is.revision[0] ? ", revision " : "", u->is.revision);
	printf("\n");
	if (u->profile)
		return;
	models_guess(m, &u->is, guess);
	if (guess[0])
		printf("; profiles of that vendor, none of which is told by registers: %s\n", guess);
	if (u->alike[0])
		printf("; it has the registers of these profiles, with values that could be readings: %s\n",
		    u->alike);
	printf(
	    "; no profile knows it: its manual tells the registers, coolantctl read shows what they hold\n");
}

static void put_device(const struct survey_unit *u, const struct models *m, const char *bus)
{
	put_comment(u, m);
	printf("[device:");
	put_device_name(u);
	printf("]\nbus = %s\nunit = %u\n", bus, u->finding.unit);
	if (u->profile) {
		const struct profile *p = models_profile(m, u->profile);
		printf("profile = %s  ; %s %s\n\n", u->profile, p->vendor, p->model);
		return;
	}
	const char *table = point_table_word(u->has_register ? u->reg.table : POINT_HOLDING);
	unsigned address = u->has_register ? u->reg.address : 0;
	printf("\n[point:");
	put_device_name(u);
	printf(".%s_%u]\nregister = %s:%u  ; %s\n\n", table, address, table, address,
	    u->has_register ? "the first that it gives" : "write one of its manual");
}

static bool is_first_of_line(const struct survey *s, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (s->units[k].finding.present && s->units[k].baud == s->units[i].baud &&
		    s->units[k].parity == s->units[i].parity)
			return false;
	return true;
}

/* A section for the bus where there is none yet. Returns its name. */
static const char *put_bus(const struct port *p, const struct survey *s, const struct survey_unit *u)
{
	const struct bus_config *bus = port_bus(p);
	struct bus_config line = *bus;
	if (!bus_url_is(bus->name)) {
		if (!port_is_shared(p) && (u->baud != bus->baud || u->parity != bus->parity))
			printf("; set baud = %d and parity = %s in [bus:%s] for what follows\n\n", u->baud,
			    bus_parity_word(u->parity), bus->name);
		return bus->name;
	}
	line.baud = u->baud;
	line.parity = u->parity;
	line.response_timeout = s->response_timeout;
	struct arena *a = arena_new();
	printf("[bus:field]\n%s\n", bus_url_section(&line, a));
	arena_free(a);
	return "field";
}

/* All of it is a piece of a configuration. */
static void print(const struct port *p, const struct survey *s, const struct models *m)
{
	const struct survey_unit *line = NULL;
	const char *bus = NULL;
	bool told = false;
	for (size_t i = 0; i < s->count; i++) {
		const struct survey_unit *u = &s->units[i];
		if (!u->finding.present || (s->every && told))
			continue;
		if (line && is_first_of_line(s, i))
			printf("; what follows is at baud = %d, parity = %s: a line has one setting\n\n",
			    u->baud, bus_parity_word(u->parity));
		if (!line) {
			line = u;
			bus = put_bus(p, s, u);
		}
		const struct device_config *known = find_device(p, u);
		if (known)
			printf("; unit %u is [device:%s]\n\n", u->finding.unit, known->name);
		else
			put_device(u, m, bus);
		told = true;
	}
	if (s->every)
		printf("; every unit that was asked answers: this is one device that does not look at the "
		       "unit\n");
}

static void put_json_unit(struct json_writer *w, const struct port *p, const struct survey_unit *u)
{
	json_open(w, NULL);
	json_unsigned(w, "unit", u->finding.unit);
	if (port_bus(p)->type != BUS_TCP && !port_is_shared(p)) {
		json_integer(w, "baud", u->baud);
		json_text(w, "parity", bus_parity_word(u->parity));
	}
	json_bool(w, "present", u->finding.present);
	if (u->finding.present)
		json_number(w, "latency_ms", (double)u->finding.latency_ns / NS_PER_MS, JSON_FIGURE);
	if (u->profile)
		json_text(w, "profile", u->profile);
	else
		json_null(w, "profile");
	json_text(w, "alike", u->alike);
	json_text(w, "vendor", u->is.vendor);
	json_text(w, "product", u->is.product);
	json_text(w, "revision", u->is.revision);
	json_close(w);
}

static void print_json(const struct port *p, const struct survey *s)
{
	struct json_writer w;
	json_begin(&w);
	json_open(&w, NULL);
	json_text(&w, "bus", port_bus(p)->name);
	json_unsigned(&w, "asked", s->asked);
	json_bool(&w, "complete", !s->stopped);
	json_open_list(&w, "units");
	for (size_t i = 0; i < s->count; i++)
		put_json_unit(&w, p, &s->units[i]);
	json_close_list(&w);
	json_close(&w);
	_cleanup_free_ char *text = json_finish(&w);
	if (text)
		printf("%s\n", text);
}

/* What is to be known beside what was found. Returns the exit code. */
static int conclude(const struct survey *s, const struct options *o, const struct port *p, size_t present)
{
	for (size_t i = 0; i < s->count; i++)
		if (!s->units[i].finding.present)
			say_note("asked for unit %u, what comes is no Modbus reply: another baud or "
				 "parity "
				 "(--baud all --parity all), or two devices of that unit",
			    s->units[i].finding.unit);
	if (s->stopped)
		say_note("interrupted: not all units of %s were asked", o->units);
	else if (present == 0)
		say_note("no unit of %s answers on %s%s", o->units, port_bus(p)->name,
		    port_bus(p)->type == BUS_TCP
			? " (--units 0-255 asks all)"
			: " (--baud all --parity all tries other settings, --units 1-247 asks all; is A "
			  "changed with B?)");
	return s->stopped || present == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int scan(
    const struct ctl *ctl, const struct options *o, struct port *p, const struct survey_plan *plan)
{
	struct survey s;
	struct models *m = models_load();
	size_t present = 0;
	int err = m ? survey_run(ctl, p, plan, m, &s) : -1;
	if (!m || err < 0) {
		if (m)
			survey_deinit(&s);
		models_free(m);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < s.count; i++)
		present += s.units[i].finding.present;
	if (ctl->json)
		print_json(p, &s);
	else
		print(p, &s, m);
	fflush(stdout);
	int code = conclude(&s, o, p, present);
	survey_deinit(&s);
	models_free(m);
	return code;
}

static int run(struct ctl *ctl)
{
	const char *units = ctl_option(ctl, "units");
	struct options o = { .where = ctl->words[0],
		.units = units ? units : UNITS_DEFAULT,
		.bauds = ctl_option(ctl, "baud"),
		.parities = ctl_option(ctl, "parity") };
	struct survey_plan plan;
	int code = make_plan(&o, &plan);
	struct port *p = code ? NULL : port_open(ctl, o.where, &code);
	if (!p)
		return code;
	code = check_plan(&o, p, &plan);
	if (!code)
		code = scan(ctl, &o, p, &plan);
	port_close(p);
	return code;
}

static const struct command_option options[] = {
	{ "units", 0, "LIST", "the units to ask, as 1-32 or 1,5,17 (default " UNITS_DEFAULT ")" },
	{ "baud", 0, "LIST", "of a serial port: the rates to try, as 9600,19200 or all" },
	{ "parity", 0, "LIST", "of a serial port: the parities to try, as even,none or all" },
	{ NULL },
};

const struct command scan_command = {
	.name = "scan",
	.arguments = "BUS-OR-URL",
	.help = "the units of a bus and the sections of a configuration for them",
	.about =
	    "Each unit is asked for holding register 0, for one response_timeout of the bus; where replies "
	    "come later than that, it is doubled, up to 4 s. A unit is told by the identify registers of the "
	    "profiles and by what it says of itself (Read Device Identification); one that no profile knows "
	    "is "
	    "looked at until it gives a register. What is printed is a piece of a configuration. Only reads "
	    "are sent; Ctrl-C ends it with what was found so far. The line is tried as the URL or the bus "
	    "says, "
	    "unless --baud or --parity tell others, which needs the port: not while coolantd holds it.",
	.options = options,
	.least = 1,
	.most = 1,
	.word = COMMAND_WORD_BUS,
	.schema = "ctl-scan",
	.stops = true,
	.run = run,
};
