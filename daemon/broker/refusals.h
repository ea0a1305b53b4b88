/* refusals: what a broker does not take (holder, main thread).
 *
 * MQTT 5 may say so; other brokers, and mosquitto with an ACL or a limit of size, just close the connection.
 * After a close messages go out one at a time, so that what closes it again is known. It is a suspect, and
 * goes out behind all others from then on: a link that dies of itself does so at the first message as well as
 * at any. The same message twice, or a topic twice in a row with nothing of it acknowledged between, each
 * time after others were acknowledged, is more than chance: it is put aside, and the rest flows. A topic is
 * tried again after some time, then also with what was held back of it.
 */
#pragma once

#include "daemon/publish/message.h"

struct refusals;

struct refusals *refusals_new(void); /* NULL without memory */
void refusals_free(struct refusals *r);

/* Whether a message is not to be sent, because its topic is put aside. `now_ns` here: CLOCK_BOOTTIME. */
bool refusals_bar(struct refusals *r, const char *topic, int64_t now_ns);

/* Whether a message of the topic was at a close, and none was acknowledged since. */
bool refusals_suspects(const struct refusals *r, const char *topic);

/* Takes a message over that is not to be sent, if it would not be made again by itself; false when not. */
bool refusals_hold(struct refusals *r, struct message *m, int64_t now_ns);
/* A message that was held and may be tried again now; NULL = none. */
struct message *refusals_due(struct refusals *r, int64_t now_ns);
/* All is made anew. */
void refusals_forget_held(struct refusals *r);

/* The broker has acknowledged a message of the topic. */
void refusals_clear(struct refusals *r, const char *topic);

enum blame {
	BLAME_CHANCE,  /* nothing is known */
	BLAME_LIKELY,  /* not the first time */
	BLAME_CERTAIN, /* `m` is not to be sent again */
};

/* The broker has closed the connection, with a reason or NULL, when `m` was all that it had not acknowledged;
 * `sure`: it had acknowledged others of that connection. Says once for each topic what is certain. */
enum blame refusals_blame(
    struct refusals *r, const struct message *m, bool sure, const char *reason, int64_t now_ns);

/* The broker refuses a message for good: says so, once for each topic and reason, be it live or late. */
void refusals_note(struct refusals *r, const struct message *m, const char *reason);

/* A message is larger than the broker takes: says so, once for each topic. */
void refusals_note_oversize(struct refusals *r, const struct message *m, size_t size, uint32_t allowed);
