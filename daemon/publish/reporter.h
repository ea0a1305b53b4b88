/* reporter: what is worth being told now, in each format (holder, main thread).
 *
 * Report by exception: in change mode a value is told when it differs from the last told one by more than its
 * deadband or its quality changed, and all values of a device at least every full_interval; in always mode
 * every value that was read. What was told last is remembered here, for each format.
 *
 * To add a format: implement output.h in a file of its own and add a row to the table in reporter.c.
 */
#pragma once

#include "daemon/publish/output.h"

struct reporter;

/* Opens the formats that the configuration of `live` asks for; `live` must outlive it. NULL without memory.
 */
struct reporter *reporter_new(
    const struct live *live, const struct output_sink sinks[OUTPUT_CONNECTIONS], int64_t started_ms);
/* Moves what was told of devices that did not change out of `old`. */
void reporter_inherit(struct reporter *r, struct reporter *old);
void reporter_free(struct reporter *r);

/* What the formats of a connection say to its owner; see output.h. */
int reporter_presence(
    const struct config *c, enum output_connection which, uint64_t connect, struct output_presence *ret);
int reporter_listens(const struct config *c, enum output_connection which, char *topics[OUTPUT_TOPICS_MAX]);
const char *reporter_waits_for(const struct config *c, enum output_connection which);
enum output_wish reporter_hear(struct reporter *r, enum output_connection which, uint64_t connect,
    const char *topic, const char *payload, size_t size);
size_t reporter_tail(struct reporter *r, enum output_connection which, const struct message *m,
    uint8_t tail[static OUTPUT_TAIL_MAX]);

/* Adds all topics that the broker keeps. */
void reporter_retain(const struct reporter *r, struct retained *to);

/* The connection is new, or the configuration is: everything that is known goes out on it, then what empties
 * the topics that are gone. It was made by the CONNECT after `connect` others. */
void reporter_everything(
    struct reporter *r, enum output_connection connection, uint64_t connect, int64_t now_ns);

/* A device has new samples, or some that turned stale. */
void reporter_device(struct reporter *r, const struct table_device *d, int64_t now_ns);

/* After devices were told: PUE figures that have later readings. */
void reporter_fed(struct reporter *r);

/* After a tick: loops, groups, PUE figures, trends that have another step, and devices whose sensors were
 * found to deviate, or do so no more. */
void reporter_tick(struct reporter *r, int64_t now_ns);

/* It has changed; or, no event, only its value is known no more, or again. */
void reporter_alarm(struct reporter *r, const struct alarm *a, bool is_event);
void reporter_health(struct reporter *r, const struct health *h);

/* The message that tells what had to be dropped on a connection; NULL = none is told, or without memory. */
struct message *reporter_gap(
    struct reporter *r, enum output_connection connection, int64_t from_ms, int64_t to_ms, uint64_t dropped);
