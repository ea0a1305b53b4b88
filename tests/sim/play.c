#include "play.h"

#include "drivers/os/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAGIC "# coolantd capture 1"
/* A stamp, the direction, and two digits a byte. */
#define LINE_MAX_BYTES (64 + 2 * PLAY_BYTES_MAX)
#define LINES_MAX 2000000
#define BUS_MAX 64
#define MBAP_LENGTH 7
#define CRC_LENGTH 2
#define ILLEGAL_ADDRESS 2

struct line {
	int64_t time_ns;
	char direction;
	size_t length;
	uint8_t *bytes; /* in the play's memory */
};

/* A question that was asked once or often. */
struct question {
	uint8_t bytes[PLAY_BYTES_MAX];
	size_t length;
	size_t *lines; /* where it was asked */
	size_t count, room, next;
};

struct play {
	char bus[BUS_MAX];
	bool is_tcp;
	struct line *lines;
	size_t line_count, line_room;
	struct question *questions;
	size_t question_count, question_room;
	bool answers[256]; /* units that ever did */
};

const char *play_bus(const struct play *p)
{
	return p->bus;
}

void play_free(struct play *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->line_count; i++)
		free(p->lines[i].bytes);
	for (size_t i = 0; i < p->question_count; i++)
		free(p->questions[i].lines);
	free(p->lines);
	free(p->questions);
	free(p);
}

/* Room for one more item; NULL without memory. */
static void *grow(void *items, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return items;
	*room = *room ? 2 * *room : 64;
	return reallocarray(items, *room, size);
}

/* Modbus over Serial Line V1.02, 6.2.2 */
uint16_t play_crc(const uint8_t *data, size_t n)
{
	uint16_t crc = 0xffff;
	for (size_t i = 0; i < n; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? (uint16_t)(crc >> 1 ^ 0xa001) : (uint16_t)(crc >> 1);
	}
	return crc;
}

/* How many bytes stand before and behind what a frame carries. */
static size_t before(bool is_tcp)
{
	return is_tcp ? MBAP_LENGTH - 1 : 0;
}

static size_t behind(bool is_tcp)
{
	return is_tcp ? 0 : CRC_LENGTH;
}

/* The first frame of `n` bytes, 0 = there is none: by its length, or by its CRC. */
static size_t frame_length(const uint8_t *bytes, size_t n, bool is_tcp)
{
	if (is_tcp) {
		size_t length = n > MBAP_LENGTH ? (size_t)(bytes[4] << 8 | bytes[5]) + MBAP_LENGTH - 1 : 0;
		return length > MBAP_LENGTH && length <= n ? length : 0;
	}
	for (size_t length = 4; length <= n; length++) {
		uint16_t crc = play_crc(bytes, length - CRC_LENGTH);
		if (bytes[length - 2] == (crc & 0xff) && bytes[length - 1] == crc >> 8)
			return length;
	}
	return 0;
}

static int hex_digit(int c)
{
	return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

/* STAMP > BYTES. What is wrong, or NULL. */
static const char *parse_line(char *text, struct line *ret, uint8_t bytes[static PLAY_BYTES_MAX])
{
	struct tm tm = { 0 };
	char *at = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	double fraction = at && *at == '.' ? strtod(at, &at) : 0;
	if (!at || *at++ != 'Z' || *at++ != ' ')
		return "a line begins with a time like 2026-11-25T12:00:00.123456Z";
	if ((*at != '>' && *at != '<') || at[1] != ' ')
		return "> or < stands behind the time";
	ret->direction = *at;
	ret->time_ns = timegm(&tm) * NS_PER_S + (int64_t)(fraction * NS_PER_S);
	ret->length = 0;
	for (at += 2; at[0] && at[1]; at += 2) {
		int high = hex_digit((unsigned char)at[0]), low = hex_digit((unsigned char)at[1]);
		if (high < 0 || low < 0 || ret->length == PLAY_BYTES_MAX)
			break;
		bytes[ret->length++] = (uint8_t)(high << 4 | low);
	}
	return *at || ret->length == 0 ? "behind > and < stand bytes, two digits each" : NULL;
}

static struct question *find(const struct play *p, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < p->question_count; i++)
		if (p->questions[i].length == length && memcmp(p->questions[i].bytes, bytes, length) == 0)
			return &p->questions[i];
	return NULL;
}

/* False without memory. What is no frame was never asked. */
static bool note_question(struct play *p, size_t at)
{
	const struct line *l = &p->lines[at];
	size_t around = before(p->is_tcp) + behind(p->is_tcp);
	if (frame_length(l->bytes, l->length, p->is_tcp) != l->length)
		return true;
	const uint8_t *bytes = l->bytes + before(p->is_tcp);
	struct question *q = find(p, bytes, l->length - around);
	if (!q) {
		void *grown = grow(p->questions, p->question_count, &p->question_room, sizeof(*p->questions));
		if (!grown)
			return false;
		p->questions = grown;
		q = &p->questions[p->question_count++];
		*q = (struct question){ .length = l->length - around };
		memcpy(q->bytes, bytes, q->length);
	}
	void *grown = grow(q->lines, q->count, &q->room, sizeof(*q->lines));
	if (!grown)
		return false;
	q->lines = grown;
	q->lines[q->count++] = at;
	return true;
}

