/* bytes: numbers and texts as bytes, for what is written to the disk (pure apart from allocation).
 *
 * A writer gathers numbers and texts one after the other, a reader takes them in the same order. A reader
 * that meets an end or nonsense gives zeros from there on and remembers it: check `bad` once, at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes_writer {
	uint8_t *data; /* malloc'd */
	size_t size, room;
	bool bad; /* without memory */
};

void bytes_put_integer(struct bytes_writer *w, int64_t n);
/* The same, and shorter, for what is never negative. */
void bytes_put_count(struct bytes_writer *w, uint64_t n);
void bytes_put_number(struct bytes_writer *w, double n);
void bytes_put_text(struct bytes_writer *w, const char *text);
void bytes_put_raw(struct bytes_writer *w, const void *data, size_t size);
/* What another writer has gathered, as a block that a reader can skip, with the kind, the name and the
 * fingerprint of what it belongs to; the block's writer is empty then. */
void bytes_put_entry(struct bytes_writer *w, const char *kind, const char *name, uint64_t fingerprint,
    struct bytes_writer *block);
void bytes_writer_deinit(struct bytes_writer *w);

struct bytes_reader {
	const uint8_t *at, *end;
	bool bad;
};

/* Of what a writer has gathered, which must stay as it is meanwhile. */
struct bytes_reader bytes_reader_of(const struct bytes_writer *w);

int64_t bytes_take_integer(struct bytes_reader *r);
uint64_t bytes_take_count(struct bytes_reader *r);
/* An integer that must be within; else the reader is bad and `min` is returned. */
int64_t bytes_take_within(struct bytes_reader *r, int64_t min, int64_t max);
double bytes_take_number(struct bytes_reader *r);
struct bytes_reader bytes_take_block(struct bytes_reader *r);
/* The text stands in the bytes. */
const char *bytes_take_text(struct bytes_reader *r);
/* So many bytes as they stand there; NULL when they are not. */
const void *bytes_take_raw(struct bytes_reader *r, size_t size);

struct bytes_entry {
	const char *kind, *name; /* stand in the bytes */
	uint64_t fingerprint;
	struct bytes_reader block;
};

struct bytes_entry bytes_take_entry(struct bytes_reader *r);
