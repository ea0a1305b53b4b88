#include "drivers/inbox.h"

#include "drivers/os/wait.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct inbox {
	pthread_mutex_t lock;
	struct inbox_item *first, **tail;
	size_t count, most;
	bool woken; /* the eventfd was written since the last take */
	_Atomic uint64_t dropped;
	int fd;
	void (*free_item)(struct inbox_item *item);
};

struct inbox *inbox_new(size_t most, void (*free_item)(struct inbox_item *item))
{
	struct inbox *b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (b->fd < 0) {
		free(b);
		return NULL;
	}
	pthread_mutex_init(&b->lock, NULL);
	b->tail = &b->first;
	b->most = most;
	b->free_item = free_item;
	return b;
}

void inbox_free(struct inbox *b)
{
	if (!b)
		return;
	for (struct inbox_item *i = inbox_take(b), *next; i; i = next) {
		next = i->next;
		b->free_item(i);
	}
	close(b->fd);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static bool give(struct inbox *b, struct inbox_item *item, size_t most, bool wake)
{
	item->next = NULL;
	pthread_mutex_lock(&b->lock);
	bool taken = b->count < most;
	wake = wake && taken && !b->woken;
	b->woken |= wake;
	if (taken) {
		*b->tail = item;
		b->tail = &item->next;
		b->count++;
	} else {
		b->dropped++;
	}
	pthread_mutex_unlock(&b->lock);
	if (wake)
		(void)eventfd_write(b->fd, 1);
	return taken;
}

bool inbox_give(struct inbox *b, struct inbox_item *item)
{
	bool taken = give(b, item, b->most, true);
	if (!taken)
		b->free_item(item);
	return taken;
}

void inbox_give_always(struct inbox *b, struct inbox_item *item)
{
	(void)give(b, item, SIZE_MAX, true);
}

void inbox_leave(struct inbox *b, struct inbox_item *item)
{
	(void)give(b, item, SIZE_MAX, false);
}

struct inbox_item *inbox_take(struct inbox *b)
{
	eventfd_t ignored;
	(void)eventfd_read(b->fd, &ignored);
	pthread_mutex_lock(&b->lock);
	struct inbox_item *first = b->first;
	b->first = NULL;
	b->tail = &b->first;
	b->count = 0;
	b->woken = false;
	pthread_mutex_unlock(&b->lock);
	return first;
}

void inbox_wait(struct inbox *b, int64_t deadline_ns)
{
	struct pollfd fd = { b->fd, POLLIN, 0 };
	(void)wait_ready(&fd, 1, deadline_ns);
}

int inbox_fd(const struct inbox *b)
{
	return b->fd;
}

uint64_t inbox_dropped(struct inbox *b)
{
	return b->dropped;
}
