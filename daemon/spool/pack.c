#include "daemon/spool/pack.h"

#include "config/ini/cleanup.h"
#include "daemon/control/bytes.h"
#include "daemon/disk/compressed.h"
#include "daemon/spool/numbers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* See pack.h. */
enum { LAYOUT_OLD = 1, LAYOUT_TEXTS, LAYOUT_BYTES, LAYOUT_NUMBERS };
/* The most messages of one block: bounds what a damaged number can ask for. */
#define MESSAGES_MAX 1000000
/* Of a topic of layout 1 with its base. */
#define TOPIC_MAX 1024

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

static bool are_texts(const struct placed *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!numbers_can_leave(p[i].message->payload, p[i].message->size))
			return false;
	return true;
}

static void put_all(struct bytes_writer *w, const struct placed *p, size_t n)
{
	bool texts = are_texts(p, n);
	bytes_put_count(w, 0);
	bytes_put_count(w, texts ? LAYOUT_NUMBERS : LAYOUT_BYTES);
	bytes_put_count(w, n);
	bytes_put_count(w, count_groups(p, n));
	for (size_t i = 0, length; i < n; i += length) {
		size_t last = 0;
		length = group_length(p + i, n - i);
		bytes_put_text(w, p[i].message->topic);
		bytes_put_count(w, length);
		for (size_t k = i; k < i + length; k++) {
			bytes_put_count(w, p[k].place - last);
			if (!texts)
				bytes_put_count(w, p[k].message->size);
			last = p[k].place;
		}
	}
	_cleanup_(bytes_writer_deinit) struct bytes_writer payloads = { 0 };
	for (size_t i = 0; i < n; i++) {
		bytes_put_raw(&payloads, p[i].message->payload, p[i].message->size);
		if (texts)
			bytes_put_raw(&payloads, "", 1);
	}
	w->bad |= payloads.bad;
	if (texts)
		numbers_take_out(payloads.data, payloads.size, w);
	else
		bytes_put_raw(w, payloads.data, payloads.size);
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
	if (w.size + l->bytes + n > SPOOL_UNPACKED_MAX || n > MESSAGES_MAX)
		return -EFBIG;
	return compressed_pack(w.data, w.size, level, ret);
}

struct unpacked {
	const char *topic;
	size_t place, size;
};

struct block {
	struct bytes_reader r;
	struct bytes_writer text; /* with its numbers */
	const char *old_base;
	uint64_t layout;
	struct unpacked *all;
	struct message **by_place;
	size_t count;
};

/* The places of all messages, in the order of their payloads; the reader stands at the first of these. */
static void take_groups(struct block *b)
{
	struct bytes_reader *r = &b->r;
	size_t done = 0, groups = bytes_take_count(r);
	for (; groups > 0 && !r->bad; groups--) {
		const char *topic = bytes_take_text(r);
		size_t length = bytes_take_count(r), place = 0;
		if (length > b->count - done)
			r->bad = true;
		for (; length > 0 && !r->bad; length--) {
			place += bytes_take_count(r);
			size_t size = b->layout == LAYOUT_BYTES ? bytes_take_count(r) : 0;
			b->all[done++] = (struct unpacked){ topic, place, size };
			r->bad |= place >= b->count;
		}
	}
	r->bad |= done != b->count;
	if (b->layout != LAYOUT_NUMBERS)
		return;
	numbers_put_back(r, SPOOL_UNPACKED_MAX, &b->text);
	bool good = !r->bad && r->at == r->end;
	*r = bytes_reader_of(&b->text);
	r->bad = !good;
}

/* The next payload, which may be empty: malloc'd, NULL without memory or when the reader is bad. */
static void *take_payload(struct block *b, struct unpacked *u)
{
	const char *text = b->layout == LAYOUT_BYTES ? NULL : bytes_take_text(&b->r);
	if (text)
		u->size = strlen(text);
	const void *raw = text ? text : bytes_take_raw(&b->r, u->size);
	void *payload = raw && !b->r.bad ? malloc(u->size + 1) : NULL;
	if (payload)
		memcpy(payload, raw, u->size);
	return payload;
}

static struct message *make_message(const struct block *b, const struct unpacked *u, void *payload)
{
	char whole[TOPIC_MAX];
	const char *topic = u->topic, *folder = strcmp(topic, "gap") == 0 ? "" : "history/";
	if (b->layout == LAYOUT_OLD) {
		snprintf(whole, sizeof(whole), "%s/%s%s", b->old_base, folder, topic);
		topic = whole;
	}
	struct message *m = message_new(topic, NULL, payload, u->size, 0, 0);
	if (m)
		message_make_late(m);
	return m;
}

static int make_messages(struct block *b)
{
	for (size_t i = 0; i < b->count && !b->r.bad; i++) {
		struct unpacked *u = &b->all[i];
		void *payload = take_payload(b, u);
		b->r.bad |= b->by_place[u->place] != NULL;
		if (b->r.bad) {
			free(payload);
			break;
		}
		b->by_place[u->place] = make_message(b, u, payload);
		if (!b->by_place[u->place])
			return -ENOMEM;
	}
	return b->r.bad || b->r.at != b->r.end ? -EBADMSG : 0;
}

/* Of which layout the block is, and the number of messages. */
static void take_head(struct block *b)
{
	struct bytes_reader *r = &b->r;
	b->layout = LAYOUT_OLD;
	b->count = bytes_take_count(r);
	/* behind a 0 a block of layout 1 has a 0 again: it is empty */
	if (b->count > 0 || r->bad || r->at == r->end || *r->at == 0)
		return;
	b->layout = bytes_take_count(r);
	b->count = bytes_take_count(r);
	r->bad |= b->layout < LAYOUT_TEXTS || b->layout > LAYOUT_NUMBERS;
}

static int unpack_block(struct block *b, struct message_list *l)
{
	take_head(b);
	if (b->r.bad || b->count > MESSAGES_MAX)
		return -EBADMSG;
	b->all = calloc(b->count + 1, sizeof(b->all[0]));
	b->by_place = calloc(b->count + 1, sizeof(b->by_place[0]));
	if (!b->all || !b->by_place)
		return -ENOMEM;
	take_groups(b);
	int err = b->r.bad ? -EBADMSG : make_messages(b);
	for (size_t i = 0; i < b->count; i++) {
		if (err < 0)
			message_free(b->by_place[i]);
		else
			message_list_append(l, b->by_place[i]);
	}
	return err;
}

int spool_unpack(const void *data, size_t size, const char *old_base, struct message_list *l)
{
	_cleanup_free_ void *bytes = NULL;
	ssize_t n = compressed_unpack(data, size, SPOOL_UNPACKED_MAX, &bytes);
	if (n < 0)
		return (int)n;
	struct block b = { .r = { bytes, (uint8_t *)bytes + n, false }, .old_base = old_base };
	int err = unpack_block(&b, l);
	bytes_writer_deinit(&b.text);
	free(b.all);
	free(b.by_place);
	return err;
}
