#include "daemon/spool/numbers.h"

#include "config/ini/cleanup.h"

#include <stdio.h>

#define SLOTS 1024
/* What a uint64_t holds for certain, and what the bytes of the text can say. */
#define DIGITS_MAX 18
#define DECIMALS_MAX 7

struct number {
	uint64_t mantissa;
	unsigned decimals;
};

/* The number that stood behind the same words last; two words in one slot only cost bytes. */
struct memory {
	struct number slots[SLOTS];
	unsigned key;
};

static void pass(struct memory *m, uint8_t c)
{
	m->key = c == ',' || c == '\0' ? 0 : m->key * 33 + c;
}

static uint64_t expected(const struct memory *m, unsigned decimals)
{
	struct number n = m->slots[m->key % SLOTS];
	for (; n.decimals < decimals; n.decimals++)
		n.mantissa *= 10;
	for (; n.decimals > decimals; n.decimals--)
		n.mantissa /= 10;
	return n.mantissa;
}

static void learn(struct memory *m, struct number n)
{
	m->slots[m->key % SLOTS] = n;
	m->key = 0;
}

static bool is_digit(const uint8_t *at, const uint8_t *end)
{
	return at < end && *at >= '0' && *at <= '9';
}

/* The end of the number at the front, and whether it comes back as it is. */
static const uint8_t *parse(const uint8_t *at, const uint8_t *end, struct number *n, bool *fits)
{
	const uint8_t *begin = at;
	*n = (struct number){ 0 };
	for (; is_digit(at, end); at++)
		n->mantissa = n->mantissa * 10 + (*at - '0');
	bool is_plain = at - begin == 1 || *begin != '0';
	ptrdiff_t digits = at - begin;
	if (at < end && *at == '.' && is_digit(at + 1, end)) {
		const uint8_t *point = at++;
		for (; is_digit(at, end); at++)
			n->mantissa = n->mantissa * 10 + (*at - '0');
		n->decimals = (unsigned)(at - point - 1);
		digits += n->decimals;
	}
	*fits = is_plain && digits <= DIGITS_MAX && n->decimals <= DECIMALS_MAX;
	return at;
}

bool numbers_can_leave(const void *text, size_t size)
{
	const uint8_t *at = text;
	for (size_t i = 0; i < size; i++)
		if (at[i] <= DECIMALS_MAX + 1)
			return false;
	return true;
}

void numbers_take_out(const void *text, size_t size, struct bytes_writer *w)
{
	_cleanup_(bytes_writer_deinit) struct bytes_writer words = { 0 }, differences = { 0 };
	struct memory m = { 0 };
	const uint8_t *at = text, *end = at + size, *begin = at;
	while (at < end) {
		if (!is_digit(at, end)) {
			pass(&m, *at++);
			continue;
		}
		struct number n;
		bool fits;
		const uint8_t *number = at;
		at = parse(at, end, &n, &fits);
		if (!fits) {
			if (n.decimals > 0)
				pass(&m, '.');
			continue;
		}
		uint8_t place = (uint8_t)(1 + n.decimals);
		bytes_put_raw(&words, begin, (size_t)(number - begin));
		bytes_put_raw(&words, &place, 1);
		bytes_put_integer(&differences, (int64_t)(n.mantissa - expected(&m, n.decimals)));
		learn(&m, n);
		begin = at;
	}
	bytes_put_raw(&words, begin, (size_t)(end - begin));
	bytes_put_count(w, words.size);
	bytes_put_raw(w, words.data, words.size);
	bytes_put_raw(w, differences.data, differences.size);
	w->bad |= words.bad || differences.bad;
}

static void print(struct number n, struct bytes_writer *text)
{
	char digits[32];
	int length = snprintf(digits, sizeof(digits), "%0*ju", (int)n.decimals + 1, (uintmax_t)n.mantissa);
	size_t whole = (size_t)length - n.decimals;
	bytes_put_raw(text, digits, whole);
	if (n.decimals > 0)
		bytes_put_raw(text, ".", 1);
	bytes_put_raw(text, digits + whole, n.decimals);
}

void numbers_put_back(struct bytes_reader *r, size_t most, struct bytes_writer *text)
{
	struct memory m = { 0 };
	size_t size = bytes_take_count(r);
	const uint8_t *words = bytes_take_raw(r, size);
	for (size_t i = 0, begin = 0; words && i < size && !r->bad; i++, begin = i) {
		while (i < size && (words[i] == '\0' || words[i] > DECIMALS_MAX + 1))
			/* digits that stayed are no words, see numbers_take_out */
			if (is_digit(words + i, words + size))
				i++;
			else
				pass(&m, words[i++]);
		bytes_put_raw(text, words + begin, i - begin);
		if (i < size) {
			struct number n = { .decimals = words[i] - 1u };
			n.mantissa = expected(&m, n.decimals) + (uint64_t)bytes_take_integer(r);
			print(n, text);
			learn(&m, n);
		}
		r->bad |= text->bad || text->size > most;
	}
}
