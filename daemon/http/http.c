#include "daemon/http/http.h"

#include "config/ini/cleanup.h"
#include "daemon/http/peer.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define CONNECTIONS_MAX 32U
#define CONNECTION_MEMORY ((size_t)16 * 1024)
#define CONNECTION_TIMEOUT_S 10U
#define BODY_MAX 4096
#define TURN_INTERVAL_US UINT64_C(1000000)

struct http {
	struct MHD_Daemon *mhd;
	sd_event_source *source, *timer;
	char *path;
	http_answerer answer;
	void *user;
	struct http_later *later; /* those that were put off */
};

/* A request whose body is still coming, or its answer. */
struct http_asked {
	struct http *http;
	struct MHD_Connection *connection;
	struct http_later *later; /* NULL = it was not put off */
	bool is_answered;
	struct http_answer answer; /* of one that was put off */
	size_t size;
	bool too_long;
	char body[BODY_MAX + 1];
};

struct http_later {
	struct http_asked *asked; /* NULL = the socket was closed */
	struct http_later *next;
};

/* The socket, for `call` to bind or connect it; or negative errno. */
static int connect_or_bind(const char *path, int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || call(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd < 0 ? -errno : fd;
	int err = -errno;
	close(fd);
	return err;
}

/* A socket that was left behind is taken away; one that somebody listens at is not. */
static int remove_stale(const char *path)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	_cleanup_close_ int fd = connect_or_bind(path, connect);
	if (fd >= 0)
		return -EADDRINUSE;
	return unlink(path) < 0 ? -errno : 0;
}

static int listen_at(const char *path)
{
	int err = remove_stale(path), fd = err < 0 ? err : connect_or_bind(path, bind);
	/* reading alarms is for the group, too; whom that lets in is up to the folder */
	if (fd < 0 || (chmod(path, 0660) == 0 && listen(fd, (int)CONNECTIONS_MAX) == 0))
		return fd;
	err = -errno;
	close(fd);
	(void)unlink(path);
	return err;
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, struct http_answer a)
{
	static char out_of_memory[] = "{\"error\":\"out of memory\"}";
	unsigned status = a.text ? a.status : MHD_HTTP_INTERNAL_SERVER_ERROR;
	char *text = a.text ? a.text : out_of_memory;
	struct MHD_Response *response = MHD_create_response_from_buffer(
	    strlen(text), text, a.text ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
	if (!response) {
		free(a.text);
		return MHD_NO;
	}
	(void)MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CONTENT_TYPE, a.type && a.text ? a.type : "application/json");
	enum MHD_Result r = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return r;
}

static void on_completed(
    void *user, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
	struct http_asked *a = *state;
	if (a)
		free(a->answer.text);
	free(a);
	*state = NULL;
}

const char *http_parameter(const struct http_request *r, const char *key)
{
	for (size_t i = 0; i < r->parameter_count; i++)
		if (strcmp(r->parameters[i].key, key) == 0)
			return r->parameters[i].value;
	return NULL;
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

static enum MHD_Result ask(const struct http *h, struct MHD_Connection *connection,
    const struct http_request *head, struct http_asked *asked)
{
	char who[PEER_NAME_MAX];
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_request r = *head;
	struct parameters p = { .count = 0 };
	(void)MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, take_parameter, &p);
	const char *accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	r.accept = accept ? accept : "";
	r.body = asked->body;
	r.asked = asked;
	r.parameters = p.items;
	r.parameter_count = p.count;
	r.who = peer_name(info ? info->connect_fd : -1, who);
	struct http_answer a = h->answer(&r, h->user);
	if (!asked->later)
		return send_answer(connection, a);
	MHD_suspend_connection(connection);
	return MHD_YES;
}

static enum MHD_Result send_late(struct MHD_Connection *connection, struct http_asked *asked)
{
	struct http_answer a = asked->answer;
	asked->answer.text = NULL;
	return send_answer(connection, a);
}

/* Called first with the head of a request, then with each piece of its body, then to answer. A body that is
 * too long is read and forgotten. */
static enum MHD_Result on_request(void *user, struct MHD_Connection *connection, const char *path,
    const char *method, const char *version, const char *body, size_t *body_size, void **state)
{
	struct http_asked *p = *state;
	if (!p) {
		*state = p = calloc(1, sizeof(*p));
		if (!p)
			return MHD_NO;
		p->http = user;
		p->connection = connection;
		return MHD_YES;
	}
	if (p->is_answered)
		return send_late(connection, p);
	if (*body_size > 0) {
		p->too_long |= *body_size > BODY_MAX - p->size;
		if (!p->too_long) {
			memcpy(p->body + p->size, body, *body_size);
			p->size += *body_size;
		}
		*body_size = 0;
		return MHD_YES;
	}
	if (p->too_long)
		p->body[0] = '\0';
	return ask(user, connection, &(struct http_request){ .method = method, .path = path }, p);
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
	(void)MHD_run(h->mhd);
}

/* Nobody hears what comes for them later. */
static void give_up_later(struct http *h)
{
	while (h->later) {
		struct http_later *l = h->later;
		h->later = l->next;
		resume(l->asked, (struct http_answer){ MHD_HTTP_SERVICE_UNAVAILABLE, strdup("{}") });
		*l = (struct http_later){ 0 };
	}
}

static int on_ready(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	struct http *h = user;
	(void)MHD_run(h->mhd);
	return 0;
}

/* For connections whose time is over. */
static int on_timer(sd_event_source *s, uint64_t usec, void *user)
{
	struct http *h = user;
	(void)MHD_run(h->mhd);
	(void)sd_event_source_set_time_relative(s, TURN_INTERVAL_US);
	return sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static int start(struct http *h, sd_event *event, int fd)
{
	h->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, h,
	    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
	    CONNECTION_TIMEOUT_S, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_END);
	if (!h->mhd) {
		close(fd);
		return -EIO;
	}
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return -EIO;
	int r = sd_event_add_io(event, &h->source, info->epoll_fd, EPOLLIN, on_ready, h);
	return r < 0 ? r
		     : sd_event_add_time_relative(
			   event, &h->timer, CLOCK_BOOTTIME, TURN_INTERVAL_US, 0, on_timer, h);
}

struct http *http_open(sd_event *event, const char *path, http_answerer answer, void *user)
{
	if (*path == '\0')
		return NULL;
	struct http *h = calloc(1, sizeof(*h));
	int fd = h ? listen_at(path) : -ENOMEM, err = fd;
	if (fd >= 0) {
		*h = (struct http){ .path = strdup(path), .answer = answer, .user = user };
		err = start(h, event, fd);
	}
	if (err >= 0)
		return h;
	log_line(LOG_WARNING, "no requests at %s: %s", path,
	    err == -EADDRINUSE ? "another process listens there" : strerror(-err));
	http_close(h);
	return NULL;
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
	if (h->path)
		(void)unlink(h->path);
	free(h->path);
	free(h);
}
