/* worker: a thread that runs one driver (mover).
 *
 * Owned by the main thread, which makes, reconfigures, stops and frees it. The thread blocks all signals.
 */
#pragma once

#include "drivers/driver.h"

struct worker;

/* Starts the thread for a bus; `asked_lately` is of driver_host. NULL with errno. */
struct worker *worker_start(struct config *c, size_t bus, struct inbox *batches, bool asked_lately);

/* Asks the thread to take another configuration between two polls; see driver_impl.reconfigure. */
void worker_reconfigure(struct worker *w, struct config *c, size_t bus);

/* Asks the thread to stop; returns at once. */
void worker_request_stop(struct worker *w);

/* Waits until `deadline_ns` (CLOCK_MONOTONIC) for a stopped thread and frees it. -ETIMEDOUT when it still
 * runs: then nothing is freed. */
int worker_join(struct worker *w, int64_t deadline_ns);

void worker_describe(struct worker *w, struct driver_stats *ret);

/* Gives the thread a question; it comes back through the inbox that it names. */
void worker_read(struct worker *w, struct raw_read *r);

/* See driver_impl.capture. */
char *worker_capture(struct worker *w, uint64_t from, uint64_t *next);

/* False when the thread takes longer than it said. */
bool worker_moves(struct worker *w, int64_t now_ns);
