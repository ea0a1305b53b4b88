/* check: whether a configuration is good, and what it comes to, as the service's user would find it. */
#include "daemon/check.h"
#include "config/config.h"
#include "config/ini/cleanup.h"
#include "daemon/broker/connection.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/printable.h"
#include "daemon/ctl/profile_places.h"
#include "daemon/ctl/say.h"
#include "daemon/ctl/service_user.h"
#include "daemon/ctl/values.h"
#include "daemon/files.h"
#include "drivers/modbus/bus_load.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>

enum severity { NOTE, WARNING, ERROR };

struct check {
	struct ctl *ctl;
	struct arena *arena;
	const char *path, *user;
	struct profile_places places; /* as the caller sees them */
	struct config *config;	      /* NULL while it is bad */
	json_t *findings, *lines;
	size_t errors;
};

static void add(struct check *k, enum severity s, const char *text)
{
	static const char *const words[] = { "note", "warning", "error" };
	k->errors += s == ERROR;
	text = printable(k->arena, text);
	json_array_append_new(k->findings, json_pack("{s:s, s:s}", "severity", words[s], "text", text));
	if (!k->ctl->json)
		say_note("%s%s", s == NOTE ? "note: " : s == WARNING ? "warning: " : "", text);
}

static void take_finding(bool is_error, const char *text, void *user)
{
	add(user, is_error ? ERROR : NOTE, text);
}

static void take_line(bool is_warning, const char *text, void *user)
{
	struct check *k = user;
	if (is_warning)
		add(k, WARNING, text);
	else
		json_array_append_new(k->lines, json_string(printable(k->arena, text)));
}

static bool is_used(const struct config *c, const char *profile)
{
	for (size_t i = 0; i < c->device_count; i++)
		if (strcmp(c->devices[i].profile_name, profile) == 0)
			return true;
	return false;
}

/* One that the user cannot read is as if it were not there: another of its name would be taken unsaid. */
static void check_profile(struct check *k, size_t i)
{
	const struct profile_place *p = &k->places.items[i];
	if (profile_places_next(&k->places, p->name, 0) != p)
		return; /* said of the one that hides it */
	const struct profile_place *next = profile_places_next(&k->places, p->name, i + 1);
	const bool used = k->config && is_used(k->config, p->name);
	if (access(p->path, R_OK) < 0)
		add(k, used || !k->config ? ERROR : WARNING,
		    arena_printf(k->arena,
			"%s: %s cannot read it: %s%s%s (allowed: chmod 644 of it, 755 of its folder)",
			p->path, k->user, strerror(errno), next ? ", and would take " : "",
			next ? next->path : ""));
	else if (next)
		add(k, used ? WARNING : NOTE,
		    arena_printf(k->arena,
			"%s replaces %s, which has the same name (allowed: another name, if both are wanted)",
			p->path, next->path));
	if (!used && k->config && (p->folder + 1 < k->places.folder_count || k->places.folder_count == 1))
		add(k, NOTE, arena_printf(k->arena, "%s: no device uses this profile", p->path));
}

static const char *file_of(const struct mqtt_settings *s, const char *key)
{
	return strcmp(key, "password_file") == 0 ? s->password_file
	       : strcmp(key, "ca_file") == 0	 ? s->ca_file
	       : strcmp(key, "cert_file") == 0	 ? s->cert_file
						 : s->key_file;
}

/* FILE:LINE: [section] key: what */
static const char *placed(struct check *k, const char *section, const char *key, const char *what)
{
	struct diag_place place = { .file = k->config->path };
	for (const struct ini_section *s = k->config->sections; s; s = s->next)
		if (strcmp(s->title, section) == 0)
			place = schema_place(s, key);
	if (place.line == 0)
		return arena_printf(k->arena, "%s: [%s] %s: %s", place.file, section, key, what);
	return arena_printf(k->arena, "%s:%d: [%s] %s: %s", place.file, place.line, section, key, what);
}

static void check_connection(struct check *k, enum output_connection which)
{
	char what[PATH_MAX + 64];
	const struct connection_settings s = connection_settings_of(k->config, which);
	const char *section = which == OUTPUT_MAIN ? "mqtt" : output_connection_word(which);
	const char *key = mqtt_unusable_file(&s.mqtt, what, sizeof(what));
	if (!key)
		return;
	const char *file = file_of(&s.mqtt, key);
	if (file[0] != '/' && service_user_has_credential(k->arena, file))
		add(k, NOTE,
		    placed(k, section, key,
			arena_printf(
			    k->arena, "%s comes with LoadCredential= of the unit: not looked at", file)));
	else
		add(k, ERROR, placed(k, section, key, arena_printf(k->arena, "%s (as %s)", what, k->user)));
}

static void check_port(struct check *k, const struct bus_config *b)
{
	if (b->type != BUS_RTU || access(b->port, R_OK | W_OK) == 0)
		return;
	const bool forbidden = errno == EACCES || errno == EPERM;
	const char *what = arena_printf(k->arena, "%s: %s%s", b->port, strerror(errno),
	    forbidden ? " (allowed: a port that the group dialout may read and write)"
		      : " (is the adapter plugged in? /dev/serial/by-id has names that stay)");
	add(k, forbidden ? ERROR : WARNING,
	    placed(k, arena_printf(k->arena, "bus:%s", b->name), "port", what));
}

