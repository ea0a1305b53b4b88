/* link: one Modbus connection, one request at a time (mover, one thread).
 *
 * A reply is taken only for the request that it answers: on TCP by transaction id, unit, function and byte
 * count; on a serial line, which has no transaction id, by unit, function and byte count, and by asking
 * nothing whose reply could be taken for one that is still owed (owed.h). All frames are read here: what else
 * comes before a reply (an echo, noise, late replies) is told from it. Nothing that comes can hold a request
 * beyond its deadline.
 */
#pragma once

#include "drivers/modbus/capture.h"
#include "drivers/modbus/heard.h"
#include "drivers/modbus/owed.h"
#include "drivers/modbus/pdu.h"
#include "drivers/modbus/rtu_frame.h"
#include "drivers/os/progress.h"
#include "drivers/os/resolve.h"

/* Room for the longest frame and what may come before it: on TCP 7 bytes of header and a PDU of 253. */
#define MODBUS_PENDING_MAX 512

/* So many frames, or bytes, that nobody asked for are read while a reply is waited for; a connection that
 * brings more is not worth reading. */
#define MODBUS_STRAYS_MAX 64
#define MODBUS_NOISE_MAX 8192

/* TCP: so many requests that were not answered in time are remembered by their transaction ids. */
#define MODBUS_LATE_IDS 16

#define MODBUS_WHY_MAX 160

struct modbus_link;

struct modbus_link_impl {
	/* 0, or negative errno with words in `why`: -ECANCELED when stopped. */
	int (*connect)(struct modbus_link *l, char why[static MODBUS_WHY_MAX]);
	enum exchange_result (*exchange)(
	    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r);
	/* What has come by now, of replies that are owed; not of TCP, which owes none. */
	void (*listen)(struct modbus_link *l, struct modbus_reply *r);
	void (*disconnect)(struct modbus_link *l);
};

struct modbus_link {
	const struct modbus_link_impl *impl;
	const struct bus_config *bus;
	int stop_fd;
	struct progress *progress;
	struct resolver *resolver;
	struct capture *capture; /* who wants to know what goes over it; NULL = nobody ever */
	int fd;			 /* -1 = not connected */
	int64_t quiet_since_ns;	 /* when the last byte went over the line, as far as seen */
	bool reused;		 /* at least one exchange was done on this connection */

	uint8_t pending[MODBUS_PENDING_MAX]; /* what was read of frames that are not yet done with */
	size_t pending_count;

	/* TCP */
	uint16_t transaction;		    /* of the last request; never 0 */
	uint16_t late_ids[MODBUS_LATE_IDS]; /* of requests that were not answered in time */
	size_t next_late_id;

	/* serial lines */
	struct owed owed; /* outlives a connection: a serial server sends on whichever there is */
	struct heard heard;
	int64_t strange_until_ns; /* 0 = was never open; what others have asked before may be answered until
				     then */
	int64_t latency_max_ns;	  /* of the last replies */
	int64_t stray_ns;	  /* the last frame that nobody can have asked for */
	enum rtu_echo echo;	  /* of this connection */
	unsigned plain;		  /* replies without an echo before them while that is not known */
	bool rs485_refused;	  /* the port has no RS-485 mode; the caller says so once */
};

/* The thread says through `progress` how long each step may take. False without memory. */
bool modbus_link_init(
    struct modbus_link *l, const struct bus_config *bus, int stop_fd, struct progress *progress);
/* 0, or negative errno with `why` in words for an operator. Takes the bus's connect_delay too. */
int modbus_link_connect(struct modbus_link *l, char why[static MODBUS_WHY_MAX]);
void modbus_link_disconnect(struct modbus_link *l);
void modbus_link_deinit(struct modbus_link *l);

/* Asks, when modbus_link_free_at allows it, and waits for the reply for the response time-out, and what it
 * takes on the line. */
enum exchange_result modbus_link_exchange(
    struct modbus_link *l, const struct modbus_request *q, struct modbus_reply *r);

/* Takes in late replies that have come by now, so that what they held up is free; counts them in `r`. */
void modbus_link_listen(struct modbus_link *l, struct modbus_reply *r);

/* From when on the request may be asked: `now`, or later, when a reply to another one is owed that its own
 * could be taken for. */
int64_t modbus_link_free_at(struct modbus_link *l, const struct modbus_request *q, int64_t now);
/* Whether replies to the same request are owed: each repetition makes others wait for longer. */
bool modbus_link_owes(struct modbus_link *l, const struct modbus_request *q, int64_t now);

/* Whether replies may come to what was asked before the line was opened: by this program, which ended or was
 * told another configuration, or by another. */
bool modbus_link_is_strange(const struct modbus_link *l, int64_t now);

/* Nobody has asked anything lately: to be told before the first connect. */
void modbus_link_trust(struct modbus_link *l);

/* For the implementations. */
extern const struct modbus_link_impl modbus_tcp_link, modbus_rtu_link, modbus_rtutcp_link;

/* Waits for `fd` (POLLIN or POLLOUT) until `deadline` (CLOCK_BOOTTIME). 1, 0 = time is over, -ECANCELED, or
 * negative errno. */
int modbus_link_wait(const struct modbus_link *l, int fd, short events, int64_t deadline);

/* Waits for bytes until the deadline and reads them to the end of `pending`, where there must be room.
 * EXCHANGE_OK, or why there are none. */
enum exchange_result modbus_link_read(struct modbus_link *l, int64_t deadline);

/* Removes the first `n` bytes of `pending`. */
void modbus_link_consume(struct modbus_link *l, size_t n);
