#include "daemon/http/places.h"

#include <stdlib.h>
#include <sys/socket.h>

static void append(struct places *p, struct place *place)
{
	place->next = NULL;
	place->previous = p->last;
	*(p->last ? &p->last->next : &p->first) = place;
	p->last = place;
}

static void take_out(struct places *p, struct place *place)
{
	*(place->previous ? &place->previous->next : &p->first) = place->next;
	*(place->next ? &place->next->previous : &p->last) = place->previous;
}

/* Who owns the socket reads its end then. */
static void end(struct places *p, struct place *place)
{
	(void)shutdown(place->fd, SHUT_RDWR);
	place->ended = true;
	p->open--;
}

static void make_room(struct places *p)
{
	struct place *oldest = p->first;
	while (oldest && oldest->ended)
		oldest = oldest->next;
	if (oldest)
		end(p, oldest);
}

struct place *places_enter(struct places *p, int fd, int64_t now_ns)
{
	struct place *place = calloc(1, sizeof(*place));
	if (!place)
		return NULL;
	if (p->open >= PLACES_MAX)
		make_room(p);
	place->fd = fd;
	place->since_ns = now_ns;
	append(p, place);
	p->open++;
	return place;
}

void places_leave(struct places *p, struct place *place)
{
	if (!place->ended)
		p->open--;
	take_out(p, place);
	free(place);
}

void places_set_phase(struct places *p, struct place *place, enum place_phase phase, int64_t now_ns)
{
	place->phase = phase;
	place->since_ns = now_ns;
	take_out(p, place);
	append(p, place);
}

void places_turn(struct places *p, int64_t now_ns)
{
	for (struct place *place = p->first; place; place = place->next) {
		int64_t limit = place->phase == PLACE_ASKING ? PLACES_REQUEST_NS : PLACES_ANSWER_NS;
		if (!place->ended && now_ns - place->since_ns > limit)
			end(p, place);
	}
}
