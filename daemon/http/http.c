#include "daemon/http/http.h"

#include "config/ini/address.h"
#include "daemon/http/host.h"
#include "daemon/http/kept.h"
#include "daemon/http/listen.h"
#include "daemon/http/peer.h"
#include "daemon/http/places.h"
#include "daemon/publish/json_writer.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Who comes while all places are taken waits for a moment, and is not turned away. */
#define BACKLOG 1024
/* Who is in it may ask, and acknowledge. */
#define OPERATORS "coolantd"
#define CONNECTION_MEMORY ((size_t)16 * 1024)
#define TURN_INTERVAL_US UINT64_C(1000000)
#define TURN_ACCURACY_US 1000
/* After making answers for so long the other events of the main loop come first. */
#define TURN_NS INT64_C(2000000)
/* What one connection may have copied into its socket at a time: with all at once a few megabytes. */
#define SEND_BUFFER (64 * 1024)

struct http {
	struct MHD_Daemon *mhd;
	sd_event_source *source, *timer;
	char *path;			  /* of a Unix socket */
	bool is_open;			  /* to a network: it only shows */
	char own_name[HOST_NAME_MAX + 1]; /* of the machine; "" = not known */
	http_answerer answer;
	void *user;
	struct http_later *later; /* those that were put off */
	struct places places;
	struct kept kept;
	int64_t worked_ns; /* for answers, in this turn of the main loop */
};

/* A request whose body is still coming, or its answer. */
struct http_asked {
	struct http *http;
	struct MHD_Connection *connection;
	struct http_later *later; /* NULL = it was not put off */
	bool is_answered;
	struct http_answer answer; /* of one that was put off */
	size_t size;		   /* of the body */
	char body[HTTP_BODY_MAX + 1];
};

struct http_later {
	struct http_asked *asked; /* NULL = the socket was closed */
	struct http_later *next;
};

struct http_answer http_error(unsigned status, const char *what)
{
	struct json_writer w;
	json_begin(&w);
	json_open(&w, NULL);
	json_text(&w, "error", what);
	json_close(&w);
	return (struct http_answer){ .status = status, .text = json_finish(&w) };
}

const char *http_parameter(const struct http_request *r, const char *key)
{
	for (size_t i = 0; i < r->parameter_count; i++)
		if (strcmp(r->parameters[i].key, key) == 0)
			return r->parameters[i].value;
	return NULL;
}

bool http_reads(const struct http_request *r)
{
	return strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0;
}

/* NULL without memory. */
static struct MHD_Response *make_response(struct http_answer a)
{
	static char out_of_memory[] = "{\"error\":\"out of memory\"}";
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(a.text ? strlen(a.text) : strlen(out_of_memory),
		a.text ? a.text : out_of_memory, a.text ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (!response) {
		free(a.text);
		return NULL;
	}
	(void)MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CONTENT_TYPE, a.type && a.text ? a.type : "application/json");
	if (a.allow)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, a.allow);
	return response;
}

/* Whose socket it is of; NULL when there was no memory for that. */
static struct place *place_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info ? info->socket_context : NULL;
}

static int socket_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	return info ? info->connect_fd : -1;
}

static void on_connection(
    void *user, struct MHD_Connection *connection, void **state, enum MHD_ConnectionNotificationCode what)
{
	struct http *h = user;
	const int size = SEND_BUFFER;
	int fd = socket_of(connection);
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*state)
			places_leave(&h->places, *state);
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	*state = places_enter(&h->places, fd, clock_boottime());
}

static void set_phase(struct http *h, struct MHD_Connection *connection, enum place_phase phase)
{
	struct place *place = place_of(connection);
	if (place)
		places_set_phase(&h->places, place, phase, clock_boottime());
}

/* Nobody waits for its answer any more. */
static void forget_later(struct http_asked *asked)
{
	struct http_later **at = &asked->http->later;
	while (*at && (*at)->asked != asked)
		at = &(*at)->next;
	struct http_later *l = *at;
	if (!l)
		return;
	*at = l->next;
	*l = (struct http_later){ 0 };
}

static void on_completed(
    void *user, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
	struct http_asked *asked = *state;
	if (asked)
		forget_later(asked);
	if (asked)
		free(asked->answer.text);
	free(asked);
	*state = NULL;
	set_phase(user, connection, PLACE_ASKING);
}

struct parameters {
	struct http_parameter items[HTTP_PARAMETERS_MAX];
	size_t count;
};

static enum MHD_Result take_parameter(void *user, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct parameters *p = user;
	if (p->count < HTTP_PARAMETERS_MAX)
		p->items[p->count++] = (struct http_parameter){ key, value ? value : "" };
	return MHD_YES;
}

