/* publisher: messages to the broker, and what waits while it is away (mover, main thread).
 *
 * Live messages go out at once, a bounded number of them unacknowledged. What cannot be delivered, or is not
 * acknowledged, waits in the history (history.h); after the next connect, when the live state has been sent,
 * it goes out from there, oldest first, at the configured rate and behind everything live.
 */
#pragma once

#include "config/config.h"
#include "daemon/disk/disk.h"
#include "daemon/publish/message.h"

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/* Most messages without acknowledgement; the broker may allow fewer. */
#define PUBLISHER_IN_FLIGHT_MAX 100
/* Live messages that wait for a slow broker before they become history. */
#define PUBLISHER_QUEUE_MAX 10000
/* Of the unacknowledged ones history leaves these to live messages. */
#define PUBLISHER_LIVE_RESERVE 4 /* a quarter */

struct publisher;

struct publisher_events {
	/* The connection is there and `status` is sent: the owner sends info and the whole live state. */
	void (*connected)(void *user);
	/* The spool has a problem from now on; "" = it has none. */
	void (*spool_trouble)(void *user, const char *text);
	/* After publisher_stop: nothing more to wait for. */
	void (*stopped)(void *user);
	void *user;
};

struct publisher_stats {
	bool connected;
	uint64_t published, acknowledged, dropped, reconnects;
	size_t queued, in_flight;
	uint64_t waiting, waiting_bytes, waiting_dropped; /* of the history */
	const char *spool_trouble;			  /* "" = none */
};

/* Begins to connect; the spool is in the configuration's state_dir. Takes a reference of the configuration.
 * NULL with errno. */
struct publisher *publisher_new(
    sd_event *event, struct disk *disk, struct config *c, const struct publisher_events *events);
/* Gives the disk what is left, then waits for the connection to end, for `grace_ns` at most. False when that
 * goes on by itself, because a name server or a broker keeps it. */
bool publisher_free(struct publisher *p, int64_t grace_ns);

/* Sends `payload` (malloc'd, taken over; NULL = no memory for it, counted as dropped) under B/`topic`. */
void publisher_send(struct publisher *p, const char *topic, char *payload, unsigned flags, int64_t ts_ms);
/* The same for a single value: its unit goes along as a user property. */
void publisher_send_value(
    struct publisher *p, const char *topic, char *payload, const char *unit, unsigned flags, int64_t ts_ms);

/* Takes another configuration. When the broker or the base topic is another, says offline to the old one,
 * leaves it, within seconds whatever it does, and begins anew: then true is returned and `connected` follows.
 */
bool publisher_apply(struct publisher *p, struct config *c);

/* Sends what is queued, then `offline`, then disconnects; `stopped` follows, at once without a broker. */
void publisher_stop(struct publisher *p);

bool publisher_is_connected(const struct publisher *p);
struct publisher_stats publisher_describe(const struct publisher *p);

/* False when neither messages are acknowledged nor the connection is being tried. */
bool publisher_moves(const struct publisher *p, int64_t now_ns);
