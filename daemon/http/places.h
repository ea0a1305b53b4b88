/* places: the connections to a socket, which are so many at most (holder, main thread).
 *
 * A client that sends a byte now and then is never idle, and enough of them would leave no place for an
 * operator who wants to acknowledge an alarm. So a request and its answer have their times, whatever comes
 * meanwhile; and when all places are taken, the connection that has been at the same thing for longest makes
 * room.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A hall's worth of dashboards and scrapers. */
#define PLACES_MAX 64
/* Until a request is complete, or the next one begins. */
#define PLACES_REQUEST_NS INT64_C(10000000000)
/* Until its answer is taken. */
#define PLACES_ANSWER_NS INT64_C(30000000000)

enum place_phase { PLACE_ASKING, PLACE_ANSWERED };

struct place {
	struct place *previous, *next; /* the one at the same thing for longest is the first */
	int fd;
	enum place_phase phase;
	int64_t since_ns; /* CLOCK_BOOTTIME */
	bool ended;	  /* its socket is shut down, the rest is up to who owns that */
};

/* A struct of zeros has none. */
struct places {
	struct place *first, *last;
	size_t open; /* of those that are not ended */
};

/* A connection is there, with a socket that is somebody else's. NULL without memory. */
struct place *places_enter(struct places *p, int fd, int64_t now_ns);
void places_leave(struct places *p, struct place *place);

/* It is at something else now. */
void places_set_phase(struct places *p, struct place *place, enum place_phase phase, int64_t now_ns);

/* Shuts down those whose time is over. */
void places_turn(struct places *p, int64_t now_ns);
