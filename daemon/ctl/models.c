#include "daemon/ctl/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Registers of one unit that are asked once, whatever number of profiles names them. */
#define ASKED_MAX 256

struct models {
	struct arena *arena;
	const char **names;
	const struct profile **profiles; /* NULL = it is bad */
	size_t count;
};

static void say_finding(bool is_error, const char *text, void *user)
{
	if (is_error)
		fprintf(stderr, "coolantctl: not used: %s\n", text);
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
	diag_each(diag, say_finding, NULL);
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
	for (size_t i = 0; i < m->count; i++) {
		const struct profile *p = m->profiles[i];
		size_t used = strlen(guess);
		if (!p || *p->vendor == '\0' || !strcasestr(is->vendor, p->vendor) ||
		    used + strlen(m->names[i]) + 3 > MODELS_GUESS_MAX)
			continue;
		snprintf(guess + used, MODELS_GUESS_MAX - used, "%s%s", used ? ", " : "", m->names[i]);
	}
}
