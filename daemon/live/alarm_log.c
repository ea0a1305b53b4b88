#include "daemon/live/alarm_log.h"

#include <stdlib.h>
#include <string.h>

struct alarm_log {
	uint64_t next;				  /* the id of the next one */
	struct alarm_change *ring[ALARM_LOG_MAX]; /* by id; NULL = none */
};

struct alarm_log *alarm_log_new(void)
{
	struct alarm_log *l = calloc(1, sizeof(*l));
	if (l)
		l->next = 1;
	return l;
}

void alarm_log_free(struct alarm_log *l)
{
	for (size_t i = 0; l && i < ALARM_LOG_MAX; i++)
		free(l->ring[i]);
	free(l);
}

static size_t size_of(const char *text, size_t max)
{
	size_t n = strnlen(text, max + 1);
	if (n <= max)
		return n;
	n = max;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--; /* not within a character */
	return n;
}

/* Its texts stand behind it. */
static struct alarm_change *copy(const struct alarm_change *c)
{
	size_t name = strlen(c->name), by = strlen(c->by),
	       message = size_of(c->message, ALARM_LOG_MESSAGE_MAX);
	struct alarm_change *new = malloc(sizeof(*new) + name + by + message + 3);
	if (!new)
		return NULL;
	*new = *c;
	char *at = (char *)(new + 1);
	new->name = memcpy(at, c->name, name + 1);
	new->by = memcpy(at + name + 1, c->by, by + 1);
	char *text = memcpy(at + name + by + 2, c->message, message);
	text[message] = '\0';
	new->message = text;
	return new;
}

static void put(struct alarm_log *l, const struct alarm_change *c)
{
	struct alarm_change *new = copy(c), **place = &l->ring[c->id % ALARM_LOG_MAX];
	if (!new)
		return;
	free(*place);
	*place = new;
	if (c->id >= l->next)
		l->next = c->id + 1;
}

void alarm_log_add(struct alarm_log *l, const struct alarm *a, const char *by)
{
	put(l, &(struct alarm_change){ l->next, a->changed_ms, a->state, a->severity, a->acknowledged,
		   a->input.value, a->config->name, a->config->message, by });
}

/* The oldest id after `id` that can still be there. */
static uint64_t first_after(const struct alarm_log *l, uint64_t id)
{
	uint64_t oldest = l->next > ALARM_LOG_MAX ? l->next - ALARM_LOG_MAX : 1;
	return id < oldest ? oldest : id + 1;
}

static const struct alarm_change *at(const struct alarm_log *l, uint64_t id)
{
	const struct alarm_change *c = l->ring[id % ALARM_LOG_MAX];
	return c && c->id == id ? c : NULL;
}

void alarm_log_each(const struct alarm_log *l, int64_t now_ms,
    void (*see)(const struct alarm_change *c, void *user), void *user)
{
	for (uint64_t id = first_after(l, 0); id < l->next; id++) {
		const struct alarm_change *c = at(l, id);
		if (c && now_ms - c->ts_ms <= ALARM_LOG_AGE_MS)
			see(c, user);
	}
}

uint64_t alarm_log_newest(const struct alarm_log *l)
{
	return l->next - 1;
}

uint64_t alarm_log_save(const struct alarm_log *l, uint64_t id, struct bytes_writer *w)
{
	for (id = first_after(l, id); id < l->next; id++) {
		const struct alarm_change *c = at(l, id);
		struct bytes_writer block = { 0 };
		if (!c)
			continue;
		bytes_put_integer(&block, c->ts_ms);
		bytes_put_integer(&block, (int64_t)c->state);
		bytes_put_integer(&block, (int64_t)c->severity);
		bytes_put_integer(&block, c->acknowledged);
		bytes_put_number(&block, c->value);
		bytes_put_text(&block, c->message);
		bytes_put_text(&block, c->by);
		bytes_put_entry(w, ALARM_LOG_ENTRY, c->name, c->id, &block);
	}
	return alarm_log_newest(l);
}

void alarm_log_load(struct alarm_log *l, struct bytes_entry *e)
{
	struct alarm_change c = { .id = e->fingerprint, .name = e->name };
	struct bytes_reader *r = &e->block;
	c.ts_ms = bytes_take_integer(r);
	c.state = (enum alarm_state)bytes_take_within(r, 0, ALARM_SHELVED);
	c.severity = (enum alarm_severity)bytes_take_within(r, 0, SEVERITY_CRITICAL);
	c.acknowledged = bytes_take_within(r, 0, 1);
	c.value = bytes_take_number(r);
	c.message = bytes_take_text(r);
	c.by = bytes_take_text(r);
	if (!r->bad && c.id < INT64_MAX)
		put(l, &c);
}
