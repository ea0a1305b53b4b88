/* publisher: messages to the broker, and what waits while it is away (mover, main thread).
 *
 * Live messages go out at once, a bounded number of them unacknowledged. What cannot be delivered, or is not
 * acknowledged, waits in the history (history.h); after the next connect, when the live state has been sent,
 * it goes out from there, oldest first, at the configured rate and behind everything live.
 */
#pragma once

#include "daemon/disk/disk.h"
#include "daemon/publish/output.h"

#include <systemd/sd-event.h>

/* Most messages without acknowledgement; the broker may allow fewer. */
#define PUBLISHER_IN_FLIGHT_MAX 100
/* Live messages that wait are one for each topic. With so much in them they become history. */
#define PUBLISHER_QUEUE_BYTES_MAX ((size_t)64 << 20)
/* Of the unacknowledged ones history leaves these to live messages. */
#define PUBLISHER_LIVE_RESERVE 4 /* a quarter */

struct publisher;

struct publisher_events {
	output_presence_maker presence; /* what is said when the connection is made and at its end */
	/* See output.h; NULL = no topics, nobody, nothing. */
	int (*listens)(const struct config *c, enum output_connection which, char *topics[OUTPUT_TOPICS_MAX]);
	const char *(*waits_for)(const struct config *c, enum output_connection which);
	size_t (*tail)(void *user, const struct message *m, uint8_t tail[static OUTPUT_TAIL_MAX]);
	bool leaves_with_will; /* see connection.h */
	/* A message of one of the topics: what is to be done about it? */
	enum output_wish (*heard)(
	    void *user, uint64_t connect, const char *topic, const char *payload, size_t size);
	/* The connection is there, by the CONNECT after `connect` others, and that is said: the owner sends
	 * everything that is known. */
	void (*connected)(void *user, uint64_t connect);
	/* The broker has taken a message without a payload: it keeps nothing under the topic. */
	void (*emptied)(void *user, const char *topic);
	/* The spool has a problem from now on; "" = it has none. */
	void (*spool_trouble)(void *user, const char *text);
	/* The message that tells of what had to be dropped; NULL = none, or without memory. */
	struct message *(*gap)(void *user, int64_t from_ms, int64_t to_ms, uint64_t dropped);
	/* After publisher_stop: nothing more to wait for. */
	void (*stopped)(void *user);
	void *user;
};

/* Begins to connect, as the configuration, which has that connection, says; the spool is in its state_dir,
 * `old_base` see spool_open. Takes a reference of the configuration. NULL with errno. */
struct publisher *publisher_new(sd_event *event, struct disk *disk, struct config *c,
    enum output_connection which, const char *old_base, const struct publisher_events *events);
/* Gives the disk what is left, then waits for the connection to end, for `grace_ns` at most. False when that
 * goes on by itself, because a name server or a broker keeps it. */
bool publisher_free(struct publisher *p, int64_t grace_ns);

/* Sends a message, taken over; NULL = no memory for it, counted as dropped. */
void publisher_send(struct publisher *p, struct message *m);

/* Takes another configuration. When the broker or its presence is another, says offline to the old one,
 * leaves it, within seconds whatever it does, and begins anew: then true is returned and `connected` follows.
 */
bool publisher_apply(struct publisher *p, struct config *c);

/* Sends what is queued, then that we are offline, then disconnects; `stopped` follows, at once without a
 * broker. */
void publisher_stop(struct publisher *p);

bool publisher_is_connected(const struct publisher *p);
struct health_broker publisher_describe(const struct publisher *p);

/* False when neither messages are acknowledged nor the connection is being tried. */
bool publisher_moves(const struct publisher *p, int64_t now_ns);
