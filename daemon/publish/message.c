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

void message_set_late(struct message *m, void *payload, size_t size)
{
	m->late_payload = payload;
	m->late_size = payload ? size : 0;
}

static struct message *copy(
    const struct message *m, const char *topic, const void *payload, size_t size, unsigned flags)
{
	void *bytes = malloc(size + 1);
	if (bytes)
		memcpy(bytes, payload, size);
	return message_new(topic, NULL, bytes, size, flags, m->ts_ms);
}

struct message *message_copy(const struct message *m)
{
	return copy(m, m->topic, m->payload, m->size, m->flags);
}

struct message *message_copy_late(const struct message *m)
{
	bool other = m->late_payload != NULL;
	struct message *late = copy(m, m->late_topic ? m->late_topic : m->topic,
	    other ? m->late_payload : m->payload, other ? m->late_size : m->size, 0);
	if (!late)
		return NULL;
	memcpy(late->unit, m->unit, sizeof(late->unit));
	late->is_history = true;
	return late;
}

void message_make_late(struct message *m)
{
	if (m->late_topic)
		m->topic = m->late_topic;
	m->late_topic = NULL;
	if (m->late_payload) {
		free(m->payload);
		m->payload = m->late_payload;
		m->size = m->late_size;
		message_set_late(m, NULL, 0);
	}
	m->flags = 0;
	m->is_history = true;
}

static size_t bytes_of(const struct message *m)
{
	return m->size + m->late_size;
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
	l->bytes += bytes_of(m);
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
	l->bytes -= bytes_of(m);
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
	free(m->late_payload);
	free(m);
}

void message_list_clear(struct message_list *l)
{
	for (struct message *m; (m = message_list_take(l));)
		message_free(m);
}
