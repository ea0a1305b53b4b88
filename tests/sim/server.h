/* server: Modbus servers for the buses of a configuration (mover, one thread).
 *
 * TCP buses are listened for at their host and port; serial buses get a pty with a symbolic link at their
 * port.
 */
#pragma once

#include "plant.h"
#include "play.h"

struct server;

/* Opens everything. With `paced` a reply on a pty takes the time that its bytes take on the line, and the
 * silence before it. NULL after a message on stderr. */
struct server *server_new(const struct config *c, struct plant *plant, bool paced);
/* From now on, bus `bus` of the configuration is answered from a capture. */
void server_play(struct server *s, size_t bus, struct play *play);
/* Removes the links again. */
void server_free(struct server *s);

/* Answers requests until `deadline_ns` (CLOCK_BOOTTIME) or until one of `fds` (count of them) is readable,
 * whose index is returned; -1 at the deadline. */
int server_run(struct server *s, int64_t deadline_ns, const int *fds, size_t count);

/* Takes the plant's present values. */
void server_refresh(struct server *s);
