/* capture: the conversation of a bus as text, for whoever asks for it (holder, any thread).
 *
 * The format, which `coolantctl capture` writes to a file and coolantd-sim plays back:
 *
 *   # coolantd capture 1
 *   # bus cdu: rtu, 19200 baud, even parity
 *   2026-11-25T12:00:00.123456Z > 0c0300640002851a
 *   2026-11-25T12:00:00.141002Z < 0c0304002a0000a6f3
 *
 * A line that begins with # is a comment; the first one is the name of the format and its version. Any other
 * is the time (UTC, microseconds), who sent it (> coolantd, < the other side) and the bytes as they went over
 * the wire, two lowercase digits each: a frame, with its CRC or its MBAP header. What comes within one
 * frame's pauses is one line; noise and what nobody asked for are there too. "# lost" stands where bytes were
 * left out.
 *
 * Nothing is kept before somebody asks, nor for longer than CAPTURE_IDLE_NS after somebody asked last. The
 * newest CAPTURE_BYTES are kept, and told by their place since the beginning.
 */
#pragma once

#include "config/config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_MAGIC "# coolantd capture 1"
/* Some seconds of the fastest bus, half a minute of a serial one. */
#define CAPTURE_BYTES ((size_t)256 << 10)
#define CAPTURE_IDLE_NS INT64_C(15000000000)
/* The longest frame and what may stand before it. */
#define CAPTURE_FRAME_MAX 512
/* Bytes that come so soon after others belong to them. */
#define CAPTURE_PAUSE_NS INT64_C(20000000)

struct capture {
	pthread_mutex_t lock;
	atomic_bool is_on;
	int64_t asked_ns;		  /* CLOCK_BOOTTIME */
	char *ring;			  /* the byte at `place` is at place % CAPTURE_BYTES; NULL = off */
	uint64_t end;			  /* place behind the last byte */
	uint8_t frame[CAPTURE_FRAME_MAX]; /* that is still coming */
	size_t frame_size;
	int64_t frame_us, last_ns; /* UTC of its first byte, CLOCK_BOOTTIME of its last */
};

void capture_init(struct capture *c);
void capture_deinit(struct capture *c);

/* Bytes that were sent, or came, just now. `c` may be NULL. */
void capture_sent(struct capture *c, const uint8_t *bytes, size_t n);
void capture_came(struct capture *c, const uint8_t *bytes, size_t n);

/* What there is from a place on: whole lines. */
struct capture_part {
	char *text;    /* malloc'd; NULL without memory */
	uint64_t next; /* the place to ask from next */
};

/* Begins to keep it for `bus` if need be. `from` 0 = from the beginning, with its head. */
struct capture_part capture_take(struct capture *c, const struct bus_config *bus, uint64_t from);
