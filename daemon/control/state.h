/* state: what must survive a restart, as bytes (pure apart from allocation).
 *
 * A writer gathers numbers and texts one after the other, a reader takes them in the same order. A reader
 * that meets an end or nonsense gives zeros from there on and remembers it: check `bad` once, at the end.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state_writer {
	uint8_t *data; /* malloc'd */
	size_t size, room;
	bool bad; /* without memory */
};

void state_put_integer(struct state_writer *w, int64_t n);
void state_put_number(struct state_writer *w, double n);
void state_put_text(struct state_writer *w, const char *text);
/* What another writer has gathered, as a block that a reader can skip. */
void state_put_block(struct state_writer *w, const struct state_writer *block);
void state_writer_deinit(struct state_writer *w);

/* The longest text that is read back. */
#define STATE_TEXT_MAX 192

struct state_reader {
	const uint8_t *at, *end;
	bool bad;
};

int64_t state_take_integer(struct state_reader *r);
/* An integer that must be within; else the reader is bad and `min` is returned. */
int64_t state_take_within(struct state_reader *r, int64_t min, int64_t max);
double state_take_number(struct state_reader *r);
struct state_reader state_take_block(struct state_reader *r);
void state_take_text(struct state_reader *r, char text[static STATE_TEXT_MAX]);

/* The clocks at the moment when a saved state is taken up. */
struct state_clock {
	int64_t now_ns;	   /* CLOCK_BOOTTIME */
	int64_t offset_ns; /* CLOCK_REALTIME - CLOCK_BOOTTIME */
};
