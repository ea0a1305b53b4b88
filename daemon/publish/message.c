#include "daemon/publish/message.h"

#include <stdlib.h>
#include <string.h>

struct message *message_new(
    const char *topic, const char *late_topic, void *payload, size_t size, unsigned flags, int64_t ts_ms)
{
	size_t room = strlen(topic) + 1, late_room = late_topic ? strlen(late_topic) + 1 : 0;
	struct message *m = payload ? calloc(1, sizeof(*m) + room + late_room) : NULL;
	if (!m) {
		free(payload);
		return NULL;
	}
	m->topic = memcpy(m->topics, topic, room);
	if (late_topic)
		m->late_topic = memcpy(m->topics + room, late_topic, late_room);
	m->payload = payload;
	m->size = size;
	m->flags = flags;
	m->ts_ms = ts_ms;
	return m;
}

struct message *message_copy(const struct message *m)
{
	void *payload = malloc(m->size + 1);
	if (payload)
		memcpy(payload, m->payload, m->size);
	struct message *copy = message_new(m->topic, m->late_topic, payload, m->size, m->flags, m->ts_ms);
	if (!copy)
		return NULL;
	copy->expiry_s = m->expiry_s;
	memcpy(copy->unit, m->unit, sizeof(copy->unit));
	return copy;
}

void message_make_late(struct message *m)
{
	if (m->late_topic)
		m->topic = m->late_topic;
	m->late_topic = NULL;
	m->flags = 0;
	m->expiry_s = 0;
	m->is_history = true;
}

/* Links `m` in before `next`, at the end if that is NULL. */
static void insert(struct message_list *l, struct message *m, struct message *next)
{
	struct message *prev = next ? next->prev : l->last;
	m->prev = prev;
	m->next = next;
	*(prev ? &prev->next : &l->first) = m;
	*(next ? &next->prev : &l->last) = m;
	l->count++;
	l->bytes += m->size;
}

void message_list_append(struct message_list *l, struct message *m)
{
	insert(l, m, NULL);
}

void message_list_prepend(struct message_list *l, struct message *m)
{
	insert(l, m, l->first);
}

void message_list_unlink(struct message_list *l, struct message *m)
{
	*(m->prev ? &m->prev->next : &l->first) = m->next;
	*(m->next ? &m->next->prev : &l->last) = m->prev;
	l->count--;
	l->bytes -= m->size;
	m->next = m->prev = NULL;
}

void message_list_replace(struct message_list *l, struct message *old, struct message *m)
{
	insert(l, m, old);
	message_list_unlink(l, old);
}

struct message *message_list_take(struct message_list *l)
{
	struct message *m = l->first;
	if (m)
		message_list_unlink(l, m);
	return m;
}

struct message *message_list_remove(struct message_list *l, uint64_t id)
{
	for (struct message *m = l->first; m; m = m->next) {
		if (m->id != id)
			continue;
		message_list_unlink(l, m);
		return m;
	}
	return NULL;
}

void message_list_join(struct message_list *l, struct message_list *from)
{
	for (struct message *m; (m = message_list_take(from));)
		message_list_append(l, m);
}

void message_list_join_front(struct message_list *l, struct message_list *from)
{
	message_list_join(from, l);
	*l = *from;
	*from = (struct message_list){ 0 };
}

void message_free(struct message *m)
{
	if (!m)
		return;
	free(m->payload);
	free(m);
}

void message_list_clear(struct message_list *l)
{
	for (struct message *m; (m = message_list_take(l));)
		message_free(m);
}
