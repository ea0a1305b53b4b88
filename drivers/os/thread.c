#include "drivers/os/thread.h"

#include "drivers/os/clock.h"

#include <signal.h>
#include <stdio.h>

#define NAME_SIZE 16

/* Most threads serve a bus, and with the usual 8 MiB each, a thousand would not fit the 3 GiB of addresses
 * of a 32-bit controller. What needs most is a name look-up, with what the system plugs into it. */
#define STACK_SIZE ((size_t)512 * 1024)

int thread_start(pthread_t *ret, const char *name, void *(*run)(void *user), void *user)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	int err = pthread_attr_init(&attributes);
	if (err)
		return -err;
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(ret, &attributes, run, user);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (err)
		return -err;
	char cut[NAME_SIZE];
	snprintf(cut, sizeof(cut), "%s", name);
	(void)pthread_setname_np(*ret, cut);
	return 0;
}

int thread_join(pthread_t thread, int64_t deadline_ns)
{
	/* pthread_clockjoin_np takes the monotonic clock, but the thread sanitizer does not know that it
	 * joins */
	int64_t until = clock_realtime() + deadline_ns - clock_ns(CLOCK_MONOTONIC);
	struct timespec deadline = { until / NS_PER_S, until % NS_PER_S };
	return until > 0 ? -pthread_timedjoin_np(thread, NULL, &deadline) : -pthread_tryjoin_np(thread, NULL);
}