static const char *header(struct MHD_Connection *connection, const char *name)
{
	return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Why a request has no other answer; `status` 0 = nothing is wrong with it. */
static struct http_answer refuse(
    const struct http *h, struct MHD_Connection *connection, const struct http_request *r, bool too_long)
{
	if (h->is_open && !host_is_ours(header(connection, MHD_HTTP_HEADER_HOST), h->own_name))
		return http_error(MHD_HTTP_FORBIDDEN, "not under this name (allowed as Host: an IP address, "
						      "localhost, or the name of this machine)");
	if (h->is_open && !http_reads(r))
		return http_error(
		    MHD_HTTP_FORBIDDEN, "only GET here (what changes something: on the Unix socket)");
	if (too_long)
		return http_error(MHD_HTTP_CONTENT_TOO_LARGE, "the body is too long (allowed: 4096 bytes)");
	return (struct http_answer){ .status = 0 };
}

static enum MHD_Result say(struct MHD_Connection *connection, struct http_answer a)
{
	unsigned status = a.text ? a.status : MHD_HTTP_INTERNAL_SERVER_ERROR;
	struct MHD_Response *response = make_response(a);
	if (!response)
		return MHD_NO;
	enum MHD_Result result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result say_late(struct MHD_Connection *connection, struct http_asked *asked)
{
	struct http_answer a = asked->answer;
	asked->answer.text = NULL;
	return say(connection, a);
}

/* What tells a request from others that have another answer. False when it is longer than fits. */
static bool make_key(char key[static KEPT_KEY_MAX], const struct http_request *r)
{
	/* lengths, because anything may stand in a parameter */
	int n = snprintf(key, KEPT_KEY_MAX, "%s\n%s", r->path, r->accept);
	for (size_t i = 0; n >= 0 && n < KEPT_KEY_MAX && i < r->parameter_count; i++)
		n += snprintf(key + n, (size_t)(KEPT_KEY_MAX - n), "\n%zu %s=%s",
		    strlen(r->parameters[i].key) + strlen(r->parameters[i].value), r->parameters[i].key,
		    r->parameters[i].value);
	return n >= 0 && n < KEPT_KEY_MAX;
}

/* Of a request whose answer was put off. */
static enum MHD_Result wait_for_it(struct MHD_Connection *connection)
{
	MHD_suspend_connection(connection);
	return MHD_YES;
}

/* Answers a request that reads: at once or, when too much was made in this turn already, in the next, for
 * which it is called again. */
static enum MHD_Result show(struct http *h, struct MHD_Connection *connection, const struct http_request *r)
{
	char key[KEPT_KEY_MAX];
	int64_t now = clock_boottime();
	bool has_key = make_key(key, r);
	struct MHD_Response *response = has_key ? kept_find(&h->kept, key, now) : NULL;
	if (response)
		return MHD_queue_response(connection, MHD_HTTP_OK, response);
	if (h->worked_ns > TURN_NS)
		return MHD_YES;
	struct http_answer a = h->answer(r, h->user);
	h->worked_ns += clock_boottime() - now;
	if (r->asked->later)
		return wait_for_it(connection);
	if (!a.text || !a.keep || !has_key)
		return say(connection, a);
	response = make_response(a);
	if (!response)
		return MHD_NO;
	kept_put(&h->kept, key, response, now);
	return MHD_queue_response(connection, a.status, response);
}

static enum MHD_Result change(struct http *h, struct MHD_Connection *connection, const struct http_request *r)
{
	char who[PEER_NAME_MAX];
	struct http_request by = *r;
	by.who = peer_name(socket_of(connection), who);
	struct http_answer a = h->answer(&by, h->user);
	kept_clear(&h->kept);
	return r->asked->later ? wait_for_it(connection) : say(connection, a);
}

static enum MHD_Result respond(
    struct http *h, struct MHD_Connection *connection, const struct http_request *head, bool too_long)
{
	struct http_request r = *head;
	struct parameters p = { .count = 0 };
	(void)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, take_parameter, &p);
	const char *accept = header(connection, MHD_HTTP_HEADER_ACCEPT);
	r.accept = accept ? accept : "";
	r.parameters = p.items;
	r.parameter_count = p.count;
	struct http_answer refused = refuse(h, connection, &r, too_long);
	if (refused.status != 0)
		return say(connection, refused);
	return http_reads(&r) ? show(h, connection, &r) : change(h, connection, &r);
}

/* What is said before the body: nothing, or that it is not even worth reading. */
static enum MHD_Result on_head(
    struct http *h, struct MHD_Connection *connection, void **state, struct http_request *r)
{
	const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
	struct http_asked *asked = calloc(1, sizeof(*asked));
	if (!asked)
		return MHD_NO;
	asked->http = h;
	asked->connection = connection;
	*state = r->asked = asked;
	bool too_long = length && strtoull(length, NULL, 10) > HTTP_BODY_FORGOTTEN_MAX;
	return too_long ? respond(h, connection, r, true) : MHD_YES;
}

/* A piece of the body. One that is too long is read and forgotten, so that its sender gets to the answer. */
static enum MHD_Result on_body(struct http_asked *p, const char *body, size_t *size)
{
	size_t room = p->size < HTTP_BODY_MAX ? HTTP_BODY_MAX - p->size : 0;
	memcpy(p->body + HTTP_BODY_MAX - room, body, *size < room ? *size : room);
	p->size += *size;
	*size = 0;
	return p->size > HTTP_BODY_FORGOTTEN_MAX ? MHD_NO : MHD_YES;
}

/* Called first with the head of a request, then with each piece of its body, then to answer. */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path,
    const char *method, const char *version, const char *body, size_t *body_size, void **state)
{
	struct http_request r = { .method = method, .path = path, .body = "", .accept = "", .who = "" };
	struct http_asked *p = *state;
	if (!p)
		return on_head(user, connection, state, &r);
	if (p->is_answered)
		return say_late(connection, p);
	if (*body_size > 0)
		return on_body(p, body, body_size);
	r.body = p->body;
	r.asked = p;
	set_phase(user, connection, PLACE_ANSWERED);
	return respond(user, connection, &r, p->size > HTTP_BODY_MAX);
}

