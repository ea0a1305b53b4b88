/* message: what goes to a broker, and lists of it in the order in which it goes out (holder).
 *
 * A message has its whole topic, and the one that it goes out under when that is late, so that nobody after
 * this needs to know how topics are made. What is retained is the whole state of something; late it is only
 * what was news in it then, so both payloads are made at once. Intrusive: a message is in one list at a time,
 * which owns it. A list knows how many there are and how many bytes their payloads have, so that its owner
 * can bound it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum message_flags {
	PUBLISH_RETAIN = 1 << 0,
	PUBLISH_URGENT = 1 << 1,  /* goes ahead of what is queued */
	PUBLISH_EACH = 1 << 2,	  /* a later one of its topic does not stand for it */
	PUBLISH_ASSURED = 1 << 3, /* with QoS 1, whatever the connection has */
};

/* As long as a profile allows, with the NUL. */
#define MESSAGE_UNIT_MAX 16

struct message {
	struct message *next, *prev;
	uint64_t id;
	const char *topic;
	const char *late_topic; /* as history; NULL = it is not worth being sent late */
	void *payload;		/* any bytes */
	size_t size;
	void *late_payload; /* as history; NULL = the same */
	size_t late_size;
	unsigned flags;		     /* enum message_flags */
	bool is_history;	     /* goes out late, without flags */
	bool has_yielded;	     /* let the others go first */
	char unit[MESSAGE_UNIT_MAX]; /* of a single value; "" = none */
	int64_t ts_ms;
	int64_t made_ns, sent_ns; /* CLOCK_BOOTTIME when it was to be sent, and was */
	/* of the spool, see history.h: the batch that it is saved in (0 = none), and its place in that */
	uint64_t batch, place;
	char topics[]; /* where they point */
};

struct message_list {
	struct message *first, *last;
	size_t count;
	size_t bytes; /* of their payloads */
};

/* Takes `payload` (malloc'd) over, also when it fails: NULL without memory, or without a payload. */
struct message *message_new(
    const char *topic, const char *late_topic, void *payload, size_t size, unsigned flags, int64_t ts_ms);
/* Gives it another payload (taken over; malloc'd) for when it is late. */
void message_set_late(struct message *m, void *payload, size_t size);
/* The same message once more, in no list, without what it is when it is late; NULL without memory. */
struct message *message_copy(const struct message *m);
/* A message that is kept, as history, once more; NULL without memory. */
struct message *message_copy_late(const struct message *m);
void message_free(struct message *m);

/* Whether it is kept when it cannot be delivered now. */
static inline bool message_is_kept(const struct message *m)
{
	return m->is_history || m->late_topic;
}

/* Gives a message that is kept its form as history. */
void message_make_late(struct message *m);

void message_list_append(struct message_list *l, struct message *m);
void message_list_prepend(struct message_list *l, struct message *m);

/* The first message, or NULL. */
struct message *message_list_take(struct message_list *l);

/* The message with this id, or NULL. */
struct message *message_list_remove(struct message_list *l, uint64_t id);

/* All of `from`, which is empty then, behind or before what is in `l`. */
void message_list_join(struct message_list *l, struct message_list *from);
void message_list_join_front(struct message_list *l, struct message_list *from);

/* Takes a message of the list out, or puts another one in its place. */
void message_list_unlink(struct message_list *l, struct message *m);
void message_list_replace(struct message_list *l, struct message *old, struct message *m);

/* Frees all. */
void message_list_clear(struct message_list *l);
