#include "daemon/http/explain.h"

#include "config/ini/text.h"
#include "daemon/http/explain_alarm.h"
#include "daemon/http/explain_loop.h"
#include "daemon/http/explain_point.h"
#include "daemon/http/explain_pue.h"

#include <limits.h>
#include <string.h>

/* pue.NAME.power_ratio with the longest names. */
#define FIGURE_MAX ((size_t)4 * NAME_LENGTH_MAX)

static const char allowed[] = "DEVICE.POINT, loop.NAME.FIGURE, group.NAME.FIGURE, pue.NAME.WINDOW, "
			      "pue.NAME.power_ratio, alarm.NAME";

/* Entries of the configuration, and the figures of each. */
struct kind {
	const char *word; /* before the name; "" = none */
	size_t (*count)(const struct live *l);
	const char *(*name)(const struct live *l, size_t i);
	/* Figure `k` of entry `i`: NULL = there are no more, "" = it does not have that one. NULL for a kind
	 * whose entry is the figure. */
	const char *(*part)(const struct live *l, size_t i, size_t k);
	void (*explain)(struct explanation *e, size_t i, size_t k);
};

static size_t count_loops(const struct live *l)
{
	return l->config->loop_count;
}

static const char *loop_name(const struct live *l, size_t i)
{
	return l->config->loops[i].name;
}

static const char *loop_part(const struct live *l, size_t i, size_t k)
{
	if (k >= LOOP_VALUE_COUNT)
		return NULL;
	return loop_has_value(&l->config->loops[i], (enum loop_value)k) ? loop_values[k].word : "";
}

static void say_loop(struct explanation *e, size_t i, size_t k)
{
	explain_loop(e, i, (enum loop_value)k);
}

static size_t count_groups(const struct live *l)
{
	return l->config->group_count;
}

static const char *group_name(const struct live *l, size_t i)
{
	return l->config->groups[i].name;
}

static const char *group_part(const struct live *l, size_t i, size_t k)
{
	return k < GROUP_VALUE_COUNT ? group_values[k].word : NULL;
}

static void say_group(struct explanation *e, size_t i, size_t k)
{
	explain_group(e, i, (enum group_value)k);
}

static size_t count_pues(const struct live *l)
{
	return l->config->pue_count;
}

static const char *pue_name(const struct live *l, size_t i)
{
	return l->config->pues[i].name;
}

/* The windows, and behind them the ratio of powers. */
static const char *pue_part(const struct live *l, size_t i, size_t k)
{
	const struct pue_config *c = &l->config->pues[i];
	if (k < c->window_count)
		return c->window_names.items[k];
	return k == c->window_count ? "power_ratio" : NULL;
}

static void say_pue(struct explanation *e, size_t i, size_t k)
{
	if (k < e->live->config->pues[i].window_count)
		explain_pue_window(e, i, k);
	else
		explain_pue_ratio(e, i);
}

static size_t count_alarms(const struct live *l)
{
	return l->config->alarm_count + OWN_ALARM_COUNT;
}

static const char *alarm_name(const struct live *l, size_t i)
{
	return alarms_at(l->alarms, i)->config->name;
}

static void say_alarm(struct explanation *e, size_t i, size_t k)
{
	explain_alarm(e, alarms_at(e->live->alarms, i));
}

static size_t count_devices(const struct live *l)
{
	return l->config->device_count;
}

static const char *device_name(const struct live *l, size_t i)
{
	return l->config->devices[i].name;
}

static const char *point_name(const struct live *l, size_t i, size_t k)
{
	const struct device_config *d = &l->config->devices[i];
	return k < d->point_count ? d->points[k].name : NULL;
}

static void say_point(struct explanation *e, size_t i, size_t k)
{
	explain_point(e, (struct point_ref){ i, k });
}

