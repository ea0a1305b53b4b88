/* refusals: what a broker does not take (holder, main thread).
 *
 * MQTT 5 may say so; other brokers, and mosquitto with an ACL or a limit of size, just close the connection.
 * After a close messages go out one at a time, so that what closes it again is known. The same message twice,
 * or a topic twice in a row with nothing of it acknowledged between, is more than chance: it is put aside,
 * and the rest flows. A topic is tried again after some time.
 */
#pragma once

#include "daemon/publish/message.h"

struct refusals;

struct refusals *refusals_new(void); /* NULL without memory */
void refusals_free(struct refusals *r);

/* Whether a message is not to be sent, because its topic is put aside. `now_ns` here: CLOCK_BOOTTIME. */
bool refusals_bar(const struct refusals *r, const char *topic, int64_t now_ns);

/* The broker has acknowledged a message of the topic. */
void refusals_clear(struct refusals *r, const char *topic);

/* The broker has closed the connection when `m` was all that it had not acknowledged. Returns whether `m` is
 * not to be sent again; says so once for each topic. */
bool refusals_blame(struct refusals *r, const struct message *m, int64_t now_ns);

/* The broker refuses a message for good: says so, once for each topic and reason, be it live or late. */
void refusals_note(struct refusals *r, const struct message *m, const char *reason);
