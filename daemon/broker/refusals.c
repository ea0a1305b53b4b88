#include "daemon/broker/refusals.h"

#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <stdlib.h>
#include <string.h>

/* Topics that are watched or put aside, and refusals that were said: the oldest makes room. */
#define TOPICS_MAX 32
#define NOTES_MAX 256
/* So often in a row a topic may be what closed the connection. */
#define STRIKES_MAX 2
#define ASIDE_MIN_NS (60 * NS_PER_S)
#define ASIDE_MAX_NS (3600 * NS_PER_S)

struct blamed {
	char *topic;		    /* NULL = free */
	uint64_t message;	    /* the last one that was blamed */
	unsigned strikes;	    /* since one of the topic was acknowledged */
	int64_t until_ns, pause_ns; /* put aside, if pause_ns is not 0 */
	bool said;
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
	for (size_t i = 0; r && i < TOPICS_MAX; i++)
		free(r->topics[i].topic);
	free(r);
}

/* FNV-1a */
static uint64_t hash(uint64_t sum, const void *data, size_t size)
{
	for (const uint8_t *at = data, *end = at + size; at < end; at++)
		sum = (sum ^ *at) * UINT64_C(1099511628211);
	return sum;
}

static uint64_t hash_text(uint64_t sum, const char *text)
{
	return hash(sum, text, strlen(text) + 1);
}

static const uint64_t hash_basis = UINT64_C(14695981039346656037);

static struct blamed *find(const struct refusals *r, const char *topic)
{
	for (size_t i = 0; r->count > 0 && i < TOPICS_MAX; i++)
		if (r->topics[i].topic && strcmp(r->topics[i].topic, topic) == 0)
			return (struct blamed *)&r->topics[i];
	return NULL;
}

bool refusals_bar(const struct refusals *r, const char *topic, int64_t now_ns)
{
	const struct blamed *b = find(r, topic);
	return b && now_ns < b->until_ns;
}

static void let_go(struct refusals *r, struct blamed *b)
{
	free(b->topic);
	*b = (struct blamed){ 0 };
	r->count--;
}

void refusals_clear(struct refusals *r, const char *topic)
{
	struct blamed *b = find(r, topic);
	if (!b)
		return;
	b->strikes = 0;
	if (b->pause_ns > 0) /* it was put aside, and is taken again */
		let_go(r, b);
}

static struct blamed *watch(struct refusals *r, const char *topic)
{
	char *copy = strdup(topic);
	if (!copy)
		return NULL;
	struct blamed *b = &r->topics[r->next++ % TOPICS_MAX];
	if (b->topic)
		let_go(r, b);
	*b = (struct blamed){ .topic = copy };
	r->count++;
	return b;
}

static void put_aside(struct blamed *b, int64_t now_ns)
{
	b->pause_ns = b->pause_ns == 0 ? ASIDE_MIN_NS : 2 * b->pause_ns;
	if (b->pause_ns > ASIDE_MAX_NS)
		b->pause_ns = ASIDE_MAX_NS;
	b->until_ns = now_ns + b->pause_ns;
}

bool refusals_blame(struct refusals *r, const struct message *m, int64_t now_ns)
{
	struct blamed *b = find(r, m->topic), *late = NULL;
	if (!b && !(b = watch(r, m->topic)))
		return false;
	uint64_t message = hash(hash_basis, m->payload, m->size);
	bool again = b->message == message;
	b->message = message;
	/* what is kept is that one message; what is made anew with each connection comes again */
	if (++b->strikes >= STRIKES_MAX && !(again && message_is_kept(m))) {
		put_aside(b, now_ns);
		late = m->late_topic && !find(r, m->late_topic) ? watch(r, m->late_topic) : NULL;
	}
	if (late)
		put_aside(late, now_ns);
	bool drop = again || b->pause_ns > 0;
	if (drop && !b->said)
		log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_BROKER },
		    "%s is dropped: the broker closes the connection each time it gets it", m->topic);
	b->said |= drop;
	return drop;
}

/* Whether it was there already. */
static bool note(struct refusals *r, const char *topic, const char *reason)
{
	uint64_t note = hash_text(hash_text(hash_basis, topic), reason);
	for (size_t i = 0; i < NOTES_MAX; i++)
		if (r->notes[i] == note)
			return true;
	r->notes[r->next_note++ % NOTES_MAX] = note;
	return false;
}

void refusals_note(struct refusals *r, const struct message *m, const char *reason)
{
	bool said = note(r, m->topic, reason);
	if (m->late_topic)
		said |= note(r, m->late_topic, reason);
	if (!said)
		log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_BROKER },
		    "%s is dropped: the broker refuses it: %s", m->topic, reason);
}
