#include "daemon/broker/live_queue.h"

#include <search.h>
#include <string.h>

static int by_topic(const void *a, const void *b)
{
	const struct message *x = a, *y = b;
	return strcmp(x->topic, y->topic);
}

static bool is_first(const struct message *m)
{
	return (m->flags & PUBLISH_URGENT) && !m->has_yielded;
}

struct message *live_queue_add(struct live_queue *q, struct message *m)
{
	if (m->flags & PUBLISH_EACH) {
		message_list_append(&q->waiting, m);
		return NULL;
	}
	struct message **found = tsearch(m, &q->by_topic, by_topic);
	if (!found)
		return m;
	struct message *older = *found == m ? NULL : *found;
	*found = m;
	if (older && !is_first(m)) {
		message_list_replace(&q->waiting, older, m);
		return older;
	}
	if (older)
		message_list_unlink(&q->waiting, older);
	if (is_first(m))
		message_list_prepend(&q->waiting, m);
	else
		message_list_append(&q->waiting, m);
	return older;
}

struct message *live_queue_take(struct live_queue *q)
{
	struct message *m = message_list_take(&q->waiting);
	if (m && !(m->flags & PUBLISH_EACH))
		(void)tdelete(m, &q->by_topic, by_topic);
	return m;
}
