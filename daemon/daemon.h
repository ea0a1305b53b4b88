/* daemon: the main loop, where everything meets (mover, main thread).
 *
 * One sd-event loop: batches from the bus workers into the point table and on to the publisher; the control
 * tick; stale values; health; signals. Nothing here blocks.
 */
#pragma once

#include "config/config.h"

/* Runs on a configuration (a reference is taken) until SIGTERM or SIGINT. SIGHUP reads the configuration's
 * file anew. SIGTERM, SIGINT and SIGHUP must be blocked. Returns 0, or negative errno with a line in the
 * journal. */
int daemon_run(struct config *c);
