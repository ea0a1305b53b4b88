#include "daemon/broker/refusals.h"

#include "config/ini/hash.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <stdlib.h>
#include <string.h>

/* Topics that are watched or put aside, and refusals that were said: the oldest makes room. */
#define TOPICS_MAX 256
#define NOTES_MAX 256
/* So often in a row a topic may be what closed the connection. */
#define STRIKES_MAX 2
#define ASIDE_MIN_NS (60 * NS_PER_S)
/* of what is said once and then stays, like that we are there */
#define ASIDE_STATE_MIN_NS (15 * NS_PER_S)
#define ASIDE_MAX_NS (3600 * NS_PER_S)

struct blamed {
	char *topic;		    /* NULL = free */
	uint64_t message;	    /* the last one that was blamed */
	unsigned strikes;	    /* since one of the topic was acknowledged */
	int64_t until_ns, pause_ns; /* put aside, if pause_ns is not 0 */
	bool said, suspected;
	struct message *held; /* the newest that was not sent, of what is not made again by itself */
};

struct refusals {
	struct blamed topics[TOPICS_MAX];
	size_t count, next; /* in use, and which makes room next */
	uint64_t notes[NOTES_MAX];
	size_t next_note;
};

struct refusals *refusals_new(void)
{
	return calloc(1, sizeof(struct refusals));
}

void refusals_free(struct refusals *r)
{
	for (size_t i = 0; r && i < TOPICS_MAX; i++) {
		free(r->topics[i].topic);
		message_free(r->topics[i].held);
	}
	free(r);
}

static struct blamed *find(const struct refusals *r, const char *topic)
{
	for (size_t i = 0; r->count > 0 && i < TOPICS_MAX; i++)
		if (r->topics[i].topic && strcmp(r->topics[i].topic, topic) == 0)
			return (struct blamed *)&r->topics[i];
	return NULL;
}

static void forget_held(struct blamed *b)
{
	message_free(b->held);
	b->held = NULL;
}

bool refusals_bar(struct refusals *r, const char *topic, int64_t now_ns)
{
	struct blamed *b = find(r, topic);
	if (!b || now_ns < b->until_ns)
		return b;
	forget_held(b); /* here comes a newer one */
	return false;
}

bool refusals_suspects(const struct refusals *r, const char *topic)
{
	const struct blamed *b = find(r, topic);
	return b && b->suspected;
}

bool refusals_hold(struct refusals *r, struct message *m, int64_t now_ns)
{
	struct blamed *b = message_is_kept(m) ? NULL : find(r, m->topic);
	if (!b || now_ns >= b->until_ns) /* what is due is not held again */
		return false;
	forget_held(b);
	b->held = m;
	return true;
}

struct message *refusals_due(struct refusals *r, int64_t now_ns)
{
	for (size_t i = 0; r->count > 0 && i < TOPICS_MAX; i++) {
		struct blamed *b = &r->topics[i];
		struct message *m = b->held;
		if (!m || now_ns < b->until_ns)
			continue;
		b->held = NULL;
		return m;
	}
	return NULL;
}

void refusals_forget_held(struct refusals *r)
{
	for (size_t i = 0; r->count > 0 && i < TOPICS_MAX; i++)
		forget_held(&r->topics[i]);
}

static void let_go(struct refusals *r, struct blamed *b)
{
	free(b->topic);
	forget_held(b);
	*b = (struct blamed){ 0 };
	r->count--;
}

void refusals_clear(struct refusals *r, const char *topic)
{
	struct blamed *b = find(r, topic);
	if (!b)
		return;
	b->strikes = 0;
	b->suspected = false;
	if (b->pause_ns > 0) /* it was put aside, and is taken again */
		let_go(r, b);
}

/* A free place, or that of the oldest but `but`. */
static struct blamed *place(struct refusals *r, const struct blamed *but)
{
	for (size_t i = 0; r->count < TOPICS_MAX && i < TOPICS_MAX; i++)
		if (!r->topics[i].topic)
			return &r->topics[i];
	struct blamed *b = &r->topics[r->next++ % TOPICS_MAX];
	return b == but ? &r->topics[r->next++ % TOPICS_MAX] : b;
}

