/* sparkplug_state: whether the primary host is there, by its STATE messages (pure). */
#pragma once

#include "daemon/publish/output.h"

/* Zeroed at first. A host counts its times for each server, so they are of one connection. */
struct sparkplug_state {
	uint64_t connect;
	int64_t ts_ms; /* of the last message that counted */
};

/* A STATE message that came over the connection of that CONNECT: to begin when the host is online, to leave
 * when it is offline. One that is older than the last does not count. */
enum output_wish sparkplug_state_hear(
    struct sparkplug_state *s, uint64_t connect, const char *payload, size_t size);
