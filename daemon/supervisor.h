/* supervisor: which bus workers run (mover, main thread).
 *
 * On a new configuration the workers of buses whose settings are the same go on and take their devices from
 * it; the others are stopped and new ones are started when all stopping ones are gone, so that no two ever
 * use the same port.
 */
#pragma once

#include "batch_queue.h"
#include "worker.h"

struct supervisor;

struct supervisor *supervisor_new(struct batch_queue *queue); /* NULL without memory */
/* Only after supervisor_stop has returned 0. */
void supervisor_free(struct supervisor *s);

/* Takes a configuration (a reference). Starts what can start now; supervisor_turn does the rest. 0 or
 * negative errno of a thread that could not be started. */
int supervisor_apply(struct supervisor *s, struct config *c);

/* To be called some times a second: ends stopped workers, starts what waited for that. */
int supervisor_turn(struct supervisor *s);

/* Asks all to stop. */
void supervisor_request_stop(struct supervisor *s);
/* Waits until `deadline_ns` (CLOCK_MONOTONIC) for all to end. 0, or -ETIMEDOUT when some still run. */
int supervisor_join(struct supervisor *s, int64_t deadline_ns);

/* Stats of bus `i` of the present configuration; all zero while it has no worker. */
void supervisor_describe(struct supervisor *s, size_t bus, struct driver_stats *ret);

/* Name of a bus whose worker is stuck, or NULL. */
const char *supervisor_stuck(struct supervisor *s, int64_t now_ns);
