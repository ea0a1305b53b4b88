#include "daemon/spool/spooler.h"

#include "drivers/os/clock.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct spooler {
	struct disk_job close; /* the last job */
	struct disk *disk;
	struct inbox *answers;

	/* the disk thread's own */
	char *folder, *old_base, path[PATH_MAX];
	struct spool *spool;
	struct spool_limits limits;
	uint64_t last_id;	 /* over all files of this run, so that an id never means two batches */
	uint64_t dropped_before; /* in files that were closed */
	int64_t retry_ns;	 /* when a file that could not be opened is tried again */
	char trouble[512];
	char aside[PATH_MAX + 16]; /* a file that was set aside, while it is there */
};

static void close_file(struct spooler *s)
{
	if (s->spool)
		s->dropped_before += spool_describe(s->spool).dropped;
	spool_close(s->spool);
	s->spool = NULL;
}

/* A damaged file makes room for a new one, any other trouble is waited out. */
static void fail(struct spooler *s, int err, const char *why)
{
	close_file(s);
	s->retry_ns = clock_boottime() + SPOOL_RETRY_S * NS_PER_S;
	if (err == -EBADMSG && db_set_aside(s->path, s->aside, sizeof(s->aside)) == 0) {
		s->retry_ns = 0;
		snprintf(s->trouble, sizeof(s->trouble),
		    "the spool %.200s cannot be used, it was set aside as %s: %s", s->path,
		    strrchr(s->aside, '/') + 1, why);
	} else {
		snprintf(s->trouble, sizeof(s->trouble),
		    "the spool %.200s cannot be written, messages wait in memory: %s", s->path, why);
	}
}

static bool open_file(struct spooler *s)
{
	char why[DB_WHY_MAX];
	int64_t now = clock_boottime();
	if (s->spool || now < s->retry_ns)
		return s->spool != NULL;
	(void)mkdir(s->folder, 0750); /* when it fails, opening says why */
	for (int tries = 0; tries < 2 && !s->spool; tries++) {
		int r = spool_open(&s->spool, s->path, s->old_base, s->limits, now, why);
		if (r < 0) {
			s->spool = NULL;
			fail(s, r, why);
		}
	}
	if (!s->spool)
		return false;
	if (spool_last_id(s->spool) > s->last_id)
		s->last_id = spool_last_id(s->spool);
	if (!s->aside[0])
		s->trouble[0] = '\0';
	return true;
}

/* What went wrong in a task. */
static int check(struct spooler *s, int r)
{
	if (r < 0)
		fail(s, r, r == -EBADMSG ? "it is damaged" : strerror(-r));
	return r;
}

static void append(struct spooler *s, struct spool_task *t)
{
	int r = -EIO;
	/* once more, when the first try has shown that the file is damaged */
	for (int tries = 0; tries < 2 && r < 0 && open_file(s); tries++)
		r = check(
		    s, spool_append(s->spool, s->last_id + 1, &t->batch.messages, t->live, clock_boottime()));
	t->outcome = r < 0 ? SPOOL_NOT_SAVED : SPOOL_SAVED;
	if (r >= 0)
		t->batch.id = ++s->last_id;
}

static void load(struct spooler *s, struct spool_task *t)
{
	bool loaded = open_file(s) && check(s, spool_load(s->spool, t->batch.id, &t->batch)) == 1;
	t->outcome = loaded ? SPOOL_LOADED : SPOOL_END;
}

static void tend(struct spooler *s, struct spool_task *t)
{
	t->outcome = SPOOL_TENDED;
	if (s->aside[0] && access(s->aside, F_OK) < 0) { /* somebody has taken care of it */
		s->aside[0] = '\0';
		if (s->spool)
			s->trouble[0] = '\0';
	}
	if (open_file(s))
		(void)check(s, spool_tend(s->spool, clock_boottime()));
}

static void delete (struct spooler *s, struct spool_task *t)
{
	if (s->spool)
		(void)check(s, spool_delete(s->spool, t->batch.id));
}

