#include "drivers/modbus/capture.h"

#include "drivers/os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STAMP_MAX 40
#define HEAD_MAX 256

void capture_init(struct capture *c)
{
	pthread_mutex_init(&c->lock, NULL);
}

static void end(struct capture *c)
{
	atomic_store(&c->is_on, false);
	free(c->ring);
	c->ring = NULL;
	c->frame_size = 0;
	c->end = 0;
}

void capture_deinit(struct capture *c)
{
	end(c);
	pthread_mutex_destroy(&c->lock);
}

static void put(struct capture *c, const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		c->ring[(c->end + i) % CAPTURE_BYTES] = text[i];
	c->end += n;
}

static size_t stamp(char text[static STAMP_MAX], int64_t utc_us)
{
	const time_t seconds = utc_us / 1000000;
	struct tm tm;
	(void)gmtime_r(&seconds, &tm);
	size_t n = strftime(text, STAMP_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	return n + (size_t)snprintf(text + n, STAMP_MAX - n, ".%06dZ", (int)(utc_us % 1000000));
}

static void put_line(struct capture *c, int64_t utc_us, char direction, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char line[STAMP_MAX + 4 + 2 * CAPTURE_FRAME_MAX];
	size_t at = stamp(line, utc_us);
	line[at++] = ' ';
	line[at++] = direction;
	line[at++] = ' ';
	for (size_t i = 0; i < n; i++) {
		line[at++] = digits[bytes[i] >> 4];
		line[at++] = digits[bytes[i] & 15];
	}
	line[at++] = '\n';
	put(c, line, at);
}

static void flush(struct capture *c)
{
	if (c->frame_size > 0)
		put_line(c, c->frame_us, '<', c->frame, c->frame_size);
	c->frame_size = 0;
}

/* Whether it is kept; with the lock then. Nobody who went away without a word makes it go on. */
static bool begin(struct capture *c)
{
	if (!c || !atomic_load(&c->is_on))
		return false;
	pthread_mutex_lock(&c->lock);
	if (c->ring && clock_boottime() - c->asked_ns <= CAPTURE_IDLE_NS)
		return true;
	end(c);
	pthread_mutex_unlock(&c->lock);
	return false;
}

static int64_t utc_us(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000;
}

void capture_sent(struct capture *c, const uint8_t *bytes, size_t n)
{
	if (!begin(c))
		return;
	flush(c);
	put_line(c, utc_us(), '>', bytes, n < CAPTURE_FRAME_MAX ? n : CAPTURE_FRAME_MAX);
	pthread_mutex_unlock(&c->lock);
}

void capture_came(struct capture *c, const uint8_t *bytes, size_t n)
{
	if (!begin(c))
		return;
	const int64_t now = clock_boottime();
	if (now - c->last_ns > CAPTURE_PAUSE_NS || c->frame_size + n > CAPTURE_FRAME_MAX)
		flush(c);
	if (c->frame_size == 0)
		c->frame_us = utc_us();
	size_t taken = n < CAPTURE_FRAME_MAX - c->frame_size ? n : CAPTURE_FRAME_MAX - c->frame_size;
	memcpy(c->frame + c->frame_size, bytes, taken);
	c->frame_size += taken;
	c->last_ns = now;
	pthread_mutex_unlock(&c->lock);
}

static int head_of(const struct bus_config *bus, char text[static HEAD_MAX])
{
	int n =
	    bus->type == BUS_RTU
		? snprintf(text, HEAD_MAX, CAPTURE_MAGIC "\n# bus %s: rtu, %d baud, %s parity\n", bus->name,
		      bus->baud, bus->parity == PARITY_NONE ? "no" : bus_parity_word(bus->parity))
		: snprintf(
		      text, HEAD_MAX, CAPTURE_MAGIC "\n# bus %s: %s\n", bus->name, bus_type_word(bus->type));
	return n < HEAD_MAX ? n : HEAD_MAX - 1;
}

static void put_head(struct capture *c, const struct bus_config *bus)
{
	char text[HEAD_MAX];
	int n = head_of(bus, text);
	put(c, text, (size_t)n);
}

/* The bytes from a place on, with the lock. */
static char *copy(const struct capture *c, const struct bus_config *bus, uint64_t from)
{
	char lost[HEAD_MAX + 16] = "";
	const uint64_t oldest = c->end > CAPTURE_BYTES ? c->end - CAPTURE_BYTES : 0;
	const bool is_lost = from < oldest;
	if (is_lost) { /* on to the next whole line; who begins gets the head all the same */
		size_t n = from == 0 ? (size_t)head_of(bus, lost) : 0;
		memcpy(lost + n, "# lost\n", sizeof("# lost\n"));
		from = oldest;
		while (from < c->end && c->ring[(from++) % CAPTURE_BYTES] != '\n')
			;
	}
	if (from > c->end)
		from = c->end;
	const size_t n = (size_t)(c->end - from), before = is_lost ? strlen(lost) : 0;
	char *text = malloc(before + n + 1);
	if (!text)
		return NULL;
	memcpy(text, lost, before);
	for (size_t i = 0; i < n; i++)
		text[before + i] = c->ring[(from + i) % CAPTURE_BYTES];
	text[before + n] = '\0';
	return text;
}

struct capture_part capture_take(struct capture *c, const struct bus_config *bus, uint64_t from)
{
	struct capture_part part = { NULL, 0 };
	pthread_mutex_lock(&c->lock);
	const int64_t now = clock_boottime();
	if (c->ring && now - c->asked_ns > CAPTURE_IDLE_NS)
		end(c);
	if (!c->ring && (c->ring = calloc(1, CAPTURE_BYTES))) {
		from = 0;
		put_head(c, bus);
	}
	if (c->ring) {
		c->asked_ns = now;
		if (now - c->last_ns > CAPTURE_PAUSE_NS)
			flush(c);
		part = (struct capture_part){ copy(c, bus, from), c->end };
		atomic_store(&c->is_on, true);
	}
	pthread_mutex_unlock(&c->lock);
	return part;
}