/* What is left to do, such as what was put off, is done in the next turn of the main loop, with its other
 * events before it. (A source by sd_event_add_defer would come before them, for ever.) */
static void turn(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG left_ms;
	h->worked_ns = 0;
	places_turn(&h->places, clock_boottime());
	(void)MHD_run(h->mhd);
	bool is_left = MHD_get_timeout(h->mhd, &left_ms) == MHD_YES && left_ms == 0;
	(void)sd_event_source_set_time_relative(h->timer, is_left ? 0 : TURN_INTERVAL_US);
	(void)sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
}

struct http_later *http_put_off(const struct http_request *r)
{
	struct http_later *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	struct http *h = r->asked->http;
	*l = (struct http_later){ r->asked, h->later };
	h->later = l;
	r->asked->later = l;
	return l;
}

static void resume(struct http_asked *asked, struct http_answer a)
{
	asked->answer = a;
	asked->is_answered = true;
	MHD_resume_connection(asked->connection);
}

void http_answer_later(struct http_later *l, struct http_answer a)
{
	if (!l->asked) {
		free(a.text);
		free(l);
		return;
	}
	struct http *h = l->asked->http;
	struct http_later **at = &h->later;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	resume(l->asked, a);
	free(l);
	turn(h);
}

/* Nobody hears what comes for them later. */
static void give_up_later(struct http *h)
{
	while (h->later) {
		struct http_later *l = h->later;
		h->later = l->next;
		resume(l->asked, http_error(MHD_HTTP_SERVICE_UNAVAILABLE, "the socket is closed"));
		*l = (struct http_later){ 0 };
	}
}

static int on_ready(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	turn(user);
	return 0;
}

/* For what was left, and for connections whose time is over. */
static int on_timer(sd_event_source *s, uint64_t usec, void *user)
{
	turn(user);
	return 0;
}

static int start(struct http *h, sd_event *event, int fd)
{
	h->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, h,
	    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, h, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_END);
	if (!h->mhd) {
		close(fd);
		return -EIO;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EIO;
	int r = sd_event_add_io(event, &h->source, info->epoll_fd, EPOLLIN, on_ready, h);
	if (r >= 0)
		r = sd_event_add_time_relative(
		    event, &h->timer, CLOCK_BOOTTIME, TURN_INTERVAL_US, TURN_ACCURACY_US, on_timer, h);
	return r;
}

/* `fd` listens, or is the negative errno of that. */
static int open_at(sd_event *event, int fd, http_answerer answer, void *user, struct http **ret)
{
	if (fd < 0)
		return fd;
	struct http *h = calloc(1, sizeof(*h));
	if (!h) {
		close(fd);
		return -ENOMEM;
	}
	*h = (struct http){ .answer = answer, .user = user };
	int err = start(h, event, fd);
	if (err < 0)
		http_close(h);
	else
		*ret = h;
	return err;
}

int http_open_unix(sd_event *event, const char *path, http_answerer answer, void *user, struct http **ret)
{
	int err = open_at(event, listen_unix(path, BACKLOG, OPERATORS), answer, user, ret);
	if (err >= 0)
		(*ret)->path = strdup(path);
	return err;
}

int http_open_tcp(sd_event *event, const char *address, http_answerer answer, void *user, struct http **ret)
{
	struct sockaddr_storage parsed;
	if (address_parse(address, &parsed) < 0)
		return -EINVAL;
	int err = open_at(event, listen_tcp(&parsed, BACKLOG), answer, user, ret);
	if (err >= 0)
		(*ret)->is_open = true;
	if (err >= 0 && gethostname((*ret)->own_name, sizeof((*ret)->own_name) - 1) < 0)
		(*ret)->own_name[0] = '\0';
	return err;
}

void http_forget(struct http *h)
{
	if (h)
		kept_clear(&h->kept);
}

void http_close(struct http *h)
{
	if (!h)
		return;
	sd_event_source_disable_unref(h->source);
	sd_event_source_disable_unref(h->timer);
	give_up_later(h);
	if (h->mhd)
		MHD_stop_daemon(h->mhd);
	kept_clear(&h->kept);
	if (h->path)
		(void)unlink(h->path);
	free(h->path);
	free(h);
}
