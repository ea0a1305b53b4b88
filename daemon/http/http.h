/* http: requests on a socket (holder, main thread).
 *
 * libmicrohttpd in the main loop, without threads. Answers are texts that are there at once, or come later.
 * Connections, their memory and their time are bounded (places.h), and so is what the main loop does for them
 * at a time: an answer of thousands of values serves all who ask for it within a moment, and after one that
 * took long the others wait for the loop's next turn.
 *
 * Whoever can open the Unix socket may do everything. At a TCP address requests only read, and their Host
 * must be ours (host.h).
 */
#pragma once

#include "daemon/http/places.h"

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

/* The places, and as long as they are still there those whose place was taken from them. */
#define HTTP_CONNECTIONS_MAX (PLACES_MAX + PLACES_MAX / 4)

struct http_answer {
	unsigned status;
	char *text;	   /* malloc'd; NULL without memory */
	const char *type;  /* of its media; NULL = JSON */
	const char *allow; /* the methods that there are, of a 405; NULL = not told */
	bool keep;	   /* it may serve for a moment, see kept.h */
};

/* {"error":…} */
struct http_answer http_error(unsigned status, const char *what);

struct http_parameter {
	const char *key, *value;
};

/* More of them are not looked at. */
#define HTTP_PARAMETERS_MAX 8
/* A longer one is answered with 413, */
#define HTTP_BODY_MAX 4096
/* unless it is so long that the connection is closed. */
#define HTTP_BODY_FORGOTTEN_MAX ((size_t)1 << 20)

struct http_request {
	const char *method, *path;
	const char *body;   /* "" = none */
	const char *accept; /* which media types, "" = not told */
	const char *who;    /* changes something: the name of the socket's peer, or uid and its number */
	const struct http_parameter *parameters; /* behind the ? of the URL, decoded */
	size_t parameter_count;
	struct http_asked *asked;
};

/* The value of a parameter; "" when it has none, NULL when it is not told. */
const char *http_parameter(const struct http_request *r, const char *key);

/* Whether it only reads. */
bool http_reads(const struct http_request *r);

typedef struct http_answer (*http_answerer)(const struct http_request *r, void *user);

/* Of an answerer that has put its answer off: it returns HTTP_LATER, and http_answer_later follows once. */
#define HTTP_LATER ((struct http_answer){ 0, NULL })
struct http_later;

struct http_later *http_put_off(const struct http_request *r); /* NULL without memory */
/* Who asked may be gone, and the socket closed. */
void http_answer_later(struct http_later *l, struct http_answer a);

struct http;

/* Listens at a Unix socket's path (for its owner and, where there is one, the group coolantd), or at an
 * address (address.h). 0 or negative errno: -EADDRINUSE when another process listens there. */
int http_open_unix(sd_event *event, const char *path, http_answerer answer, void *user, struct http **ret);
int http_open_tcp(sd_event *event, const char *address, http_answerer answer, void *user, struct http **ret);
/* What is known is another: no answer from before serves any more. `h` may be NULL. */
void http_forget(struct http *h);
void http_close(struct http *h);
