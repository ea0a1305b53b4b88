#include "daemon/questions.h"

#include <stdlib.h>
#include <sys/epoll.h>

struct questions {
	struct inbox *answers;
	struct buses *buses;
	sd_event_source *source;
};

static void end(struct inbox_item *item)
{
	struct raw_read *r = (struct raw_read *)item;
	r->done(r);
}

static int on_answers(sd_event_source *s, int fd, uint32_t revents, void *user)
{
	const struct questions *q = user;
	for (struct inbox_item *i = inbox_take(q->answers), *next; i; i = next) {
		next = i->next;
		end(i);
	}
	return 0;
}

struct questions *questions_new(sd_event *event, struct buses *buses)
{
	struct questions *q = calloc(1, sizeof(*q));
	if (!q)
		return NULL;
	q->buses = buses;
	q->answers = inbox_new(RAW_READS_MAX, end);
	if (q->answers &&
	    sd_event_add_io(event, &q->source, inbox_fd(q->answers), EPOLLIN, on_answers, q) >= 0)
		return q;
	questions_free(q);
	return NULL;
}

void questions_free(struct questions *q)
{
	if (!q)
		return;
	sd_event_source_disable_unref(q->source);
	inbox_free(q->answers);
	free(q);
}

void questions_read(void *user, size_t bus, struct raw_read *r)
{
	const struct questions *q = user;
	r->to = q->answers;
	buses_read(q->buses, bus, r);
}

char *questions_capture(void *user, size_t bus, uint64_t from, uint64_t *next)
{
	const struct questions *q = user;
	return buses_capture(q->buses, bus, from, next);
}
