/* requester: asks, over a connection that it makes and judges (mover, one thread; stats by any).
 *
 * Counts what comes for `health` and says, once, what an operator can mend: an echo, a device that answers
 * with another transaction id or unit.
 */
#pragma once

#include "drivers/driver.h"
#include "drivers/modbus/link.h"

#include <pthread.h>

/* A connection that brings nothing for a time-out and a retry of each of two requests is dead. */
#define UNHEARD_TIMEOUTS 4
/* One that has never brought anything may belong to a gateway that takes its time: it is left only after. */
#define UNHEARD_NEW_NS (10 * NS_PER_S)

struct requester {
	struct modbus_link link;
	struct modbus_reply reply;
	char why[MODBUS_WHY_MAX]; /* of the last connection that failed */
	bool refused;		  /* the last request was not sent: there is no connection */
	int64_t connected_ns;
	unsigned unheard; /* time-outs one after the other in which nothing came */
	bool worked;	  /* something came over this connection */
	bool died;	  /* it was left because nothing came any more */
	bool is_raw;	  /* what is asked says nothing of the connection or of a device */
	bool told_echo, told_copies, told_transaction, told_unit;

	struct capture capture;

	pthread_mutex_t lock; /* over `stats` and the stats of each device */
	struct driver_stats stats;
};

/* False without memory; requester_deinit is due then too. */
bool requester_init(
    struct requester *r, const struct bus_config *bus, int stop_fd, struct progress *progress);
void requester_deinit(struct requester *r);

/* Opens a serial line for the first time: what may be asked on it depends on when that was. 0, or negative
 * errno: -ECANCELED when stopped. */
int requester_open(struct requester *r);

/* Before it is chosen what to ask: takes in what has come meanwhile. */
void requester_listen(struct requester *r);

/* Asks once, after connecting if need be. A connection that was in use before may have been
 * closed by the other side meanwhile: then a new one is used. `refused` and `died` tell what became of the
 * connection. */
enum exchange_result requester_ask(struct requester *r, const struct device_config *device,
    struct device_stats *stats, const struct modbus_request *q);
/* The same of whatever unit, for somebody from outside: its silence is not held against the connection. */
enum exchange_result requester_ask_raw(struct requester *r, const struct modbus_request *q);
