/* connection: a thread that keeps a connection to a broker and owns the MQTT client (mover, main thread
 * calls).
 *
 * It connects, again and again with growing pauses, hands over the messages that it is given and tells what
 * came of them. Nothing that the library waits for (a name server, its own lock) is waited for by the main
 * loop: orders go in and outcomes come back through inboxes. Each connection has its own brokers, will,
 * version and credentials.
 *
 * Each CONNECTED begins a new session with a number; messages are ordered for a session, and are dropped
 * unsaid when it is over by then: with DISCONNECTED everything that was ordered counts as not sent.
 */
#pragma once

#include "daemon/publish/output.h"
#include "drivers/inbox.h"
#include "drivers/mqtt/client.h"

struct connection;

struct connection_settings {
	struct config *config; /* a reference is taken: the strings of `mqtt` are its, but for client_id */
	enum output_connection which;
	struct mqtt_settings mqtt; /* client_id: copied */
	/* Makes what the broker publishes as our will, anew for each CONNECT; see output.h. NULL = none. */
	output_presence_maker presence;
	uint64_t connects;     /* CONNECT packets before the first of this one */
	bool leaves_with_will; /* whenever it disconnects, the broker is asked to publish the will (MQTT 5) */
	int64_t retry_min, retry_max; /* ns: the first pause after a failure, and the longest */
	bool is_probe;		      /* says nothing in the journal */
};

/* The connection that the configuration asks for, without a will and topics. */
struct connection_settings connection_settings_of(struct config *c, enum output_connection which);

enum connection_outcome_kind {
	CONNECTION_UP,
	CONNECTION_DOWN, /* the session is over, or could not begin; the next try follows by itself */
	CONNECTION_DELIVERED,
	CONNECTION_HEARD,   /* a message of one of the topics */
	CONNECTION_REFUSED, /* not sent, while the session goes on */
	CONNECTION_ENDED,   /* after connection_stop, the last: connection_free does not wait any more */
};

struct connection_outcome {
	struct inbox_item item;
	enum connection_outcome_kind kind;
	unsigned session;	   /* CONNECTION_UP */
	size_t broker;		   /* CONNECTION_UP: index of the broker that took us */
	struct mqtt_limits limits; /* CONNECTION_UP */
	uint64_t connects; /* CONNECT packets so far, with those before the first of this connection */
	bool lost;	   /* CONNECTION_DOWN: by the broker, maybe for what was sent, not by us */
	int64_t when_ns;   /* CONNECTION_DELIVERED: CLOCK_BOOTTIME */
	uint64_t id;	   /* CONNECTION_DELIVERED, CONNECTION_REFUSED: of the message */
	/* CONNECTION_REFUSED: why it is refused for good; NULL = try again. CONNECTION_DOWN: what a message
	 * was to the broker that it has ended the session for, or NULL */
	const char *reason;
	/* CONNECTION_HEARD: in the same block of memory; NULL-terminated behind its size */
	const char *topic, *payload;
	size_t size;
};

/* Starts the thread, which begins to connect. NULL with errno. */
struct connection *connection_new(const struct connection_settings *s);

/* Where outcomes arrive; the taker frees each with free(). */
struct inbox *connection_outcomes(struct connection *c);

/* What is to go out behind the payload of a message, which is not changed for it. */
struct connection_tail {
	uint8_t bytes[OUTPUT_TAIL_MAX];
	size_t size;
};

/* Orders a message for a session; it is copied. `id` is never used twice. `tail` NULL = nothing.
 * False without memory. */
bool connection_publish(struct connection *c, unsigned session, uint64_t id, const struct mqtt_message *m,
    const struct connection_tail *tail);

/* Whether each CONNECTION_DELIVERED wakes the taker. At first it does not: these are most of all outcomes,
 * and who has room for more messages can look for them later. After a change to true, look once. */
void connection_set_eager(struct connection *c, bool eager);

/* It is known what ended the last session: no other client. */
void connection_explain_end(struct connection *c);

/* Gives up the link as it is and connects anew at once, to the first broker of the list first. `with_will`:
 * the broker is to publish our will (MQTT 5), because nothing could be said to it. */
void connection_renew(struct connection *c, bool with_will);

/* The same, but to the next broker of the list, as long as that one takes us. */
void connection_move_on(struct connection *c);

/* Disconnects cleanly (the will is not sent) and ends. */
void connection_stop(struct connection *c);

/* Waits until `deadline_ns` (CLOCK_MONOTONIC) for the end of a stopped connection and frees it. False when it
 * has not ended, because a name server or a broker keeps it: then it does both by itself later. */
bool connection_free(struct connection *c, int64_t deadline_ns);

/* False when the thread hangs. `now_ns`: CLOCK_BOOTTIME. */
bool connection_moves(struct connection *c, int64_t now_ns);
