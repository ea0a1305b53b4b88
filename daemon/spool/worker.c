#include "daemon/spool/worker.h"

#include "drivers/os/clock.h"
#include "drivers/os/thread.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "spool.db"

enum job_kind {
	JOB_APPEND,
	JOB_LOAD,
	JOB_DELETE,
	JOB_SET_SENT,
	JOB_RELEASE,
	JOB_TEND,
	JOB_SET_LIMITS,
	JOB_QUIT
};

struct job {
	struct job *next;
	enum job_kind kind;
	uint64_t tag, id, sent;
	bool live;
	struct message_list messages;
	struct spool_limits limits;
};

struct spool_worker {
	char *folder, path[PATH_MAX];
	int fd;
	pthread_t thread;

	pthread_mutex_t lock; /* over what follows, up to the next comment */
	pthread_cond_t wake;
	struct job *first, **tail;
	struct spool_outcome *outcomes, **outcome_tail;
	struct spool_stats stats;

	/* the thread's own */
	struct spool *spool;
	struct spool_limits limits;
	uint64_t last_id;	 /* over all files of this run, so that an id never means two batches */
	uint64_t dropped_before; /* in files that were closed */
	int64_t retry_ns;	 /* when a file that could not be opened is tried again */
	char trouble[512];
	char aside[PATH_MAX + 16]; /* a file that was set aside, while it is there */
};

static void post(struct spool_worker *w, struct spool_outcome *o)
{
	o->next = NULL;
	pthread_mutex_lock(&w->lock);
	*w->outcome_tail = o;
	w->outcome_tail = &o->next;
	pthread_mutex_unlock(&w->lock);
	(void)eventfd_write(w->fd, 1);
}

static struct spool_outcome *outcome_new(enum spool_outcome_kind kind)
{
	struct spool_outcome *o = calloc(1, sizeof(*o));
	if (!o)
		abort(); /* a lost outcome would be lost messages */
	o->kind = kind;
	return o;
}

/* Tells what is wrong, once. */
static void tell_trouble(struct spool_worker *w, const char *text)
{
	if (strcmp(w->trouble, text) == 0)
		return;
	struct spool_outcome *o = outcome_new(SPOOL_TROUBLE);
	snprintf(o->text, sizeof(o->text), "%s", text);
	memcpy(w->trouble, o->text, sizeof(w->trouble));
	post(w, o);
}

static void close_file(struct spool_worker *w)
{
	if (w->spool)
		w->dropped_before += spool_describe(w->spool).dropped;
	spool_close(w->spool);
	w->spool = NULL;
}

/* A damaged file makes room for a new one, any other trouble is waited out. */
static void fail(struct spool_worker *w, int err, const char *why)
{
	char text[512];
	close_file(w);
	w->retry_ns = clock_boottime() + SPOOL_RETRY_S * NS_PER_S;
	if (err == -EBADMSG && spool_set_aside(w->path, w->aside, sizeof(w->aside)) == 0) {
		w->retry_ns = 0;
		snprintf(text, sizeof(text), "the spool %.200s cannot be used, it was set aside as %s: %s",
		    w->path, strrchr(w->aside, '/') + 1, why);
	} else {
		snprintf(text, sizeof(text),
		    "the spool %.200s cannot be written, messages wait in memory: %s", w->path, why);
	}
	tell_trouble(w, text);
}

static bool open_file(struct spool_worker *w)
{
	char why[SPOOL_WHY_MAX];
	int64_t now = clock_boottime();
	if (w->spool || now < w->retry_ns)
		return w->spool != NULL;
	(void)mkdir(w->folder, 0750); /* when it fails, opening says why */
	for (int tries = 0; tries < 2 && !w->spool; tries++) {
		int r = spool_open(&w->spool, w->path, w->limits, now, why);
		if (r < 0) {
			w->spool = NULL;
			fail(w, r, why);
		}
	}
	if (!w->spool)
		return false;
	if (spool_last_id(w->spool) > w->last_id)
		w->last_id = spool_last_id(w->spool);
	if (!w->aside[0])
		tell_trouble(w, "");
	return true;
}

/* What went wrong in a job. */
static int check(struct spool_worker *w, int r)
{
	if (r < 0)
		fail(w, r, r == -EBADMSG ? "it is damaged" : strerror(-r));
	return r;
}

static void do_append(struct spool_worker *w, struct job *j)
{
	int r = -EIO;
	/* once more, when the first try has shown that the file is damaged */
	for (int tries = 0; tries < 2 && r < 0 && open_file(w); tries++)
		r = check(w, spool_append(w->spool, w->last_id + 1, &j->messages, j->live, clock_boottime()));
	struct spool_outcome *o = outcome_new(r < 0 ? SPOOL_NOT_SAVED : SPOOL_SAVED);
	o->tag = j->tag;
	if (r < 0)
		o->batch.messages = j->messages;
	else
		message_list_clear(&j->messages);
	j->messages = (struct message_list){ 0 };
	if (r >= 0)
		o->batch.id = ++w->last_id;
	post(w, o);
}

static void do_load(struct spool_worker *w, const struct job *j)
{
	struct spool_outcome *o = outcome_new(SPOOL_END);
	if (open_file(w) && check(w, spool_load(w->spool, j->id, &o->batch)) == 1)
		o->kind = SPOOL_LOADED;
	post(w, o);
}

static void do_tend(struct spool_worker *w)
{
	if (w->aside[0] && access(w->aside, F_OK) < 0) { /* somebody has taken care of it */
		w->aside[0] = '\0';
		if (w->spool)
			tell_trouble(w, "");
	}
	if (open_file(w))
		(void)check(w, spool_tend(w->spool, clock_boottime()));
}

