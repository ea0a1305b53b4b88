#include "daemon/state/state_file.h"

#include "config/ini/cleanup.h"
#include "daemon/disk/compressed.h"
#include "drivers/os/clock.h"
#include "drivers/os/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "control.state"
#define LEVEL 3
/* What is in front of the compressed block: the kind of file and its version. */
static const char mark[8] = "CLSTATE1";
/* The longest block that is read back. */
#define SIZE_MAX_READ ((size_t)64 << 20)

struct state_file {
	char path[PATH_MAX], new_path[PATH_MAX + 8], folder[PATH_MAX];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	void *data; /* to be written, or NULL */
	size_t size;
	bool quit;
	int error;
};

ssize_t state_file_read(const char *folder, void **ret)
{
	char path[PATH_MAX];
	struct stat st;
	*ret = NULL;
	if (snprintf(path, sizeof(path), "%s/" FILE_NAME, folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fileno(f), &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size > SIZE_MAX_READ)
		return -EBADMSG;
	_cleanup_free_ uint8_t *file = malloc((size_t)st.st_size + 1);
	if (!file)
		return -ENOMEM;
	size_t n = fread(file, 1, (size_t)st.st_size, f);
	if (n < sizeof(mark) || memcmp(file, mark, sizeof(mark)) != 0)
		return -EBADMSG;
	return compressed_unpack(file + sizeof(mark), n - sizeof(mark), SIZE_MAX_READ, ret);
}

int state_file_set_aside(const char *folder)
{
	char path[PATH_MAX], aside[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/" FILE_NAME, folder) >= (int)sizeof(path) ||
	    snprintf(aside, sizeof(aside), "%s/" FILE_NAME ".bad", folder) >= (int)sizeof(aside))
		return -ENAMETOOLONG;
	return rename(path, aside) < 0 ? -errno : 0;
}

static int write_new(const char *path, const uint8_t *file, size_t size)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, file + done, size - done);
		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* The new name is on the disk only with its folder. */
static int sync_folder(const char *folder)
{
	_cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int replace(const struct state_file *f, const void *data, size_t size)
{
	_cleanup_free_ void *file = NULL;
	ssize_t n = compressed_pack(data, size, LEVEL, sizeof(mark), &file);
	if (n < 0)
		return (int)n;
	memcpy(file, mark, sizeof(mark));
	int r = write_new(f->new_path, file, (size_t)n);
	if (r == 0 && rename(f->new_path, f->path) < 0)
		r = -errno;
	return r < 0 ? r : sync_folder(f->folder);
}

static void *work(void *user)
{
	struct state_file *f = user;
	pthread_mutex_lock(&f->lock);
	while (!f->quit || f->data) {
		if (!f->data) {
			pthread_cond_wait(&f->wake, &f->lock);
			continue;
		}
		void *data = f->data;
		size_t size = f->size;
		f->data = NULL;
		pthread_mutex_unlock(&f->lock);
		int r = replace(f, data, size);
		free(data);
		pthread_mutex_lock(&f->lock);
		f->error = r;
		/* a pause, so that a storm of alarms does not wear out the disk */
		int64_t until = clock_ns(CLOCK_MONOTONIC) + STATE_FILE_INTERVAL_MS * NS_PER_MS;
		struct timespec pause = { until / NS_PER_S, until % NS_PER_S };
		while (!f->quit && pthread_cond_timedwait(&f->wake, &f->lock, &pause) == 0)
			continue;
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

struct state_file *state_file_new(const char *folder)
{
	struct state_file *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&f->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int err = 0;
	if (snprintf(f->folder, sizeof(f->folder), "%s", folder) >= (int)sizeof(f->folder) ||
	    snprintf(f->path, sizeof(f->path), "%s/" FILE_NAME, folder) >= (int)sizeof(f->path))
		err = ENAMETOOLONG;
	snprintf(f->new_path, sizeof(f->new_path), "%s.new", f->path);
	if (err == 0)
		err = -thread_start(&f->thread, "state", work, f);
	if (err) {
		free(f);
		errno = err;
		return NULL;
	}
	return f;
}

void state_file_write(struct state_file *f, void *data, size_t size)
{
	pthread_mutex_lock(&f->lock);
	free(f->data);
	f->data = data;
	f->size = size;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

int state_file_error(struct state_file *f)
{
	pthread_mutex_lock(&f->lock);
	int error = f->error;
	pthread_mutex_unlock(&f->lock);
	return error;
}

void state_file_free(struct state_file *f, int64_t grace_ns)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->quit = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	if (thread_join(f->thread, clock_ns(CLOCK_MONOTONIC) + grace_ns) < 0)
		return; /* the disk hangs: the memory is left to the thread */
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
}
