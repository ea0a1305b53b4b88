/* output: what a format is, and what it speaks to (pure: types).
 *
 * A format tells one kind of listener what is known. It is one struct of functions, in a file of its own, and
 * a row in the table of reporter.c. It is opened anew for each configuration. What it makes are whole
 * messages, for a sink; of brokers, queues and the spool it knows nothing. What it is shown is good during
 * the call, and `live` as long as it is open. All functions but open and close may be NULL. Main thread.
 */
#pragma once

#include "daemon/live/live.h"
#include "daemon/publish/health.h"
#include "daemon/publish/message.h"
#include "daemon/publish/output_connection.h"

/* Takes messages over; NULL is one that there was no memory for. */
struct output_sink {
	void (*send)(void *user, struct message *m);
	void *user;
};

struct output {
	const struct live *live; /* with its configuration */
	struct output_sink sink;
	int64_t started_ms; /* UTC, of the process */
};

/* What is said when a connection is made, and at its end: by us, or by the broker as our will. Each may be
 * NULL. */
struct output_presence {
	struct message *online, *offline;
};

/* Makes it for the CONNECT that comes after `connect` others; the messages are the caller's. Any thread. 0 or
 * -ENOMEM. */
typedef int (*output_presence_maker)(
    const struct config *c, enum output_connection which, uint64_t connect, struct output_presence *ret);

/* What the owner of a connection is to do about a message that came over it. */
enum output_wish {
	OUTPUT_WISH_NONE,
	OUTPUT_WISH_EVERYTHING, /* say all that is known anew */
	OUTPUT_WISH_BEGIN,	/* who was waited for is there */
	OUTPUT_WISH_LEAVE,	/* he is gone: say offline, and look for him at the next broker */
};

/* What goes out behind the payload of a message is no longer. */
#define OUTPUT_TAIL_MAX 4
/* Or this in place of its size: nobody would understand the message any more, so it is not sent; or, of one
 * that is late, not before what was sent to the sink just now. */
#define OUTPUT_TAIL_OBSOLETE SIZE_MAX
#define OUTPUT_TAIL_LATER (SIZE_MAX - 1)
/* A format listens to no more topics. */
#define OUTPUT_TOPICS_MAX 2

/* A device, of which values are worth being told. */
struct output_device {
	const struct table_device *device;
	const bool *news; /* which of its points those are; of all that is known when `full` */
	bool full;
	bool urgent;   /* a flag has changed, as of a leak */
	uint64_t seq;  /* counts these, from 1 */
	int64_t ts_ms; /* UTC of the newest reply of the device; now, when values only turned stale */
};

/* Figures that are told. */
struct output_moment {
	int64_t ts_ms; /* UTC */
	bool is_new;   /* else they are told anew, and that is of no use late: each time is told once there */
};

struct output_format {
	enum output_connection connection;
	/* With what the topics begin that a broker keeps of it; NULL = with anything that no other has. */
	const char *root;

	/* Whether the configuration asks for it; NULL = always. */
	bool (*is_wanted)(const struct config *c);

	void *(*open)(const struct output *to); /* the state; NULL without memory */
	void (*close)(void *state);
	/* The state of the same format as of the configuration before, which is closed then. */
	void (*inherit)(void *state, const void *old);

	/* One format of a connection has it; see output_presence_maker. */
	int (*presence)(const struct config *c, uint64_t connect, struct output_presence *ret);

	/* The topics that the connection subscribes to, OUTPUT_TOPICS_MAX at most, malloc'd for the caller.
	 * How many, or -ENOMEM. */
	int (*listens)(const struct config *c, char *topics[OUTPUT_TOPICS_MAX]);
	/* A message of one of them, over the connection of the CONNECT after `connect` others. */
	enum output_wish (*hear)(
	    void *state, uint64_t connect, const char *topic, const char *payload, size_t size);
	/* Whom a new connection waits for before anything is said on it, until hear wishes to begin; "" =
	 * nobody. */
	const char *(*waits_for)(const struct config *c);

	/* A message goes out now: what is to follow its payload, that only now is known. Returns its size, or
	 * one of the above. */
	size_t (*tail)(void *state, const struct message *m, uint8_t tail[static OUTPUT_TAIL_MAX]);

	/* How often all values of a device are told that do not change; 0 = as [mqtt] says for everything, in
	 * each cycle or at its full_interval; INT64_MAX = never. */
	int64_t full_interval;

	/* The connection is new (by the CONNECT after `connect` others), or the configuration is: what holds
	 * for long, such as a description or a birth. All that is known of each device, loops, groups, PUE
	 * figures and alarms follow by the functions below. */
	void (*begin)(void *state, uint64_t connect);

	/* All topics of it that the broker keeps, of this configuration: one that it has no more is emptied.
	 */
	void (*topics)(void *state, void (*see)(const char *topic, void *user), void *user);

	/* Values with the time and the quality of each (table_point.sample). */
	void (*device)(void *state, const struct output_device *d);
	void (*loop)(void *state, size_t i, struct output_moment at); /* of the configuration, as are these */
	void (*group)(void *state, size_t i, struct output_moment at);
	void (*pue)(void *state, size_t i, struct output_moment at); /* without a ratio of its own time */
	void (*trend)(void *state, enum trends_kind kind, size_t i); /* there is another step */
	/* `is_event`: its state has changed; else it is told anew, and that is of no use late. */
	void (*alarm)(void *state, const struct alarm *a, bool is_event);
	void (*health)(void *state, const struct health *h);
	void (*tick)(void *state, int64_t now_ns); /* after each of the control loop */

	/* The message that tells what had to be dropped, as history; NULL without memory. */
	struct message *(*gap)(void *state, int64_t from_ms, int64_t to_ms, uint64_t dropped);
};
