#include "daemon/http/flat.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is read and how far; NULL = it is no such object. */
static const char *skip(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

static const char *take(const char *at, char c)
{
	at = at ? skip(at) : NULL;
	return at && *at == c ? at + 1 : NULL;
}

static const char *take_text(const char *at, char text[static FLAT_TEXT_MAX])
{
	at = take(at, '"');
	size_t n = at ? strcspn(at, "\"\\") : 0;
	if (!at || at[n] != '"' || n >= FLAT_TEXT_MAX)
		return NULL;
	memcpy(text, at, n);
	text[n] = '\0';
	return at + n + 1;
}

static const char *take_number(const char *at, int64_t *number)
{
	char *end;
	at = skip(at);
	size_t n = (size_t)(*at == '-') + strspn(at + (*at == '-'), "0123456789");
	*number = strtoll(at, &end, 10); /* what is too large is the largest */
	return n > 0 && end == at + n ? end : NULL;
}

static struct flat_key *find(struct flat_key *keys, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static const char *say_allowed(const struct flat_key *k, char why[static FLAT_WHY_MAX])
{
	if (k->is_text)
		snprintf(why, FLAT_WHY_MAX, "%s is no text", k->name);
	else
		snprintf(why, FLAT_WHY_MAX, "%s is not allowed so (allowed: %" PRId64 "..%" PRId64 ")",
		    k->name, k->min, k->max);
	return why;
}

/* A name and its value; what is wrong with them, or NULL and where to go on. */
static const char *take_pair(
    const char **at, struct flat_key *keys, size_t count, char why[static FLAT_WHY_MAX])
{
	char name[FLAT_TEXT_MAX];
	const char *p = take_text(*at, name);
	p = p ? take(p, ':') : NULL;
	if (!p)
		return "the body is no JSON object";
	struct flat_key *k = find(keys, count, name);
	if (!k) {
		snprintf(why, FLAT_WHY_MAX, "%s is not known", name);
		return why;
	}
	p = k->is_text ? take_text(p, k->text) : take_number(p, &k->number);
	if (!p || (!k->is_text && (k->number < k->min || k->number > k->max)))
		return say_allowed(k, why);
	k->is_told = true;
	*at = p;
	return NULL;
}

const char *flat_read(const char *body, struct flat_key *keys, size_t count, char why[static FLAT_WHY_MAX])
{
	const char *at = take(body, '{'), *wrong = NULL;
	bool more = at && !take(at, '}');
	while (more && !(wrong = take_pair(&at, keys, count, why))) {
		more = take(at, ',') != NULL;
		at = more ? take(at, ',') : at;
	}
	if (wrong)
		return wrong;
	at = at ? take(at, '}') : NULL;
	if (!at || *skip(at) != '\0')
		return "the body is no JSON object";
	for (size_t i = 0; i < count; i++)
		if (!keys[i].is_told && !keys[i].is_optional) {
			snprintf(why, FLAT_WHY_MAX, "%s is missing", keys[i].name);
			return why;
		}
	return NULL;
}
