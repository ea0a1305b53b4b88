/* resolve: a host's name to its addresses (mover, blocks its thread).
 *
 * Only bus workers and connections call it. The system's resolver cannot be interrupted, so whoever waits for
 * such a thread must be able to end without it.
 */
#pragma once

#include "drivers/os/clock.h"

#include <netdb.h>

/* resolv.conf(5) with the most that it allows without options: 3 servers, asked twice, 5 s each, for the name
 * and six domains of the search list. */
#define RESOLVE_LIMIT_NS (240 * NS_PER_S)

/* Numbers are taken as they are. 0 with `*ret` for freeaddrinfo, or negative errno with `*why` set to words.
 */
int resolve_host(const char *host, int port, struct addrinfo **ret, const char **why);
