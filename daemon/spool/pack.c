#include "daemon/spool/pack.h"

#include "config/ini/cleanup.h"
#include "daemon/spool/compressed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The most messages of one block: bounds what a damaged number can ask for. */
#define MESSAGES_MAX 1000000
#define LEB128_MAX 10

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

struct writer {
	uint8_t *at;
};

static void put_number(struct writer *w, size_t n)
{
	for (; n >= 0x80; n >>= 7)
		*w->at++ = (uint8_t)(n | 0x80);
	*w->at++ = (uint8_t)n;
}

static void put_text(struct writer *w, const char *text)
{
	size_t size = strlen(text) + 1;
	memcpy(w->at, text, size);
	w->at += size;
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

static void put_all(struct writer *w, const struct placed *p, size_t n)
{
	put_number(w, n);
	put_number(w, count_groups(p, n));
	for (size_t i = 0, length; i < n; i += length) {
		size_t last = 0;
		length = group_length(p + i, n - i);
		put_text(w, p[i].message->topic);
		put_number(w, length);
		for (size_t k = i; k < i + length; k++) {
			put_number(w, p[k].place - last);
			last = p[k].place;
		}
	}
	for (size_t i = 0; i < n; i++)
		put_text(w, p[i].message->payload);
}

ssize_t spool_pack(const struct message_list *l, int level, void **ret)
{
	size_t n = 0, room = (size_t)2 * LEB128_MAX;
	_cleanup_free_ struct placed *placed = calloc(l->count + 1, sizeof(*placed));
	if (!placed)
		return -ENOMEM;
	for (const struct message *m = l->first; m; m = m->next, n++) {
		placed[n] = (struct placed){ m, n };
		room += strlen(m->topic) + strlen(m->payload) + 2 + (size_t)2 * LEB128_MAX;
	}
	if (room > SPOOL_UNPACKED_MAX || n > MESSAGES_MAX)
		return -EFBIG;
	qsort(placed, n, sizeof(*placed), by_topic);
	_cleanup_free_ uint8_t *block = malloc(room);
	if (!block)
		return -ENOMEM;
	struct writer w = { block };
	put_all(&w, placed, n);
	return compressed_pack(block, (size_t)(w.at - block), level, 0, ret);
}

struct reader {
	const uint8_t *at, *end;
	bool bad;
};

static size_t take_number(struct reader *r)
{
	size_t n = 0;
	for (unsigned shift = 0; r->at < r->end && shift < 63; shift += 7) {
		uint8_t byte = *r->at++;
		n |= (size_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return n;
	}
	r->bad = true;
	return 0;
}

static const char *take_text(struct reader *r)
{
	const uint8_t *end = r->at < r->end ? memchr(r->at, '\0', (size_t)(r->end - r->at)) : NULL;
	const char *text = (const char *)r->at;
	if (!end) {
		r->bad = true;
		return "";
	}
	r->at = end + 1;
	return text;
}

struct unpacked {
	const char *topic;
	struct message *message;
	size_t place;
};

/* The places of all messages, in the order of their payloads. */
static void take_groups(struct reader *r, struct unpacked *u, size_t n)
{
	size_t done = 0, groups = take_number(r);
	for (; groups > 0 && !r->bad; groups--) {
		const char *topic = take_text(r);
		size_t length = take_number(r), place = 0;
		if (length > n - done)
			r->bad = true;
		for (; length > 0 && !r->bad; length--) {
			place += take_number(r);
			u[done++] = (struct unpacked){ .topic = topic, .place = place };
			r->bad |= place >= n;
		}
	}
	r->bad |= done != n;
}

static int make_messages(struct reader *r, struct unpacked *u, struct message **by_place, size_t n)
{
	for (size_t i = 0; i < n && !r->bad; i++) {
		const char *payload = take_text(r);
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
	struct reader r = { block, block + size, false };
	size_t n = take_number(&r);
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
