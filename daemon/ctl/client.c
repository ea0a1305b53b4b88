#include "daemon/ctl/client.h"

#include "config/config.h"
#include "config/ini/cleanup.h"
#include "config/ini/suggest.h"
#include "daemon/ctl/printable.h"
#include "daemon/ctl/say.h"

#include <curl/curl.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

/* 5,000 points are 600 KiB; a year of days with hundreds of meters some MiB. */
#define REPLY_MAX (64 << 20)

static void cleanup_curlp(CURL **curl)
{
	curl_easy_cleanup(*curl);
}

/* The socket of the configuration, when it is another one: what is asked there is probably the wrong one. */
static const char *other_socket(struct ctl *c)
{
	struct diag *diag = diag_new();
	struct config *config = config_load(c->config, diag);
	const char *named = config ? config->daemon->http_socket : "";
	const char *other =
	    *named != '\0' && strcmp(named, c->socket) != 0 ? arena_strdup(c->arena, named) : NULL;
	config_unref(config);
	diag_free(diag);
	return other;
}

static const char *missing(struct ctl *c, const char *what)
{
	const char *other = other_socket(c);
	if (other)
		return arena_printf(c->arena, "%s: %s (%s has http_socket = %s: try --socket %s)", c->socket,
		    what, c->config, other, other);
	return arena_printf(c->arena,
	    "%s: %s (is coolantd running? systemctl status coolantd; --socket PATH if it listens elsewhere)",
	    c->socket, what);
}

/* Who may, from the socket itself. */
static const char *forbidden(struct ctl *c)
{
	struct stat st;
	const bool by_group = stat(c->socket, &st) == 0 && (st.st_mode & S_IWGRP);
	const struct group *group = by_group ? getgrgid(st.st_gid) : NULL;
	if (group && st.st_gid != 0)
		return arena_printf(c->arena,
		    "%s: no permission (allowed: members of the group %s: usermod -aG %s USER, "
		    "then log in again; or sudo)",
		    c->socket, group->gr_name, group->gr_name);
	return arena_printf(c->arena,
	    "%s: no permission (allowed: root, and the user that coolantd runs as: try sudo coolantctl)",
	    c->socket);
}

static const char *trouble(struct ctl *c, CURL *curl, CURLcode code)
{
	long err = 0;
	curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &err);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return arena_printf(c->arena,
		    "%s: coolantd has not answered within %.15g s (systemctl status coolantd "
		    "says whether it moves; "
		    "--timeout TIME waits longer)",
		    c->socket, (double)c->timeout_ms / 1e3);
	if (code == CURLE_COULDNT_CONNECT && (err == EACCES || err == EPERM))
		return forbidden(c);
	if (code == CURLE_COULDNT_CONNECT && err == ENOENT)
		return missing(c, "there is no such socket");
	if (code == CURLE_COULDNT_CONNECT)
		return missing(c, err == ECONNREFUSED ? "nobody listens there" : strerror((int)err));
	if (code == CURLE_WRITE_ERROR)
		return arena_printf(c->arena, "%s: the answer is longer than %d MiB (ask for less)",
		    c->socket, REPLY_MAX >> 20);
	return arena_printf(c->arena,
	    "%s: no answer that can be read: %s (is it coolantd that listens there?)", c->socket,
	    curl_easy_strerror(code));
}

struct body {
	FILE *out;
	size_t size;
};

static size_t take_body(char *data, size_t size, size_t count, void *user)
{
	struct body *b = user;
	b->size += size * count;
	return b->size > REPLY_MAX ? 0 : fwrite(data, size, count, b->out);
}

static void set_up(struct ctl *c, CURL *curl, const char *method, const char *path, const char *body)
{
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	curl_easy_setopt(curl, CURLOPT_URL, arena_printf(c->arena, "http://localhost%s", path));
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* a name may be ".." */
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
	if (strcmp(method, "GET") == 0)
		return;
	curl_easy_setopt(curl, CURLOPT_POST, 1L);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body ? body : ""));
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body ? body : "");
}

static CURLcode perform(CURL *curl, char **text, size_t *size)
{
	struct body b = { .out = open_memstream(text, size) };
	if (!b.out)
		return CURLE_OUT_OF_MEMORY;
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &b);
	CURLcode code = curl_easy_perform(curl);
	return fclose(b.out) != 0 ? CURLE_OUT_OF_MEMORY : code;
}

const char *client_try(
    struct ctl *c, const char *method, const char *path, const char *body, struct client_reply *ret)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	long status = 0;
	if (strlen(c->socket) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return arena_printf(c->arena, "%s: too long for the path of a socket (allowed: %zu bytes)",
		    c->socket, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	_cleanup_(cleanup_curlp) CURL *curl = curl_easy_init();
	if (!curl)
		return arena_printf(c->arena, "%s", strerror(ENOMEM));
	set_up(c, curl, method, path, body);
	CURLcode code = perform(curl, &text, &size);
	if (code != CURLE_OK)
		return trouble(c, curl, code);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	*ret = (struct client_reply){ .status = (unsigned)status,
		.text = arena_strndup(c->arena, text, size),
		.json = json_loadb(text, size, JSON_ALLOW_NUL, NULL) };
	return NULL;
}

int client_ask(
    struct ctl *c, const char *method, const char *path, const char *body, struct client_reply *ret)
{
	const char *why = client_try(c, method, path, body, ret);
	return why ? say_failed("%s", why) : CTL_GOOD;
}

const char *client_error(struct ctl *c, const struct client_reply *r)
{
	const char *error = json_string_value(json_object_get(r->json, "error"));
	return error ? error : arena_printf(c->arena, "HTTP status %u", r->status);
}

int client_get(struct ctl *c, const char *path, struct client_reply *ret)
{
	int code = client_ask(c, "GET", path, NULL, ret);
	if (code != CTL_GOOD)
		return code;
	if (ret->status != 200)
		return say_failed("%s", client_error(c, ret));
	if (!json_is_object(ret->json))
		return say_failed("%s: GET %s brought no JSON object (is it coolantd that listens there?)",
		    c->socket, path);
	return CTL_GOOD;
}

const char *client_escape(struct ctl *c, const char *text)
{
	char *escaped = curl_easy_escape(NULL, text, (int)strlen(text));
	if (!escaped)
		abort(); /* as the arena does without memory */
	const char *kept = arena_strdup(c->arena, escaped);
	curl_free(escaped);
	return kept;
}

int client_print(struct ctl *c, const struct client_reply *r)
{
	printf("%s\n", printable_json(c->arena, r->text));
	return CTL_GOOD;
}

void client_reply_deinit(struct client_reply *r)
{
	json_decref(r->json);
	r->json = NULL;
}

const char *client_suggest(struct ctl *c, const char *path, const char *key, const char *typed)
{
	_cleanup_reply_ struct client_reply all = { 0 };
	const char *name;
	json_t *item;
	size_t count = 0;
	if (client_get(c, path, &all) != CTL_GOOD)
		return "";
	json_t *items = json_object_get(all.json, key);
	const char **names = arena_alloc(c->arena, (json_object_size(items) + 1) * sizeof(names[0]));
	json_object_foreach(items, name, item) names[count++] = arena_strdup(c->arena, name);
	return suggest_word(c->arena, typed, names, count, sizeof(names[0]));
}
