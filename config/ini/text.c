#include "config/ini/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)

struct unit {
	const char *suffix;
	int64_t factor;
};

static const struct unit duration_units[] = {
	{ "ms", NS_PER_MS },
	{ "s", NS_PER_S },
	{ "m", 60 * NS_PER_S },
	{ "h", 3600 * NS_PER_S },
	{ "d", 86400 * NS_PER_S },
	{ NULL, 0 },
};

static const struct unit size_units[] = {
	{ "B", 1 },
	{ "KiB", 1024 },
	{ "MiB", INT64_C(1) << 20 },
	{ "GiB", INT64_C(1) << 30 },
	{ NULL, 0 },
};

char *text_strip(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	size_t n = strlen(s);
	while (n > 0 && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

bool text_is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	return s[n] == '\0' && n >= 1 && n <= NAME_LENGTH_MAX && isalnum((unsigned char)s[0]);
}

int text_int(const char *s, int64_t *ret)
{
	const char *digits = s + (*s == '-' || *s == '+');
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	/* strtoll would take white space, octal and an empty string */
	if (hex ? !isxdigit((unsigned char)digits[2]) : !isdigit((unsigned char)digits[0]))
		return -EINVAL;
	char *end;
	errno = 0;
	long long v = strtoll(s, &end, hex ? 16 : 10);
	if (*end != '\0')
		return -EINVAL;
	if (errno == ERANGE)
		return -ERANGE;
	*ret = v;
	return 0;
}

int text_double(const char *s, double *ret)
{
	/* strtod alone would take hex, inf and nan */
	if (*s == '\0' || strspn(s, "+-.0123456789eE") != strlen(s))
		return -EINVAL;
	char *end;
	double v = strtod(s, &end);
	if (*end != '\0' || end == s)
		return -EINVAL;
	if (!isfinite(v))
		return -ERANGE;
	*ret = v;
	return 0;
}

/* Number with a unit from the table: the number may have a fraction (1.5s). */
static int with_unit(const char *s, const struct unit *units, int64_t *ret)
{
	const size_t n = strspn(s, "0123456789."), longest = 30;
	char *end;
	double v = strtod(s, &end);
	if (n == 0 || n > longest || end != s + n)
		return -EINVAL;
	for (const struct unit *u = units; u->suffix; u++) {
		if (strcmp(s + n, u->suffix) != 0)
			continue;
		double scaled = v * (double)u->factor;
		if (scaled > 4e18)
			return -ERANGE;
		*ret = llround(scaled);
		return 0;
	}
	return -EINVAL;
}

int text_duration(const char *s, int64_t *ret)
{
	return with_unit(s, duration_units, ret);
}

int text_size(const char *s, int64_t *ret)
{
	return with_unit(s, size_units, ret);
}

const char *text_of_duration(int64_t ns, char buf[static 32])
{
	const struct unit *best = &duration_units[0];
	for (const struct unit *u = duration_units; u->suffix; u++)
		if (ns != 0 && ns % u->factor == 0)
			best = u;
	if (ns == 0)
		best = &duration_units[1];
	if (ns % best->factor == 0)
		snprintf(buf, 32, "%lld%s", (long long)(ns / best->factor), best->suffix);
	else
		snprintf(buf, 32, "%g%s", (double)ns / (double)best->factor, best->suffix);
	return buf;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;
	return m < c ? m : c;
}

unsigned text_distance(const char *a, const char *b)
{
	enum { MAX = 64 };
	size_t n = strlen(a), m = strlen(b);
	if (n > MAX || m > MAX)
		return MAX + 1;

	/* three rows of the Damerau-Levenshtein (optimal string alignment) matrix */
	unsigned rows[3][MAX + 1] = { 0 };
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = rows[i % 3], *up = rows[(i - 1) % 3], *up2 = rows[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = min3(up[j] + 1, now[j - 1] + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
			bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
			if (swapped && up2[j - 2] + 1 < now[j])
				now[j] = up2[j - 2] + 1;
		}
	}
	return rows[n % 3][m];
}
