/* state: energies and alarm states over a restart (main thread). */
#pragma once

#include "daemon/daemon_private.h"

/* Takes up what the last run has left in the state_dir, as far as it is of the same configuration. A file
 * that cannot be used is set aside and said. */
void state_load(struct daemon *d);

/* Some times a second: saves when it is time, or when an alarm has changed; an alarm tells when it cannot. */
void state_turn(struct daemon *d, int64_t now_ns);

/* Saves for the last time, waits for the disk for `grace_ns` at most, and ends. */
void state_end(struct daemon *d, int64_t grace_ns);
