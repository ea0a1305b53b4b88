/* resolve: a host's name to its addresses, in bounded time (mover, blocks its thread).
 *
 * The system's resolver cannot be interrupted and may take minutes. So it runs on a thread of its own, and
 * whoever asks waits for RESOLVE_WAIT_NS at most, or until it shall stop. A look-up that is still under way
 * then is found again by the next call: there is never more than one thread for each resolver.
 */
#pragma once

#include "drivers/os/clock.h"

#include <netdb.h>

#define RESOLVE_WAIT_NS (5 * NS_PER_S)

struct resolver;

struct resolver *resolver_new(void); /* NULL without memory */
/* Does not wait: a look-up that is under way frees itself at its end. */
void resolver_free(struct resolver *r);

/* Numbers are taken as they are. 0 with `*ret` for freeaddrinfo; -ECANCELED when `stop_fd` became readable;
 * or negative errno with `*why` set to words. */
int resolver_find(
    struct resolver *r, const char *host, int port, int stop_fd, struct addrinfo **ret, const char **why);
