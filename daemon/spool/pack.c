#include "daemon/spool/pack.h"

#include "config/ini/cleanup.h"
#include "daemon/control/bytes.h"
#include "daemon/disk/compressed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The most messages of one block: bounds what a damaged number can ask for. */
#define MESSAGES_MAX 1000000

struct placed {
	const struct message *message;
	size_t place;
};

static int by_topic(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int order = strcmp(x->message->topic, y->message->topic);
	return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

/* Length of the group of messages with the topic of the first. */
static size_t group_length(const struct placed *p, size_t n)
{
	size_t i = 1;
	while (i < n && strcmp(p[i].message->topic, p[0].message->topic) == 0)
		i++;
	return i;
}

static size_t count_groups(const struct placed *p, size_t n)
{
	size_t groups = 0;
	for (size_t i = 0; i < n; i += group_length(p + i, n - i))
		groups++;
	return groups;
}

static void put_all(struct bytes_writer *w, const struct placed *p, size_t n)
{
	bytes_put_count(w, n);
	bytes_put_count(w, count_groups(p, n));
	for (size_t i = 0, length; i < n; i += length) {
		size_t last = 0;
		length = group_length(p + i, n - i);
		bytes_put_text(w, p[i].message->topic);
		bytes_put_count(w, length);
		for (size_t k = i; k < i + length; k++) {
			bytes_put_count(w, p[k].place - last);
			last = p[k].place;
		}
	}
	for (size_t i = 0; i < n; i++)
		bytes_put_text(w, p[i].message->payload);
}

ssize_t spool_pack(const struct message_list *l, int level, void **ret)
{
	size_t n = 0;
	_cleanup_free_ struct placed *placed = calloc(l->count + 1, sizeof(*placed));
	if (!placed)
		return -ENOMEM;
	for (const struct message *m = l->first; m; m = m->next, n++)
		placed[n] = (struct placed){ m, n };
	qsort(placed, n, sizeof(*placed), by_topic);
	_cleanup_(bytes_writer_deinit) struct bytes_writer w = { 0 };
	put_all(&w, placed, n);
	if (w.bad)
		return -ENOMEM;
	if (w.size > SPOOL_UNPACKED_MAX || n > MESSAGES_MAX)
		return -EFBIG;
	return compressed_pack(w.data, w.size, level, 0, ret);
}

struct unpacked {
	const char *topic;
	struct message *message;
	size_t place;
};

/* The places of all messages, in the order of their payloads. */
static void take_groups(struct bytes_reader *r, struct unpacked *u, size_t n)
{
	size_t done = 0, groups = bytes_take_count(r);
	for (; groups > 0 && !r->bad; groups--) {
		const char *topic = bytes_take_text(r);
		size_t length = bytes_take_count(r), place = 0;
		if (length > n - done)
			r->bad = true;
		for (; length > 0 && !r->bad; length--) {
			place += bytes_take_count(r);
			u[done++] = (struct unpacked){ .topic = topic, .place = place };
			r->bad |= place >= n;
		}
	}
	r->bad |= done != n;
}

static int make_messages(struct bytes_reader *r, struct unpacked *u, struct message **by_place, size_t n)
{
	for (size_t i = 0; i < n && !r->bad; i++) {
		const char *payload = bytes_take_text(r);
		r->bad |= by_place[u[i].place] != NULL;
		if (r->bad)
			break;
		struct message *m = message_new(u[i].topic, strdup(payload), 0, 0);
		if (!m)
			return -ENOMEM;
		m->is_history = true;
		by_place[u[i].place] = m;
	}
	return r->bad || r->at != r->end ? -EBADMSG : 0;
}

static int unpack_block(const uint8_t *block, size_t size, struct message_list *l)
{
	struct bytes_reader r = { block, block + size, false };
	size_t n = bytes_take_count(&r);
	if (r.bad || n > MESSAGES_MAX)
		return -EBADMSG;
	_cleanup_free_ struct unpacked *u = calloc(n + 1, sizeof(*u));
	_cleanup_free_ struct message **by_place = calloc(n + 1, sizeof(struct message *));
	if (!u || !by_place)
		return -ENOMEM;
	take_groups(&r, u, n);
	int err = r.bad ? -EBADMSG : make_messages(&r, u, by_place, n);
	for (size_t i = 0; i < n; i++) {
		if (err < 0)
			message_free(by_place[i]);
		else
			message_list_append(l, by_place[i]);
	}
	return err;
}

int spool_unpack(const void *data, size_t size, struct message_list *l)
{
	_cleanup_free_ void *block = NULL;
	ssize_t n = compressed_unpack(data, size, SPOOL_UNPACKED_MAX, &block);
	return n < 0 ? (int)n : unpack_block(block, (size_t)n, l);
}
