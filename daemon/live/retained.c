#include "daemon/live/retained.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* What is emptied stays in the tree, which may be walked just now. */
enum topic_state { CONFIGURED, GONE, EMPTIED };

struct retained_topic {
	enum topic_state state;
	const char *topic;
	char text[]; /* where it points */
};

static int by_topic(const void *a, const void *b)
{
	const struct retained_topic *x = a, *y = b;
	return strcmp(x->topic, y->topic);
}

static struct retained_topic *find(const struct retained *r, const char *topic)
{
	const struct retained_topic key = { .topic = topic };
	struct retained_topic *const *found = tfind(&key, &r->by_topic, by_topic);
	return found ? *found : NULL;
}

static void add(struct retained *r, const char *topic, enum topic_state state)
{
	size_t room = strlen(topic) + 1;
	struct retained_topic *t = malloc(sizeof(*t) + room);
	if (!t)
		return;
	t->state = state;
	t->topic = memcpy(t->text, topic, room);
	if (!tsearch(t, &r->by_topic, by_topic))
		free(t);
}

void retained_add(struct retained *r, const char *topic)
{
	struct retained_topic *t = find(r, topic);
	if (t)
		t->state = CONFIGURED;
	else
		add(r, topic, CONFIGURED);
}

void retained_forget(struct retained *r, const char *topic)
{
	struct retained_topic *t = find(r, topic);
	if (t && t->state == GONE) /* it may be back */
		t->state = EMPTIED;
}

struct walk {
	void (*see)(const char *topic, void *user);
	void *user;
};

static void set_gone(const void *node, VISIT visit, void *user)
{
	struct retained_topic *t = *(struct retained_topic *const *)node;
	if (t->state == CONFIGURED)
		t->state = GONE;
}

static void see_gone(const void *node, VISIT visit, void *user)
{
	const struct retained_topic *t = *(struct retained_topic *const *)node;
	const struct walk *w = user;
	if (t->state == GONE && (visit == postorder || visit == leaf)) /* in order, despite the name */
		w->see(t->topic, w->user);
}

static void save(const void *node, VISIT visit, void *user)
{
	const struct retained_topic *t = *(struct retained_topic *const *)node;
	if (t->state != EMPTIED && (visit == postorder || visit == leaf))
		bytes_put_text(user, t->topic);
}

void retained_inherit(struct retained *r, struct retained *old)
{
	*r = *old;
	old->by_topic = NULL;
	twalk_r(r->by_topic, set_gone, NULL);
}

void retained_clear(struct retained *r)
{
	tdestroy(r->by_topic, free);
	r->by_topic = NULL;
}

void retained_each_gone(const struct retained *r, void (*see)(const char *topic, void *user), void *user)
{
	twalk_r(r->by_topic, see_gone, &(struct walk){ see, user });
}

void retained_save(const struct retained *r, struct bytes_writer *w)
{
	struct bytes_writer block = { 0 };
	if (!r->by_topic)
		return;
	twalk_r(r->by_topic, save, &block);
	bytes_put_entry(w, RETAINED_ENTRY, "", 0, &block);
}

void retained_load(struct retained *r, struct bytes_entry *e)
{
	while (e->block.at < e->block.end && !e->block.bad) {
		const char *topic = bytes_take_text(&e->block);
		if (!e->block.bad && !find(r, topic))
			add(r, topic, GONE);
	}
}
