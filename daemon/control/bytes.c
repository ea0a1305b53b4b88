#include "daemon/control/bytes.h"

#include <stdlib.h>
#include <string.h>

#define LEB128_MAX 10

static uint8_t *reserve(struct bytes_writer *w, size_t size)
{
	if (w->size + size > w->room) {
		size_t room = 2 * (w->size + size) + 256;
		uint8_t *data = w->bad ? NULL : realloc(w->data, room);
		if (!data) {
			w->bad = true;
			return NULL;
		}
		w->data = data;
		w->room = room;
	}
	return w->data + w->size;
}

void bytes_put_count(struct bytes_writer *w, uint64_t n)
{
	uint8_t *to = reserve(w, LEB128_MAX);
	if (!to)
		return;
	for (; n >= 0x80; n >>= 7)
		*to++ = (uint8_t)(n | 0x80);
	*to++ = (uint8_t)n;
	w->size = (size_t)(to - w->data);
}

/* Zigzag, so that small negative numbers are short as well. */
void bytes_put_integer(struct bytes_writer *w, int64_t n)
{
	bytes_put_count(w, n < 0 ? ~((uint64_t)n << 1) : (uint64_t)n << 1);
}

void bytes_put_raw(struct bytes_writer *w, const void *data, size_t size)
{
	uint8_t *to = size > 0 ? reserve(w, size) : NULL;
	if (!to)
		return;
	memcpy(to, data, size);
	w->size += size;
}

void bytes_put_number(struct bytes_writer *w, double n)
{
	bytes_put_raw(w, &n, sizeof(n));
}

void bytes_put_text(struct bytes_writer *w, const char *text)
{
	bytes_put_raw(w, text, strlen(text) + 1);
}

void bytes_put_entry(struct bytes_writer *w, const char *kind, const char *name, uint64_t fingerprint,
    struct bytes_writer *block)
{
	bytes_put_text(w, kind);
	bytes_put_text(w, name);
	bytes_put_integer(w, (int64_t)fingerprint);
	bytes_put_integer(w, (int64_t)block->size);
	bytes_put_raw(w, block->data, block->size);
	w->bad |= block->bad;
	bytes_writer_deinit(block);
}

void bytes_writer_deinit(struct bytes_writer *w)
{
	free(w->data);
	*w = (struct bytes_writer){ 0 };
}

struct bytes_reader bytes_reader_of(const struct bytes_writer *w)
{
	if (w->size == 0)
		return (struct bytes_reader){ 0 };
	return (struct bytes_reader){ w->data, w->data + w->size, false };
}

uint64_t bytes_take_count(struct bytes_reader *r)
{
	uint64_t n = 0;
	for (unsigned shift = 0; !r->bad && r->at < r->end && shift < 64; shift += 7) {
		uint8_t byte = *r->at++;
		n |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return n;
	}
	r->bad = true;
	return 0;
}

int64_t bytes_take_integer(struct bytes_reader *r)
{
	uint64_t u = bytes_take_count(r);
	return (int64_t)(u >> 1 ^ -(u & 1));
}

int64_t bytes_take_within(struct bytes_reader *r, int64_t min, int64_t max)
{
	int64_t n = bytes_take_integer(r);
	if (n >= min && n <= max)
		return n;
	r->bad = true;
	return min;
}

const void *bytes_take_raw(struct bytes_reader *r, size_t size)
{
	const uint8_t *at = r->at;
	if (r->bad || size > (size_t)(r->end - at)) {
		r->bad = true;
		return NULL;
	}
	r->at += size;
	return at;
}

double bytes_take_number(struct bytes_reader *r)
{
	double n = 0;
	const void *raw = bytes_take_raw(r, sizeof(n));
	if (raw)
		memcpy(&n, raw, sizeof(n));
	return n;
}

struct bytes_reader bytes_take_block(struct bytes_reader *r)
{
	int64_t size = bytes_take_within(r, 0, INT64_MAX);
	const uint8_t *at = bytes_take_raw(r, (size_t)size);
	return at ? (struct bytes_reader){ at, at + size, false } : (struct bytes_reader){ .bad = true };
}

const char *bytes_take_text(struct bytes_reader *r)
{
	const uint8_t *end = r->bad || r->at == r->end ? NULL : memchr(r->at, '\0', (size_t)(r->end - r->at));
	const char *text = (const char *)r->at;
	if (!end) {
		r->bad = true;
		return "";
	}
	r->at = end + 1;
	return text;
}

struct bytes_entry bytes_take_entry(struct bytes_reader *r)
{
	struct bytes_entry e;
	e.kind = bytes_take_text(r);
	e.name = bytes_take_text(r);
	e.fingerprint = (uint64_t)bytes_take_integer(r);
	e.block = bytes_take_block(r);
	return e;
}
