/* inbox: the one way in which threads meet (holder, any thread).
 *
 * A list with a bound and an eventfd: any thread gives, one takes. Giving wakes the taker. What is given
 * belongs to the inbox until it is taken. Nothing here waits but inbox_wait.
 *
 * An item begins with a struct inbox_item, so that giving allocates nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inbox_item {
	struct inbox_item *next;
};

struct inbox;

/* `most` bounds what waits; `free_item` frees an item that nobody takes. NULL with errno. */
struct inbox *inbox_new(size_t most, void (*free_item)(struct inbox_item *item));
void inbox_free(struct inbox *b);

/* Takes the item. When the inbox is full it is freed and counted, and false is returned. */
bool inbox_give(struct inbox *b, struct inbox_item *item);

/* For what must not be lost, such as an outcome that somebody waits for: taken beyond the bound too. The
 * giver bounds these by giving one for each order only. */
void inbox_give_always(struct inbox *b, struct inbox_item *item);

/* The same for what the taker need not know at once: it is not woken, and finds the item when it looks. */
void inbox_leave(struct inbox *b, struct inbox_item *item);

/* All that is there, oldest first, linked by `next`: it is the caller's now. Clears the eventfd. */
struct inbox_item *inbox_take(struct inbox *b);

/* For a taker without an event loop: until something is there, or `deadline_ns` (CLOCK_BOOTTIME; INT64_MAX =
 * without end). */
void inbox_wait(struct inbox *b, int64_t deadline_ns);

/* Readable while something is there that was given, not left. */
int inbox_fd(const struct inbox *b);
/* How many were not taken because the inbox was full. */
uint64_t inbox_dropped(struct inbox *b);
