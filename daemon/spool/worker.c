#include "daemon/spool/worker.h"

#include "drivers/os/clock.h"
#include "drivers/os/thread.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	struct inbox_item item;
	enum job_kind kind;
	uint64_t tag, id, sent;
	bool live;
	struct message_list messages;
	struct spool_limits limits;
};

struct spool_worker {
	char *folder, path[PATH_MAX];
	pthread_t thread;
	struct inbox *jobs, *outcomes;

	pthread_mutex_t lock;
	struct spool_stats stats; /* under the lock */

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
	inbox_give_always(w->outcomes, &o->item);
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
	if (err == -EBADMSG && db_set_aside(w->path, w->aside, sizeof(w->aside)) == 0) {
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
	char why[DB_WHY_MAX];
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

static void free_job(struct inbox_item *item)
{
	struct job *j = (struct job *)item;
	message_list_clear(&j->messages);
	free(j);
}

static void *work(void *user)
{
	struct spool_worker *w = user;
	bool quit = false;
	while (!quit) {
		inbox_wait(w->jobs, INT64_MAX);
		for (struct inbox_item *i = inbox_take(w->jobs), *next; i; i = next) {
			struct job *j = (struct job *)i;
			next = i->next;
			do_job(w, j);
			quit = j->kind == JOB_QUIT;
			free_job(i);
		}
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
	inbox_give_always(w->jobs, &j->item);
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

static void free_outcome(struct inbox_item *item)
{
	spool_outcome_free((struct spool_outcome *)item);
}

static void destroy(struct spool_worker *w)
{
	inbox_free(w->jobs);
	inbox_free(w->outcomes);
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
	pthread_mutex_init(&w->lock, NULL);
	w->folder = strdup(folder);
	w->jobs = inbox_new(0, free_job);
	w->outcomes = inbox_new(0, free_outcome);
	int err = w->jobs && w->outcomes && w->folder ? 0 : ENOMEM;
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

struct inbox *spool_worker_outcomes(struct spool_worker *w)
{
	return w->outcomes;
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
