#include "daemon/ctl/models.h"
#include "daemon/ctl/say.h"

#include "drivers/modbus/decoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Registers of one unit that are asked once, whatever number of profiles names them. */
#define ASKED_MAX 256
/* So many points of a profile tell whether a unit has its registers. */
#define LOOKED_AT 8
/* A reading is zero, or within this. */
#define READING_LEAST 1e-6
#define READING_MOST 1e9

struct models {
	struct arena *arena;
	const char **names;
	const struct profile **profiles; /* NULL = it is bad */
	size_t count;
};

static void say_unused(bool is_error, const char *text, void *user)
{
	if (is_error)
		say_note("not used: %s", text);
}

struct models *models_load(void)
{
	struct models *m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	struct diag *diag = diag_new();
	m->arena = arena_new();
	m->count = profile_names(m->arena, &m->names);
	m->profiles = arena_alloc(m->arena, (m->count + 1) * sizeof(*m->profiles));
	for (size_t i = 0; i < m->count; i++)
		m->profiles[i] =
		    profile_load(m->names[i], m->arena, diag, (struct diag_place){ .file = m->names[i] });
	diag_each(diag, say_unused, NULL);
	diag_free(diag);
	return m;
}

void models_free(struct models *m)
{
	if (!m)
		return;
	arena_free(m->arena);
	free(m);
}

/* What a unit holds, as far as it was asked; -1 = it refuses that, or does not answer. */
struct asked {
	struct {
		struct point_register reg;
		int value;
	} items[ASKED_MAX];
	size_t count;
	bool stopped;
};

static int value_of(struct asked *a, struct port *p, uint8_t unit, struct point_register reg)
{
	struct modbus_reply reply;
	struct modbus_request q = { unit, reg.table, reg.address, 1 };
	for (size_t i = 0; i < a->count; i++)
		if (a->items[i].reg.table == reg.table && a->items[i].reg.address == reg.address)
			return a->items[i].value;
	enum exchange_result result = port_ask(p, &q, &reply);
	int value = result == EXCHANGE_OK ? reply.values[0] : -1;
	a->stopped |= result == EXCHANGE_STOPPED;
	if (a->count < ASKED_MAX) {
		a->items[a->count].reg = reg;
		a->items[a->count++].value = value;
	}
	return value;
}

static bool is_model(struct asked *a, struct port *p, uint8_t unit, const struct profile_identities *all)
{
	for (size_t i = 0; i < all->count; i++)
		if (value_of(a, p, unit, all->items[i].reg) != all->items[i].value)
			return false;
	return all->count > 0;
}

const char *models_find(const struct models *m, struct port *p, uint8_t unit)
{
	struct asked a = { .count = 0 };
	for (size_t i = 0; i < m->count && !a.stopped; i++)
		if (m->profiles[i] && is_model(&a, p, unit, &m->profiles[i]->identify))
			return m->names[i];
	return NULL;
}

/* Whether the unit gives the point a value that could be a reading; `*is_zero` when that says little. */
static bool is_reading(struct port *p, uint8_t unit, const struct point *point, bool *is_zero)
{
	struct modbus_reply reply;
	struct modbus_request q = { unit, point->reg.table, (uint16_t)point_first(point),
		(uint16_t)point_span(point) };
	if (port_ask(p, &q, &reply) != EXCHANGE_OK)
		return false;
	struct sample s = { 0 };
	decoder_decode(point, reply.values, q.address, &s);
	double number = value_number(&s.value), size = fabs(number);
	bool good = s.quality == QUALITY_GOOD;
	if (point_is_number(point))
		good = good && (number == 0 || (size >= READING_LEAST && size <= READING_MOST));
	*is_zero = !point_is_number(point) || number == 0;
	value_clear(&s.value);
	return good;
}

static bool is_alike(struct port *p, uint8_t unit, const struct profile *profile)
{
	size_t step = 1 + (profile->point_count - 1) / LOOKED_AT, asked = 0, zeros = 0;
	for (size_t i = 0; i < profile->point_count; i += step, asked++) {
		bool is_zero = false;
		if (!is_reading(p, unit, &profile->points[i], &is_zero))
			return false;
		zeros += is_zero;
	}
	return 2 * zeros < asked;
}

static void add_name(char names[static MODELS_GUESS_MAX], const char *name)
{
	size_t used = strlen(names);
	if (used + strlen(name) + 3 <= MODELS_GUESS_MAX)
		snprintf(names + used, MODELS_GUESS_MAX - used, "%s%s", used ? ", " : "", name);
}

void models_alike(const struct models *m, struct port *p, uint8_t unit, char alike[static MODELS_GUESS_MAX])
{
	alike[0] = '\0';
	for (size_t i = 0; i < m->count; i++)
		if (m->profiles[i] && m->profiles[i]->identify.count == 0 &&
		    is_alike(p, unit, m->profiles[i]))
			add_name(alike, m->names[i]);
}

const struct profile *models_profile(const struct models *m, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (strcmp(m->names[i], name) == 0)
			return m->profiles[i];
	return NULL;
}

void models_guess(
    const struct models *m, const struct identification *is, char guess[static MODELS_GUESS_MAX])
{
	guess[0] = '\0';
	for (size_t i = 0; i < m->count; i++)
		if (m->profiles[i] && *m->profiles[i]->vendor != '\0' &&
		    strcasestr(is->vendor, m->profiles[i]->vendor))
			add_name(guess, m->names[i]);
}