static bool note_line(struct play *p, const struct line *l, const uint8_t *bytes)
{
	void *grown = grow(p->lines, p->line_count, &p->line_room, sizeof(*p->lines));
	if (!grown)
		return false;
	p->lines = grown;
	struct line *new = &p->lines[p->line_count];
	*new = *l;
	new->bytes = malloc(l->length);
	if (!new->bytes)
		return false;
	memcpy(new->bytes, bytes, l->length);
	p->line_count++;
	if (l->direction == '>')
		return note_question(p, p->line_count - 1);
	if (frame_length(bytes, l->length, p->is_tcp) > 0)
		p->answers[bytes[before(p->is_tcp)]] = true;
	return true;
}

/* # bus NAME: TYPE */
static void take_comment(struct play *p, const char *text)
{
	char type[16];
	if (sscanf(text, "# bus %63[^:]: %15[a-z]", p->bus, type) == 2)
		p->is_tcp = strcmp(type, "tcp") == 0;
}

/* What is wrong with a line, or NULL. */
static const char *take_text(struct play *p, char *text, size_t number)
{
	uint8_t bytes[PLAY_BYTES_MAX] = { 0 };
	struct line line;
	text[strcspn(text, "\r\n")] = '\0';
	if (number == 1 && strcmp(text, MAGIC) != 0)
		return "it is no capture: the first line is '" MAGIC "'";
	if (*text == '#')
		take_comment(p, text);
	if (*text == '#' || *text == '\0')
		return NULL;
	const char *wrong = parse_line(text, &line, bytes);
	if (wrong)
		return wrong;
	return note_line(p, &line, bytes) ? NULL : "no memory for it";
}

struct play *play_load(const char *path)
{
	char text[LINE_MAX_BYTES];
	struct play *p = calloc(1, sizeof(*p));
	FILE *f = p ? fopen(path, "re") : NULL;
	const char *wrong = NULL;
	size_t number = 0;
	if (!f) {
		fprintf(stderr, "coolantd-sim: %s: %m\n", path);
		play_free(p);
		return NULL;
	}
	while (!wrong && number < LINES_MAX && fgets(text, sizeof(text), f))
		wrong = take_text(p, text, ++number);
	if (!wrong && p->question_count == 0)
		wrong = "nothing is asked in it";
	fclose(f);
	if (!wrong)
		return p;
	fprintf(stderr, "coolantd-sim: %s:%zu: %s\n", path, number, wrong);
	play_free(p);
	return NULL;
}

static void put_frame(struct play_piece *to, const struct play_question *q, uint16_t transaction,
    const uint8_t *bytes, size_t n)
{
	uint8_t *at = to->bytes + to->length;
	if (to->length + MBAP_LENGTH + n > sizeof(to->bytes))
		return;
	if (q->is_tcp) {
		const uint8_t head[MBAP_LENGTH - 1] = { (uint8_t)(transaction >> 8), (uint8_t)transaction, 0,
			0, (uint8_t)(n >> 8), (uint8_t)n };
		memcpy(at, head, sizeof(head));
		memcpy(at + sizeof(head), bytes, n);
		to->length += sizeof(head) + n;
		return;
	}
	uint16_t crc = play_crc(bytes, n);
	memcpy(at, bytes, n);
	at[n] = (uint8_t)crc;
	at[n + 1] = (uint8_t)(crc >> 8);
	to->length += n + CRC_LENGTH;
}

static uint16_t transaction_of(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* Frames get what this bus has around them, with the ids as far from the question's as they were; what is no
 * frame goes as it is to a bus of the same kind. */
static void convert(const struct play *p, const struct play_question *q, const struct line *asked,
    const struct line *came, struct play_piece *to)
{
	size_t at = 0, length;
	uint16_t base = p->is_tcp ? transaction_of(asked->bytes) : 0;
	for (; (length = frame_length(came->bytes + at, came->length - at, p->is_tcp)) > 0; at += length) {
		const uint8_t *frame = came->bytes + at;
		uint16_t off = p->is_tcp ? (uint16_t)(transaction_of(frame) - base) : 0;
		put_frame(to, q, (uint16_t)(q->transaction + off), frame + before(p->is_tcp),
		    length - before(p->is_tcp) - behind(p->is_tcp));
	}
	size_t rest = came->length - at;
	if (q->is_tcp != p->is_tcp || to->length + rest > sizeof(to->bytes))
		return;
	memcpy(to->bytes + to->length, came->bytes + at, rest);
	to->length += rest;
}

static size_t refuse(const struct play *p, const struct play_question *q, struct play_piece *ret)
{
	const uint8_t refusal[] = { q->bytes[0], q->bytes[1] | 0x80, ILLEGAL_ADDRESS };
	if (!p->answers[q->bytes[0]])
		return 0;
	*ret = (struct play_piece){ 0 };
	put_frame(ret, q, q->transaction, refusal, sizeof(refusal));
	return 1;
}

size_t play_answer(
    struct play *p, const struct play_question *q, struct play_piece ret[static PLAY_PIECES_MAX])
{
	struct question *known = find(p, q->bytes, q->length);
	if (!known)
		return refuse(p, q, &ret[0]);
	size_t n = 0, first = known->lines[known->next];
	known->next = (known->next + 1) % known->count;
	const struct line *asked = &p->lines[first];
	for (size_t i = first + 1; i < p->line_count && p->lines[i].direction == '<' && n < PLAY_PIECES_MAX;
	     i++) {
		const struct line *came = &p->lines[i];
		int64_t delay = came->time_ns - asked->time_ns;
		ret[n] = (struct play_piece){ .delay_ns = delay > 0 ? delay : 0 };
		convert(p, q, asked, came, &ret[n]);
		n += ret[n].length > 0;
	}
	return n;
}
