#include "drivers/worker.h"

#include "drivers/modbus/driver.h"
#include "drivers/os/thread.h"
#include "drivers/os/wait.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Even an idle thread comes round this often, so that the watchdog can tell it from a stuck one. */
#define IDLE_MAX_NS NS_PER_S

/* Which driver serves a bus. */
static const struct driver_impl *const drivers[] = {
	[BUS_RTU] = &modbus_driver,
	[BUS_TCP] = &modbus_driver,
	[BUS_RTUTCP] = &modbus_driver,
};

struct worker {
	const struct driver_impl *impl;
	void *state;
	int stop_fd, wake_fd;
	pthread_t thread;
	struct progress progress;
	struct inbox *reads; /* struct raw_read */

	pthread_mutex_t lock;
	struct config *next_config; /* a reference, or NULL */
	size_t next_bus;
};

static void take_next_config(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	struct config *c = w->next_config;
	size_t bus = w->next_bus;
	w->next_config = NULL;
	pthread_mutex_unlock(&w->lock);
	if (!c)
		return;
	(void)w->impl->reconfigure(w->state, c, bus);
	config_unref(c);
}

/* Until the driver's deadline, a wake-up or the stop. Returns false to stop. */
static bool wait_for_work(struct worker *w)
{
	progress_step(&w->progress, IDLE_MAX_NS);
	int64_t deadline = w->impl->next_deadline(w->state), latest = clock_boottime() + IDLE_MAX_NS;
	struct pollfd fds[] = { { w->stop_fd, POLLIN, 0 }, { w->wake_fd, POLLIN, 0 },
		{ inbox_fd(w->reads), POLLIN, 0 } };
	if (wait_ready(fds, 3, deadline < latest ? deadline : latest) > 0 && fds[1].revents) {
		eventfd_t ignored;
		(void)eventfd_read(w->wake_fd, &ignored);
	}
	return !fds[0].revents;
}

static void take_reads(struct worker *w)
{
	for (struct inbox_item *i = inbox_take(w->reads), *next; i; i = next) {
		next = i->next;
		if (w->impl->read)
			w->impl->read(w->state, (struct raw_read *)i);
		else
			raw_read_refuse(i);
	}
}

static void *run(void *user)
{
	struct worker *w = user;
	while (wait_for_work(w)) {
		take_next_config(w);
		take_reads(w);
		if (w->impl->next_deadline(w->state) <= clock_boottime())
			w->impl->poll(w->state);
	}
	return NULL;
}

static void worker_free(struct worker *w)
{
	if (w->state)
		w->impl->close(w->state);
	if (w->stop_fd >= 0)
		close(w->stop_fd);
	if (w->wake_fd >= 0)
		close(w->wake_fd);
	inbox_free(w->reads);
	config_unref(w->next_config);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* 0 or negative errno; worker_free is due then. */
static int begin(struct worker *w, struct config *c, size_t bus, struct inbox *batches, bool asked_lately)
{
	char name[80]; /* is cut anyway */
	w->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->reads = inbox_new(RAW_READS_MAX, raw_read_refuse);
	if (w->stop_fd < 0 || w->wake_fd < 0 || !w->reads)
		return -errno;
	progress_step(&w->progress, IDLE_MAX_NS);
	struct driver_host host = { .batches = batches,
		.progress = &w->progress,
		.stop_fd = w->stop_fd,
		.asked_lately = asked_lately };
	w->state = w->impl->open(c, bus, &host);
	if (!w->state)
		return -ENOMEM;
	snprintf(name, sizeof(name), "bus-%s", c->buses[bus].name);
	return thread_start(&w->thread, name, run, w);
}

struct worker *worker_start(struct config *c, size_t bus, struct inbox *batches, bool asked_lately)
{
	struct worker *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	w->impl = drivers[c->buses[bus].type];
	int err = begin(w, c, bus, batches, asked_lately);
	if (err < 0) {
		worker_free(w);
		errno = -err;
		return NULL;
	}
	return w;
}

void worker_reconfigure(struct worker *w, struct config *c, size_t bus)
{
	pthread_mutex_lock(&w->lock);
	config_unref(w->next_config);
	w->next_config = config_ref(c);
	w->next_bus = bus;
	pthread_mutex_unlock(&w->lock);
	(void)eventfd_write(w->wake_fd, 1);
}

void worker_request_stop(struct worker *w)
{
	(void)eventfd_write(w->stop_fd, 1);
}

int worker_join(struct worker *w, int64_t deadline_ns)
{
	int err = thread_join(w->thread, deadline_ns);
	if (err < 0)
		return err;
	worker_free(w);
	return 0;
}

void worker_describe(struct worker *w, struct driver_stats *ret)
{
	w->impl->describe(w->state, ret);
}

void worker_read(struct worker *w, struct raw_read *r)
{
	(void)inbox_give(w->reads, &r->item); /* when there is no room it goes back */
}

char *worker_capture(struct worker *w, uint64_t from, uint64_t *next)
{
	return w->impl->capture(w->state, from, next);
}

bool worker_moves(struct worker *w, int64_t now_ns)
{
	return progress_moves(&w->progress, now_ns);
}
