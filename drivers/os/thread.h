/* thread: starting and ending a thread beside the main loop (mover). */
#pragma once

#include <pthread.h>
#include <stdint.h>

/* Starts a thread with all signals blocked: they belong to the main loop. `name` is for top -H and debuggers,
 * cut to the kernel's 15 characters. 0 or negative errno. */
int thread_start(pthread_t *ret, const char *name, void *(*run)(void *user), void *user);

/* Waits for its end until `deadline_ns` (CLOCK_MONOTONIC). 0, or negative errno when it still runs. */
int thread_join(pthread_t thread, int64_t deadline_ns);
