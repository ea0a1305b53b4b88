/* links: the connections to brokers that the configuration asks for, each between its formats and its
 * publisher (mover, main thread).
 */
#pragma once

#include "daemon/broker/publisher.h"
#include "daemon/publish/reporter.h"

struct links;

struct links_events {
	void (*told)(void *user); /* everything that is known went out on the main connection */
	void (*emptied)(void *user, const char *topic); /* a broker keeps nothing under it any more */
	/* A spool has a problem from now on; "" = none has. */
	void (*spool_trouble)(void *user, const char *text);
	void (*stopped)(void *user); /* after links_stop: nothing more to wait for */
	void *user;
};

/* NULL without memory. Nothing is connected yet. */
struct links *links_new(sd_event *event, struct disk *disk, const struct links_events *events);
/* Waits for all to end until `deadline_ns` (CLOCK_MONOTONIC). False when one goes on by itself. */
bool links_free(struct links *l, int64_t deadline_ns);

/* Where each connection takes its messages, for the reporter that is to be used from now on. It must not be
 * freed before another one is. */
void links_put_sinks(struct links *l, struct output_sink sinks[OUTPUT_CONNECTIONS]);
void links_use(struct links *l, struct reporter *r);

/* Opens those of the configuration, at the start. 0 or negative errno. */
int links_open(struct links *l, struct config *c);
/* Opens, changes and ends them after a reload; on those that stay everything is told. */
void links_apply(struct links *l, struct config *c);

/* Says offline on all and ends them; `stopped` follows. */
void links_stop(struct links *l);

void links_describe(const struct links *l, struct health_broker ret[OUTPUT_CONNECTIONS]);
/* False when one makes no progress. */
bool links_move(const struct links *l, int64_t now_ns);
