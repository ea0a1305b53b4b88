#include "drivers/batch_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct batch_queue {
	pthread_mutex_t lock;
	struct batch *first, **tail;
	size_t count;
	uint64_t dropped;
	int fd;
};

struct batch_queue *batch_queue_new(void)
{
	struct batch_queue *q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->fd < 0) {
		free(q);
		return NULL;
	}
	pthread_mutex_init(&q->lock, NULL);
	q->tail = &q->first;
	return q;
}

void batch_queue_free(struct batch_queue *q)
{
	if (!q)
		return;
	for (struct batch *b = batch_queue_take(q), *next; b; b = next) {
		next = b->next;
		batch_free(b);
	}
	close(q->fd);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

bool batch_queue_give(struct batch_queue *q, struct batch *b)
{
	pthread_mutex_lock(&q->lock);
	bool taken = q->count < BATCH_QUEUE_MAX, was_empty = q->count == 0;
	if (taken) {
		*q->tail = b;
		q->tail = &b->next;
		q->count++;
	} else {
		q->dropped++;
	}
	pthread_mutex_unlock(&q->lock);

	if (!taken)
		batch_free(b);
	else if (was_empty)
		(void)eventfd_write(q->fd, 1);
	return taken;
}

struct batch *batch_queue_take(struct batch_queue *q)
{
	eventfd_t ignored;
	(void)eventfd_read(q->fd, &ignored);

	pthread_mutex_lock(&q->lock);
	struct batch *first = q->first;
	q->first = NULL;
	q->tail = &q->first;
	q->count = 0;
	pthread_mutex_unlock(&q->lock);
	return first;
}

int batch_queue_fd(const struct batch_queue *q)
{
	return q->fd;
}

uint64_t batch_queue_dropped(struct batch_queue *q)
{
	pthread_mutex_lock(&q->lock);
	uint64_t dropped = q->dropped;
	pthread_mutex_unlock(&q->lock);
	return dropped;
}