static const struct kind kinds[] = {
	{ "loop", count_loops, loop_name, loop_part, say_loop },
	{ "group", count_groups, group_name, group_part, say_group },
	{ "pue", count_pues, pue_name, pue_part, say_pue },
	{ "alarm", count_alarms, alarm_name, NULL, say_alarm },
	{ "", count_devices, device_name, point_name, say_point },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

/* The kind, name and figure that a text is of, if it is of that kind. */
struct parts {
	char word[FIGURE_MAX], name[FIGURE_MAX], part[FIGURE_MAX];
};

/* Up to the next dot, or to the end; returns what is behind that. */
static const char *take_part(const char *from, char to[static FIGURE_MAX], bool all)
{
	size_t n = all ? strlen(from) : strcspn(from, ".");
	snprintf(to, FIGURE_MAX, "%.*s", (int)n, from);
	return from + n + (from[n] == '.');
}

static void split(const struct kind *kind, const char *figure, struct parts *ret)
{
	*ret = (struct parts){ 0 };
	if (*kind->word)
		figure = take_part(figure, ret->word, false);
	figure = take_part(figure, ret->name, !kind->part);
	(void)take_part(figure, ret->part, true);
}

/* The word that is nearest to what was typed, as far as it may be meant. */
struct nearest {
	const char *typed;
	size_t index;
	unsigned distance;
};

static struct nearest nearest_to(const char *typed)
{
	size_t third = strlen(typed) / 3;
	unsigned most = third < 1 ? 1 : third > 3 ? 3 : (unsigned)third;
	return (struct nearest){ typed, SIZE_MAX, most + 1 };
}

static void nearest_try(struct nearest *n, const char *word, size_t index)
{
	const size_t length = strlen(word), typed = strlen(n->typed);
	if (length == 0 || (length > typed ? length - typed : typed - length) >= n->distance)
		return;			   /* so many edits at least, and there are thousands of words */
	if (strcmp(n->typed, word) == 0) { /* however long it is */
		n->index = index;
		n->distance = 0;
		return;
	}
	unsigned distance = text_distance(n->typed, word);
	if (distance >= n->distance)
		return;
	n->index = index;
	n->distance = distance;
}

static struct nearest find_entry(const struct live *l, const struct kind *kind, const char *name)
{
	struct nearest n = nearest_to(name);
	for (size_t i = 0; i < kind->count(l) && n.distance > 0; i++)
		nearest_try(&n, kind->name(l, i), i);
	return n;
}

static struct nearest find_part(const struct live *l, const struct kind *kind, size_t i, const char *part)
{
	const char *word;
	struct nearest n = nearest_to(part);
	for (size_t k = 0; (word = kind->part(l, i, k)) && n.distance > 0; k++)
		nearest_try(&n, word, k);
	return n;
}

/* What was looked for: all of it is as typed when `distance` is 0. */
struct found {
	const struct kind *kind; /* NULL = nothing is near */
	size_t entry, part;
	unsigned distance;
};

static void look_in(const struct live *l, const struct kind *kind, const char *figure, struct found *best)
{
	struct parts parts;
	if (best->distance == 0 || strlen(figure) >= FIGURE_MAX)
		return;
	split(kind, figure, &parts);
	struct nearest word = nearest_to(parts.word), part = { .distance = 0 };
	nearest_try(&word, kind->word, 0);
	if (*kind->word == '\0')
		word = part;
	if (word.index == SIZE_MAX)
		return;
	struct nearest entry = find_entry(l, kind, parts.name);
	if (entry.index == SIZE_MAX)
		return;
	if (kind->part)
		part = find_part(l, kind, entry.index, parts.part);
	unsigned distance = word.distance + entry.distance + part.distance;
	if (part.index != SIZE_MAX && distance < best->distance)
		*best = (struct found){ kind, entry.index, part.index, distance };
}

static struct http_answer not_found(const struct live *l, const struct found *f)
{
	char text[2 * FIGURE_MAX + sizeof(allowed)], meant[FIGURE_MAX] = "";
	if (f->kind)
		snprintf(meant, sizeof(meant), ", did you mean '%s%s%s%s%s'?", f->kind->word,
		    *f->kind->word ? "." : "", f->kind->name(l, f->entry), f->kind->part ? "." : "",
		    f->kind->part ? f->kind->part(l, f->entry, f->part) : "");
	snprintf(text, sizeof(text), "no such figure%s (allowed: %s)", meant, allowed);
	return http_error(HTTP_NOT_FOUND, text);
}

struct http_answer explain_answer(struct api *api, const char *name, const struct http_request *r)
{
	char text[sizeof(allowed) + 64];
	struct explanation e;
	struct found found = { .distance = UINT_MAX };
	const char *figure = http_parameter(r, "figure");
	if (!figure || *figure == '\0') {
		snprintf(text, sizeof(text), "which figure is not told (allowed: ?figure= %s)", allowed);
		return http_error(HTTP_BAD_REQUEST, text);
	}
	for (size_t i = 0; i < KIND_COUNT; i++)
		look_in(api->live, &kinds[i], figure, &found);
	if (!found.kind || found.distance > 0)
		return not_found(api->live, &found);
	explanation_begin(&e, api->live, figure);
	found.kind->explain(&e, found.entry, found.part);
	return explanation_end(&e);
}
