#include "daemon/ctl/init_text.h"

#include "config/config.h"
#include "config/ini/cleanup.h"
#include "daemon/ctl/bus_url.h"

#include <errno.h>
#include <string.h>

bool init_take_bus(struct init_answers *x, struct arena *a, const char *text)
{
	const char *equals = strchr(text, '=');
	if (!equals || equals == text || x->bus_count == INIT_BUSES_MAX)
		return false;
	x->buses[x->bus_count].name = arena_strndup(a, text, (size_t)(equals - text));
	x->buses[x->bus_count++].url = equals + 1;
	return true;
}

bool init_take_device(struct init_answers *x, struct arena *a, const char *text)
{
	const char *equals = strchr(text, '=');
	const char *first = equals ? strchr(equals, ':') : NULL,
		   *second = first ? strchr(first + 1, ':') : NULL;
	if (!second || equals == text || x->device_count == INIT_DEVICES_MAX)
		return false;
	x->devices[x->device_count].name = arena_strndup(a, text, (size_t)(equals - text));
	x->devices[x->device_count].bus = arena_strndup(a, equals + 1, (size_t)(first - equals - 1));
	x->devices[x->device_count].unit = arena_strndup(a, first + 1, (size_t)(second - first - 1));
	x->devices[x->device_count++].profile = second + 1;
	return true;
}

/* What a key of a section is set to. */
struct told {
	const char *key, *value;
};

static const char *find_told(const struct told *t, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (t[i].value && *t[i].value && strcmp(t[i].key, key) == 0)
			return t[i].value;
	return NULL;
}

/* Each key with what it is for; those that are not told are comments with their defaults. */
static void put_section(FILE *out, const struct config_section *s, const struct told *t, size_t count)
{
	fprintf(out, "# %s\n[%s]\n", s->help, s->kind);
	for (const struct schema_key *k = s->keys; k->key; k++) {
		const char *value = find_told(t, count, k->key);
		fprintf(out, "# %s\n", k->help);
		if (value)
			fprintf(out, "%s = %s\n", k->key, value);
		else
			fprintf(out, "#%s = %s\n", k->key, k->def ? k->def : "");
	}
	fputc('\n', out);
}

/* The lines below the title. */
static const char *bus_lines(const char *url, struct arena *a, const char **why)
{
	struct diag *d = diag_new();
	const struct bus_config *b = bus_url_is(url) ? bus_url_parse(url, a, d) : NULL;
	diag_free(d);
	if (b)
		return bus_url_section(b, a);
	*why = arena_printf(a,
	    "'%s' is no bus (allowed: tcp://HOST[:PORT], rtutcp://HOST:PORT, "
	    "rtu:///dev/ttyUSB0?baud=19200&parity=even&stop_bits=1)",
	    url);
	return NULL;
}

static bool put_buses(FILE *out, const struct init_answers *x, struct arena *a, const char **why)
{
	fprintf(out, "# --- buses: a serial line, or a host and port; coolantctl scan finds the devices of "
		     "one ---\n\n");
	for (size_t i = 0; i < x->bus_count; i++) {
		const char *lines = bus_lines(x->buses[i].url, a, why);
		if (!lines)
			return false;
		fprintf(out, "[bus:%s]\n%s\n", x->buses[i].name, lines);
	}
	if (x->bus_count == 0)
		fprintf(out, "#[bus:cdu]\n#type = tcp\n#host = 192.0.2.10\n\n");
	return true;
}

static void put_devices(FILE *out, const struct init_answers *x)
{
	fprintf(
	    out, "# --- devices: a unit on a bus, with a profile; coolantctl profiles lists these ---\n\n");
	for (size_t i = 0; i < x->device_count; i++) {
		fprintf(out, "[device:%s]\nbus = %s\n", x->devices[i].name, x->devices[i].bus);
		if (*x->devices[i].unit)
			fprintf(out, "unit = %s\n", x->devices[i].unit);
		fprintf(out, "profile = %s\n\n", x->devices[i].profile);
	}
	if (x->device_count == 0)
		fprintf(out, "#[device:cdu1]\n#bus = cdu\n#unit = 1\n#profile = orv3-rpu\n\n");
}

static bool has_points(const struct profile *p, const char *const *names, size_t count)
{
	bool has = p != NULL;
	for (size_t i = 0; has && i < count; i++)
		has = name_index_find(&p->point_names, names[i], strlen(names[i])) != NULL;
	return has;
}

