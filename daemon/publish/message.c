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

void message_list_append(struct message_list *l, struct message *m)
{
	m->next = NULL;
	if (l->last)
		l->last->next = m;
	else
		l->first = m;
	l->last = m;
	l->count++;
	l->bytes += m->size;
}

void message_list_prepend(struct message_list *l, struct message *m)
{
	m->next = l->first;
	l->first = m;
	if (!l->last)
		l->last = m;
	l->count++;
	l->bytes += m->size;
}

struct message *message_list_take(struct message_list *l)
{
	struct message *m = l->first;
	if (!m)
		return NULL;
	l->first = m->next;
	if (!l->first)
		l->last = NULL;
	l->count--;
	l->bytes -= m->size;
	return m;
}

struct message *message_list_remove(struct message_list *l, uint64_t id)
{
	struct message *before = NULL;
	for (struct message *m = l->first; m; before = m, m = m->next) {
		if (m->id != id)
			continue;
		if (!before)
			return message_list_take(l);
		before->next = m->next;
		if (l->last == m)
			l->last = before;
		l->count--;
		l->bytes -= m->size;
		return m;
	}
	return NULL;
}

void message_list_join(struct message_list *l, struct message_list *from)
{
	if (!from->first)
		return;
	if (l->last)
		l->last->next = from->first;
	else
		l->first = from->first;
	l->last = from->last;
	l->count += from->count;
	l->bytes += from->bytes;
	*from = (struct message_list){ 0 };
}

void message_list_join_front(struct message_list *l, struct message_list *from)
{
	struct message_list behind = *l;
	*l = *from;
	*from = (struct message_list){ 0 };
	message_list_join(l, &behind);
}

void message_list_hurry(struct message_list *l, struct message *m)
{
	struct message_list front = { 0 }, rest = { 0 };
	for (struct message *other; (other = message_list_take(l));)
		message_list_append(strcmp(other->topic, m->topic) == 0 ? &front : &rest, other);
	message_list_append(&front, m);
	message_list_join(l, &front);
	message_list_join(l, &rest);
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