/* What was read, each once, in the order in which it was. */
static json_t *files_read(const struct config *c)
{
	json_t *files = json_array(), *seen = json_object();
	for (const struct ini_section *s = c->sections; s; s = s->next)
		if (json_object_set_new_nocheck(seen, s->file, json_true()) == 0 &&
		    json_object_size(seen) > json_array_size(files))
			json_array_append_new(files, json_string(s->file));
	for (size_t i = 0; i < c->device_count; i++)
		if (c->devices[i].profile &&
		    json_object_set_new_nocheck(seen, c->devices[i].profile->path, json_true()) == 0 &&
		    json_object_size(seen) > json_array_size(files))
			json_array_append_new(files, json_string(c->devices[i].profile->path));
	json_decref(seen);
	return files;
}

static json_t *loads(const struct config *c)
{
	json_t *all = json_object();
	for (size_t i = 0; i < c->bus_count; i++) {
		struct bus_load load;
		if (bus_has_load(&c->buses[i]) && bus_load_compute(c, i, &load) == 0)
			json_object_set_new(all, c->buses[i].name,
			    json_pack("{s:f, s:f, s:f}", "load", load.share, "requests_per_s",
				load.requests_per_s, "stretch", load.stretch));
	}
	return all;
}

static void print(const struct check *k, const json_t *files)
{
	size_t i;
	json_t *x;
	printf("read, as %s:\n", printable(k->arena, k->user));
	json_array_foreach((json_t *)files, i, x) printf("  %s\n", printable(k->arena, json_string_value(x)));
	json_array_foreach(k->lines, i,
	    x) if (k->errors == 0 || i + 1 < json_array_size(k->lines)) /* the last says that it is good */
	    printf("%s\n", json_string_value(x));
	if (k->errors > 0)
		printf("%s: bad: %zu errors\n", printable(k->arena, k->path), k->errors);
}

static int finish(struct check *k)
{
	json_t *files = k->config ? files_read(k->config) : json_array();
	if (k->ctl->json) {
		json_t *all = json_pack("{s:s, s:s, s:b, s:O, s:O, s:o}", "file", k->path, "user", k->user,
		    "good", k->errors == 0, "files", files, "findings", k->findings, "buses",
		    k->config ? loads(k->config) : json_object());
		(void)values_print(k->arena, all);
		json_decref(all);
	} else if (k->config) {
		print(k, files);
	}
	json_decref(files);
	json_decref(k->findings);
	json_decref(k->lines);
	config_unref(k->config);
	return k->errors > 0 ? CTL_CONFIG : CTL_GOOD;
}

static int check(struct check *k)
{
	struct diag *diag = diag_new();
	k->findings = json_array();
	k->lines = json_array();
	k->config = config_load(k->path, diag);
	diag_each(diag, take_finding, k);
	diag_free(diag);
	for (size_t i = 0; i < k->places.count; i++)
		check_profile(k, i);
	if (k->config) {
		for (enum output_connection i = OUTPUT_MAIN; i < OUTPUT_CONNECTIONS; i++)
			if (output_connection_of(k->config, i))
				check_connection(k, i);
		for (size_t i = 0; i < k->config->bus_count; i++)
			check_port(k, &k->config->buses[i]);
		check_say(k->config, take_line, k);
		k->errors += !files_suffice(k->config);
	}
	return finish(k);
}

/* A file that the service could not reach wherever its rights are is not the one that it would run with: it
 * is read as whoever asks. */
static bool is_of_service(const struct check *k, const struct service_user *u)
{
	bool reached = strcmp(k->path, CTL_DEFAULT_CONFIG) == 0 || service_user_reaches(u, k->path);
	for (size_t i = 0; reached && getenv("COOLANTD_PROFILE_PATH") && i < k->places.folder_count; i++)
		reached =
		    access(k->places.folders[i], F_OK) < 0 || service_user_reaches(u, k->places.folders[i]);
	return reached;
}

static int choose_user(struct check *k)
{
	struct service_user u;
	const struct passwd *own = getpwuid(geteuid());
	const char *told = ctl_option(k->ctl, "user");
	k->user =
	    own ? arena_strdup(k->arena, own->pw_name) : arena_printf(k->arena, "user %d", (int)geteuid());
	if (told && strcmp(told, k->user) == 0)
		return CTL_GOOD;
	if (!service_user_find(k->arena, told, &u))
		return told ? say_usage(k->ctl->command, "no user is named '%s'", told) : CTL_GOOD;
	if (geteuid() != 0)
		return told ? say_failed(
				  "only root can check as another user (sudo coolantctl check --user %s)",
				  told)
			    : CTL_GOOD;
	if (!told && !is_of_service(k, &u))
		return CTL_GOOD;
	if (!service_user_become(&u))
		return say_failed("cannot become %s: %s", u.name, strerror(errno));
	k->user = u.name;
	return CTL_GOOD;
}

static int run(struct ctl *c)
{
	struct check k = { .ctl = c,
		.arena = c->arena,
		.path = c->word_count ? c->words[0] : c->config,
		.places = profile_places_find(c->arena) };
	int code = choose_user(&k);
	return code == CTL_GOOD ? check(&k) : code;
}

static const struct command_option options[] = {
	{ "user", 0, "NAME",
	    "check as this user; by default root checks as the service's: the user coolantd, else nobody "
	    "with the group dialout" },
	{ NULL },
};

const struct command check_command = {
	.name = "check",
	.arguments = "[FILE]",
	.help =
	    "whether a configuration is good: mistakes, unreadable files, loads of buses, unused profiles",
	.about = "Needs no coolantd that runs. Passwords, certificates, keys, ports and profiles that the "
		 "service's user cannot use are errors; so "
		 "run it as root. A file that this user cannot reach at all, as one in a home folder, is "
		 "checked as whoever asks. Exits with 78 "
		 "when there are errors.",
	.options = options,
	.most = 1,
	.word = COMMAND_WORD_FILE,
	.schema = "ctl-check",
	.run = run,
};
