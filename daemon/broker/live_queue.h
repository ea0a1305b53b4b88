/* live_queue: live messages that wait for the broker, one for each topic (holder, main thread).
 *
 * That is, but for those with PUBLISH_EACH. What is newest of a topic takes the place of what waits of it: on
 * a link that takes less than is made the live state is as young as the queue is long, and that is no longer
 * than there are topics.
 */
#pragma once

#include "daemon/publish/message.h"

struct live_queue {
	struct message_list waiting;
	void *by_topic; /* a tree of tsearch(3) over them */
};

/* Takes a message, an urgent one in front, unless it has yielded. Returns the older one of its topic that
 * waited, or NULL; without memory the message itself. */
struct message *live_queue_add(struct live_queue *q, struct message *m);

/* The next message, or NULL. */
struct message *live_queue_take(struct live_queue *q);