static struct blamed *watch(struct refusals *r, const char *topic, const struct blamed *but)
{
	char *copy = strdup(topic);
	if (!copy)
		return NULL;
	struct blamed *b = place(r, but);
	if (b->topic)
		let_go(r, b);
	*b = (struct blamed){ .topic = copy };
	r->count++;
	return b;
}

static void put_aside(struct blamed *b, int64_t least_ns, int64_t now_ns)
{
	b->pause_ns = b->pause_ns == 0 ? least_ns : 2 * b->pause_ns;
	if (b->pause_ns > ASIDE_MAX_NS)
		b->pause_ns = ASIDE_MAX_NS;
	b->until_ns = now_ns + b->pause_ns;
}

static void put_topics_aside(struct refusals *r, struct blamed *b, const struct message *m, int64_t now_ns)
{
	put_aside(b, message_is_kept(m) ? ASIDE_MIN_NS : ASIDE_STATE_MIN_NS, now_ns);
	struct blamed *late = m->late_topic && !find(r, m->late_topic) ? watch(r, m->late_topic, b) : NULL;
	if (late)
		put_aside(late, ASIDE_MIN_NS, now_ns);
}

static void say(struct blamed *b, const char *reason)
{
	if (!b->said)
		log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_MESSAGE_REFUSED },
		    "%s is dropped: the broker closes the connection each time it gets it%s%s", b->topic,
		    reason ? ": " : "", reason ? reason : "");
	b->said = true;
}

enum blame refusals_blame(
    struct refusals *r, const struct message *m, bool sure, const char *reason, int64_t now_ns)
{
	struct blamed *b = find(r, m->topic);
	if (!b && !(b = watch(r, m->topic, NULL)))
		return BLAME_CHANCE;
	b->suspected = true;
	if (!sure)
		return BLAME_CHANCE;
	uint64_t message = hash_bytes(HASH_BASIS, m->payload, m->size);
	bool again = b->message == message;
	b->message = message;
	b->strikes++;
	if (!again && b->strikes < STRIKES_MAX && b->pause_ns == 0)
		return BLAME_CHANCE;
	if (b->strikes < STRIKES_MAX && b->pause_ns == 0 && !message_is_kept(m))
		return BLAME_LIKELY; /* what is made anew with each connection was taken in between */
	/* what is kept is that one message; what is made anew with each connection comes again */
	if (b->strikes >= STRIKES_MAX && !(again && message_is_kept(m)))
		put_topics_aside(r, b, m, now_ns);
	say(b, reason);
	return BLAME_CERTAIN;
}

/* Whether it was there already. */
static bool note(struct refusals *r, const char *topic, const char *reason)
{
	uint64_t note = hash_text(hash_text(HASH_BASIS, topic), reason);
	for (size_t i = 0; i < NOTES_MAX; i++)
		if (r->notes[i] == note)
			return true;
	r->notes[r->next_note++ % NOTES_MAX] = note;
	return false;
}

/* Whether it was said of the topic, be it live or late. */
static bool note_topics(struct refusals *r, const struct message *m, const char *reason)
{
	bool said = note(r, m->topic, reason);
	if (m->late_topic)
		said |= note(r, m->late_topic, reason);
	return said;
}

void refusals_note(struct refusals *r, const struct message *m, const char *reason)
{
	if (!note_topics(r, m, reason))
		log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_MESSAGE_REFUSED },
		    "%s is dropped: the broker refuses it: %s", m->topic, reason);
}

void refusals_note_oversize(struct refusals *r, const struct message *m, size_t size, uint32_t allowed)
{
	if (!note_topics(r, m, "oversize"))
		log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_MESSAGE_REFUSED },
		    "%s is dropped: %zu bytes are more than the broker takes (allowed: %u)", m->topic, size,
		    (unsigned)allowed);
}
