/* play: what was captured of a bus, as answers to the same questions (holder).
 *
 * Reads a file of `coolantctl capture` (the format is told in drivers/modbus/capture.h, and read apart from
 * it). Each request gets what came after the same request in the capture, with the captured delay, in the
 * captured order, from the beginning again at its end; silence is an answer too. A question that was not
 * captured is refused (exception 2) by a unit that answers anything, and not answered by others.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest frame, as it was captured or is made here. */
#define PLAY_BYTES_MAX 512
/* What comes after one request: frames, and what is none. */
#define PLAY_PIECES_MAX 16

struct play;

/* NULL after a message on stderr with the line. */
struct play *play_load(const char *path);
void play_free(struct play *p);

/* The bus that was captured; "" = the file does not tell. */
const char *play_bus(const struct play *p);

struct play_piece {
	int64_t delay_ns; /* after the request */
	size_t length;
	uint8_t bytes[PLAY_BYTES_MAX];
};

/* A request: unit, function and data, without what frames them. */
struct play_question {
	const uint8_t *bytes;
	size_t length;
	bool is_tcp;	      /* how the answer is to be framed */
	uint16_t transaction; /* of the question, with TCP */
};

/* What is to be sent; returns how many pieces. */
size_t play_answer(
    struct play *p, const struct play_question *q, struct play_piece ret[static PLAY_PIECES_MAX]);

/* Of a frame on a serial line; not by the code that is tried with it. */
uint16_t play_crc(const uint8_t *data, size_t n);