static void set_sent(struct spooler *s, struct spool_task *t)
{
	if (s->spool)
		(void)check(s, spool_set_sent(s->spool, t->batch.id, t->batch.sent));
}

static void release(struct spooler *s, struct spool_task *t)
{
	if (s->spool)
		(void)check(s, spool_release(s->spool));
}

static void set_limits(struct spooler *s, struct spool_task *t)
{
	s->limits = t->limits;
	if (s->spool)
		spool_set_limits(s->spool, t->limits);
}

static void run(struct disk_job *job)
{
	struct spool_task *t = (struct spool_task *)job;
	struct spooler *s = t->spooler;
	t->work(s, t);
	if (s->spool)
		t->stats = spool_describe(s->spool);
	t->stats.dropped += s->dropped_before;
	memcpy(t->trouble, s->trouble, sizeof(t->trouble));
}

static void free_task(struct disk_job *job)
{
	spool_task_free((struct spool_task *)job);
}

/* NULL without memory. */
static const struct spool_task *give(struct spooler *s, const struct spool_task *what)
{
	struct spool_task *t = malloc(sizeof(*t));
	if (!t)
		return NULL;
	*t = *what;
	t->job = (struct disk_job){ .run = run, .free = free_task, .answers = s->answers };
	t->spooler = s;
	disk_give(s->disk, &t->job);
	return t;
}

const struct message_list *spooler_append(struct spooler *s, uint64_t tag, struct message_list *l, bool live)
{
	const struct spool_task *t = give(
	    s, &(struct spool_task){ .work = append, .tag = tag, .live = live, .batch = { .messages = *l } });
	if (!t)
		return NULL;
	*l = (struct message_list){ 0 };
	return &t->batch.messages;
}

bool spooler_load(struct spooler *s, uint64_t after)
{
	return give(s, &(struct spool_task){ .work = load, .batch = { .id = after } });
}

bool spooler_tend(struct spooler *s)
{
	return give(s, &(struct spool_task){ .work = tend });
}

void spooler_delete(struct spooler *s, uint64_t id)
{
	(void)give(s, &(struct spool_task){ .work = delete, .batch = { .id = id } });
}

void spooler_set_sent(struct spooler *s, uint64_t id, uint64_t sent)
{
	(void)give(s, &(struct spool_task){ .work = set_sent, .batch = { .id = id, .sent = sent } });
}

void spooler_release(struct spooler *s)
{
	(void)give(s, &(struct spool_task){ .work = release });
}

void spooler_set_limits(struct spooler *s, struct spool_limits limits)
{
	(void)give(s, &(struct spool_task){ .work = set_limits, .limits = limits });
}

struct inbox *spooler_answers(struct spooler *s)
{
	return s->answers;
}

void spool_task_free(struct spool_task *t)
{
	message_list_clear(&t->batch.messages);
	free(t);
}

static void free_spooler(struct disk_job *job)
{
	struct spooler *s = (struct spooler *)job;
	close_file(s);
	inbox_free(s->answers);
	free(s->folder);
	free(s->old_base);
	free(s);
}

struct spooler *spooler_new(
    struct disk *disk, const char *folder, const char *name, const char *old_base, struct spool_limits limits)
{
	struct spooler *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->close = (struct disk_job){ .free = free_spooler };
	s->disk = disk;
	s->limits = limits;
	s->folder = strdup(folder);
	s->old_base = strdup(old_base);
	s->answers = disk_answers_new();
	int err = s->answers && s->folder && s->old_base ? 0 : ENOMEM;
	if (snprintf(s->path, sizeof(s->path), "%s/%s", folder, name) >= (int)sizeof(s->path))
		err = ENAMETOOLONG;
	if (err) {
		free_spooler(&s->close);
		errno = err;
		return NULL;
	}
	return s;
}

void spooler_free(struct spooler *s)
{
	if (s)
		disk_give(s->disk, &s->close);
}
