/* batch_queue: the one place where bus workers and the main thread meet (holder, any thread).
 *
 * Bounded: when the main thread does not keep up, a new batch is refused and counted, polling goes on. Giving
 * wakes the reader through an eventfd.
 */
#pragma once

#include "drivers/sample.h"

/* About two cycles of the largest hall (500 devices), so that a slow tick loses nothing. */
#define BATCH_QUEUE_MAX 4096

struct batch_queue;

struct batch_queue *batch_queue_new(void); /* NULL with errno */
void batch_queue_free(struct batch_queue *q);

/* Takes the batch; frees it and returns false when the queue is full. */
bool batch_queue_give(struct batch_queue *q, struct batch *b);

/* All that is there, oldest first, linked by `next`; the caller frees each. Clears the eventfd. */
struct batch *batch_queue_take(struct batch_queue *q);

int batch_queue_fd(const struct batch_queue *q);
uint64_t batch_queue_dropped(struct batch_queue *q);
