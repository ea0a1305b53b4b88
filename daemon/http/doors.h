/* doors: where coolantd listens for requests: a Unix socket, and an address (holder, main thread).
 *
 * One that cannot be opened, because another process listens there, is said once and tried again after 1 s,
 * 2 s, 4 s … up to a minute; that it is open at last is said too. The daemon goes on without.
 */
#pragma once

#include "config/config.h"
#include "daemon/http/http.h"

#define DOORS_PAUSE_MIN_NS INT64_C(1000000000)
#define DOORS_PAUSE_MAX_NS INT64_C(60000000000)

struct doors;

struct doors *doors_new(sd_event *event, http_answerer answer, void *user); /* NULL without memory */
void doors_free(struct doors *d);

/* Listens where the configuration says; what did not change stays open. */
void doors_apply(struct doors *d, const struct daemon_config *c);

/* What is known is another: no answer from before serves any more. */
void doors_forget(struct doors *d);
