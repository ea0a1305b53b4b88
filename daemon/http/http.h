/* http: requests of operators on a Unix socket (holder, main thread).
 *
 * libmicrohttpd in the main loop, without threads. Answers are small JSON texts that are there at once.
 * Connections, their memory and their time are bounded.
 */
#pragma once

#include <systemd/sd-event.h>

struct http_answer {
	unsigned status;
	char *text; /* JSON, malloc'd; NULL without memory */
};

struct http_request {
	const char *method, *path;
	const char *body; /* "" = none */
	const char *who;  /* asks: the name of the socket's peer, or uid and its number */
};

typedef struct http_answer (*http_answerer)(const struct http_request *r, void *user);

struct http;

/* Listens at `path`. NULL when it is empty, and when it cannot: that is said in the journal, and the daemon
 * goes on without. */
struct http *http_open(sd_event *event, const char *path, http_answerer answer, void *user);
void http_close(struct http *h);
