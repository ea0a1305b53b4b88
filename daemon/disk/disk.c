#include "daemon/disk/disk.h"

#include "drivers/os/thread.h"

#include <errno.h>
#include <stdlib.h>

struct disk {
	struct disk_job quit; /* the last job */
	bool ends;
	pthread_t thread;
	struct inbox *jobs;
};

static void free_job(struct inbox_item *item)
{
	struct disk_job *job = (struct disk_job *)item;
	job->free(job);
}

static void quit(struct disk_job *job)
{
	((struct disk *)job)->ends = true;
}

/* It goes with the disk. */
static void stay(struct disk_job *job)
{
}

static void *work(void *user)
{
	struct disk *d = user;
	while (!d->ends) {
		inbox_wait(d->jobs, INT64_MAX);
		for (struct inbox_item *i = inbox_take(d->jobs), *next; i; i = next) {
			struct disk_job *job = (struct disk_job *)i;
			next = i->next;
			if (job->run)
				job->run(job);
			if (job->answers)
				inbox_give_always(job->answers, i);
			else
				job->free(job);
		}
	}
	return NULL;
}

struct disk *disk_new(void)
{
	struct disk *d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	d->quit = (struct disk_job){ .run = quit, .free = stay };
	d->jobs = inbox_new(0, free_job);
	int err = d->jobs ? -thread_start(&d->thread, "disk", work, d) : errno;
	if (err) {
		inbox_free(d->jobs);
		free(d);
		errno = err;
		return NULL;
	}
	return d;
}

bool disk_free(struct disk *d, int64_t deadline_ns)
{
	if (!d)
		return true;
	disk_give(d, &d->quit);
	if (thread_join(d->thread, deadline_ns) < 0)
		return false;
	inbox_free(d->jobs);
	free(d);
	return true;
}

void disk_give(struct disk *d, struct disk_job *job)
{
	inbox_give_always(d->jobs, &job->item);
}

struct inbox *disk_answers_new(void)
{
	return inbox_new(0, free_job);
}
