/* message_list: messages in a row, in the order in which they go out (holder).
 *
 * Intrusive: a message is in one list at a time, which owns it. A list knows how many there are and how many
 * bytes their payloads have, so that its owner can bound it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message {
	struct message *next;
	uint64_t id;
	char *topic; /* below B, without "history/" */
	char *payload;
	unsigned flags; /* enum publisher_flags */
	bool is_history;
	int64_t ts_ms;
};

struct message_list {
	struct message *first, *last;
	size_t count;
	size_t bytes;
};

/* Takes `payload` (malloc'd) over, also when it fails: NULL without memory, or without a payload. */
struct message *message_new(const char *topic, char *payload, unsigned flags, int64_t ts_ms);
void message_free(struct message *m);

void message_list_append(struct message_list *l, struct message *m);
void message_list_prepend(struct message_list *l, struct message *m);

/* The first message, or NULL. */
struct message *message_list_take(struct message_list *l);

/* The message with this id, or NULL. */
struct message *message_list_remove(struct message_list *l, uint64_t id);

/* Frees all. */
void message_list_clear(struct message_list *l);
