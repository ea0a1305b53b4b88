/* client: requests to the coolantd that runs, on its Unix socket (mover, main thread).
 *
 * A request ends within the timeout of the command line. What keeps it from being answered is said with what
 * to do about it.
 */
#pragma once

#include "daemon/ctl/ctl.h"

#include <jansson.h>

struct client_reply {
	unsigned status;  /* of HTTP */
	const char *text; /* in the arena */
	json_t *json;	  /* NULL when it is none; freed by client_reply_deinit */
};

/* NULL for any answer, or why there is none and what to do about it. `body` is NULL for none. */
const char *client_try(
    struct ctl *c, const char *method, const char *path, const char *body, struct client_reply *ret);

/* The same, said: any answer is a success; else CTL_FAILED. */
int client_ask(
    struct ctl *c, const char *method, const char *path, const char *body, struct client_reply *ret);

/* GET of what must be there as a JSON object: any other answer is said too. */
int client_get(struct ctl *c, const char *path, struct client_reply *ret);

/* What an answer that is no success says: its "error", or the status alone. */
const char *client_error(struct ctl *c, const struct client_reply *r);

/* What was probably meant, as text behind a message: of the names under a key of the document at a path. */
const char *client_suggest(struct ctl *c, const char *path, const char *key, const char *typed);

/* Text as a part of a path or a query. */
const char *client_escape(struct ctl *c, const char *text);

/* Prints an answer as it came. */
int client_print(struct ctl *c, const struct client_reply *r);

void client_reply_deinit(struct client_reply *r);
#define _cleanup_reply_ _cleanup_(client_reply_deinit)