static void do_job(struct spool_worker *w, struct job *j)
{
	switch (j->kind) {
	case JOB_APPEND:
		do_append(w, j);
		break;
	case JOB_LOAD:
		do_load(w, j);
		break;
	case JOB_DELETE:
		if (w->spool)
			(void)check(w, spool_delete(w->spool, j->id));
		break;
	case JOB_SET_SENT:
		if (w->spool)
			(void)check(w, spool_set_sent(w->spool, j->id, j->sent));
		break;
	case JOB_RELEASE:
		if (w->spool)
			(void)check(w, spool_release(w->spool));
		break;
	case JOB_TEND:
		do_tend(w);
		break;
	case JOB_SET_LIMITS:
		w->limits = j->limits;
		if (w->spool)
			spool_set_limits(w->spool, j->limits);
		break;
	case JOB_QUIT:
		break;
	}
	struct spool_stats s = w->spool ? spool_describe(w->spool) : (struct spool_stats){ 0 };
	s.dropped += w->dropped_before;
	pthread_mutex_lock(&w->lock);
	w->stats = s;
	pthread_mutex_unlock(&w->lock);
}

static struct job *next_job(struct spool_worker *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->first)
		pthread_cond_wait(&w->wake, &w->lock);
	struct job *j = w->first;
	w->first = j->next;
	if (!w->first)
		w->tail = &w->first;
	pthread_mutex_unlock(&w->lock);
	return j;
}

static void *work(void *user)
{
	struct spool_worker *w = user;
	bool quit = false;
	while (!quit) {
		struct job *j = next_job(w);
		do_job(w, j);
		quit = j->kind == JOB_QUIT;
		free(j);
	}
	close_file(w);
	return NULL;
}

static bool give(struct spool_worker *w, const struct job *what)
{
	struct job *j = malloc(sizeof(*j));
	if (!j)
		return false;
	*j = *what;
	pthread_mutex_lock(&w->lock);
	*w->tail = j;
	w->tail = &j->next;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return true;
}

bool spool_worker_append(struct spool_worker *w, uint64_t tag, struct message_list *l, bool live)
{
	if (!give(w, &(struct job){ .kind = JOB_APPEND, .tag = tag, .messages = *l, .live = live }))
		return false;
	*l = (struct message_list){ 0 };
	return true;
}

bool spool_worker_load(struct spool_worker *w, uint64_t after)
{
	return give(w, &(struct job){ .kind = JOB_LOAD, .id = after });
}

/* The others only save work: without memory they are left out. */
void spool_worker_delete(struct spool_worker *w, uint64_t id)
{
	(void)give(w, &(struct job){ .kind = JOB_DELETE, .id = id });
}

void spool_worker_set_sent(struct spool_worker *w, uint64_t id, uint64_t sent)
{
	(void)give(w, &(struct job){ .kind = JOB_SET_SENT, .id = id, .sent = sent });
}

void spool_worker_release(struct spool_worker *w)
{
	(void)give(w, &(struct job){ .kind = JOB_RELEASE });
}

void spool_worker_tend(struct spool_worker *w)
{
	(void)give(w, &(struct job){ .kind = JOB_TEND });
}

void spool_worker_set_limits(struct spool_worker *w, struct spool_limits limits)
{
	(void)give(w, &(struct job){ .kind = JOB_SET_LIMITS, .limits = limits });
}

static void destroy(struct spool_worker *w)
{
	for (struct job *j = w->first, *next; j; j = next) {
		next = j->next;
		message_list_clear(&j->messages);
		free(j);
	}
	for (struct spool_outcome *o = w->outcomes, *next; o; o = next) {
		next = o->next;
		spool_outcome_free(o);
	}
	if (w->fd >= 0)
		close(w->fd);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w->folder);
	free(w);
}

struct spool_worker *spool_worker_new(const char *folder, struct spool_limits limits)
{
	struct spool_worker *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->limits = limits;
	w->tail = &w->first;
	w->outcome_tail = &w->outcomes;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	w->folder = strdup(folder);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int err = w->fd < 0 ? errno : !w->folder ? ENOMEM : 0;
	if (snprintf(w->path, sizeof(w->path), "%s/" FILE_NAME, folder) >= (int)sizeof(w->path))
		err = ENAMETOOLONG;
	if (err == 0)
		err = -thread_start(&w->thread, "spool", work, w);
	if (err) {
		destroy(w);
		errno = err;
		return NULL;
	}
	return w;
}

void spool_worker_free(struct spool_worker *w, int64_t grace_ns)
{
	if (!w)
		return;
	if (!give(w, &(struct job){ .kind = JOB_QUIT }))
		return;
	if (thread_join(w->thread, clock_ns(CLOCK_MONOTONIC) + grace_ns) == 0)
		destroy(w);
}

int spool_worker_fd(const struct spool_worker *w)
{
	return w->fd;
}

struct spool_outcome *spool_worker_take(struct spool_worker *w)
{
	eventfd_t ignored;
	(void)eventfd_read(w->fd, &ignored);
	pthread_mutex_lock(&w->lock);
	struct spool_outcome *o = w->outcomes;
	w->outcomes = NULL;
	w->outcome_tail = &w->outcomes;
	pthread_mutex_unlock(&w->lock);
	return o;
}

void spool_outcome_free(struct spool_outcome *o)
{
	message_list_clear(&o->batch.messages);
	free(o);
}

struct spool_stats spool_worker_describe(struct spool_worker *w)
{
	pthread_mutex_lock(&w->lock);
	struct spool_stats s = w->stats;
	pthread_mutex_unlock(&w->lock);
	return s;
}
