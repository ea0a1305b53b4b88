/* buses: which bus workers run (holder, main thread).
 *
 * On a new configuration the workers of buses whose settings are the same go on and take their devices from
 * it; the others are stopped and new ones are started, each as soon as no stopping one uses its port any
 * more, so that no two ever do. A worker that cannot be started is tried again, ever more rarely, and said
 * once.
 */
#pragma once

#include "drivers/worker.h"

struct buses;

/* `asked_lately`: an earlier run may have asked just now; whoever is started at a reload follows another
 * worker anyway. NULL without memory. */
struct buses *buses_new(struct inbox *batches, bool asked_lately);
/* Only after buses_join has returned true. */
void buses_free(struct buses *s);

/* Takes a configuration (a reference). Starts what can start now; buses_turn does the rest. */
void buses_apply(struct buses *s, struct config *c);

/* CLOCK_BOOTTIME from when on each device of bus `bus` of that configuration can have been asked, as far as
 * the line is concerned. */
int64_t buses_asks_from(struct buses *s, size_t bus);

/* To be called some times a second: ends stopped workers, starts what waited for that. */
void buses_turn(struct buses *s);

/* Asks all to stop. */
void buses_request_stop(struct buses *s);
/* Waits until `deadline_ns` (CLOCK_MONOTONIC) for all to end. False when some still run. */
bool buses_join(struct buses *s, int64_t deadline_ns);

/* Stats of bus `i` of the present configuration; all zero while it has no worker. */
void buses_describe(struct buses *s, size_t bus, struct driver_stats *ret);

/* Gives a question to bus `i` of the present configuration; it comes back in any case. */
void buses_read(struct buses *s, size_t bus, struct raw_read *r);
/* What has gone over it, see driver_impl.capture; NULL while it has no worker. */
char *buses_capture(struct buses *s, size_t bus, uint64_t from, uint64_t *next);

/* Name of a bus whose worker is stuck, or NULL. */
const char *buses_stuck(struct buses *s, int64_t now_ns);