/* A loop for each device that measures all of one. */
static void put_loops(FILE *out, const struct init_answers *x, struct arena *a)
{
	static const char *const inputs[] = { "flow_rate", "supply_temperature", "return_temperature" };
	bool any = false;
	fprintf(out, "# --- coolant loops: heat, and with more inputs the state of pump and filter; see "
		     "coolantd.ini(5) ---\n\n");
	for (size_t i = 0; i < x->device_count; i++) {
		struct diag *d = diag_new();
		const char *name = x->devices[i].name;
		const struct profile *p =
		    profile_load(x->devices[i].profile, a, d, (struct diag_place){ .file = name });
		diag_free(d);
		if (!has_points(p, inputs, sizeof(inputs) / sizeof(inputs[0])))
			continue;
		any = true;
		fprintf(out, "[loop:%s]\ncoolant = %s\nflow = %s.%s\nsupply = %s.%s\nreturn = %s.%s\n\n",
		    name, x->coolant && *x->coolant ? x->coolant : "pg25", name, inputs[0], name, inputs[1],
		    name, inputs[2]);
	}
	if (!any)
		fprintf(out, "#[loop:secondary]\n#coolant = pg25\n#flow = cdu1.flow_rate\n#supply = "
			     "cdu1.supply_temperature\n#return = cdu1.return_temperature\n\n");
}

static void put_pue(FILE *out, const struct init_answers *x)
{
	const bool told = x->it && *x->it;
	const char *off = told ? "" : "#";
	fprintf(out, "# --- PUE: meters of all that the row takes, and of its IT; cooling makes a partial "
		     "PUE without the first ---\n\n");
	fprintf(out, "%s[pue:row]\n", off);
	if (!told)
		fprintf(out, "#facility = meter_main\n");
	else if (x->facility && *x->facility)
		fprintf(out, "facility = %s\n", x->facility);
	if (told && x->cooling && *x->cooling)
		fprintf(out, "cooling = %s\n", x->cooling);
	fprintf(out, "%sit = %s\n", off, told ? x->it : "pdu1, pdu2");
	fprintf(out, "%swindows = 1m, 15m, 1h, 1d, 30d, 365d\n%sboundary = row\n", off, off);
}

static bool put_all(FILE *out, const struct init_answers *x, struct arena *a, const char **why)
{
	const struct told general[] = { { "site", x->site }, { "rack", x->rack } };
	const struct told mqtt[] = { { "broker", x->broker }, { "username", x->username },
		{ "password_file", x->password_file } };
	fprintf(out, "# coolantd.ini, written by coolantctl init. A line that begins with # or ; is a "
		     "comment; a key that is one has\n"
		     "# the default that is written there. Check it with: coolantctl check\n\n");
	put_section(out, &daemon_section, general, sizeof(general) / sizeof(general[0]));
	put_section(out, &mqtt_section, mqtt, sizeof(mqtt) / sizeof(mqtt[0]));
	put_section(out, &spool_section, NULL, 0);
	put_section(out, &records_section, NULL, 0);
	if (!put_buses(out, x, a, why))
		return false;
	put_devices(out, x);
	put_loops(out, x, a);
	put_pue(out, x);
	return true;
}

const char *init_text(const struct init_answers *x, struct arena *a, const char **why)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	if (!out)
		abort(); /* as the arena does without memory */
	bool good = put_all(out, x, a, why);
	if (fclose(out) != 0)
		abort();
	return good ? arena_strndup(a, text, size) : NULL;
}

struct mistakes {
	struct arena *arena;
	const char *text, *folder;
};

static void take_mistake(bool is_error, const char *text, void *user)
{
	struct mistakes *m = user;
	const size_t n = strlen(m->folder);
	if (is_error)
		m->text = arena_printf(m->arena, "%s%s%s", m->text, *m->text ? "; " : "",
		    strncmp(text, m->folder, n) == 0 ? text + n + 1 : text);
}

/* In a folder of its own, so that no drop-in is beside it. */
const char *init_text_check(const char *text, struct arena *a)
{
	char folder[] = "/tmp/coolantctl.XXXXXX";
	struct mistakes m = { a, "", folder };
	if (!mkdtemp(folder))
		return arena_printf(a, "%s: %s", folder, strerror(errno));
	const char *path = arena_printf(a, "%s/coolantd.ini", folder);
	FILE *f = fopen(path, "we");
	const bool written = f && fputs(text, f) >= 0;
	if ((!f || fclose(f) != 0) || !written)
		m.text = arena_printf(a, "%s: %s", path, strerror(errno));
	struct diag *d = diag_new();
	config_unref(*m.text ? NULL : config_load(path, d));
	diag_each(d, take_mistake, &m);
	diag_free(d);
	(void)unlink(path);
	(void)rmdir(folder);
	return *m.text ? m.text : NULL;
}
