#include "daemon/state/state_dir.h"

#include "config/ini/cleanup.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int lock(const char *path)
{
	_cleanup_free_ char *file = NULL;
	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		return -errno;
	if (asprintf(&file, "%s/lock", path) < 0)
		return -ENOMEM;
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd < 0 ? -errno : fd;
	int err = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return err;
}

int state_dir_lock(const char *path)
{
	int fd = lock(path);
	if (fd == -EBUSY)
		log_line(LOG_ERR, "%s is in use by another coolantd (allowed: one at a time on a state_dir)",
		    path);
	else if (fd < 0)
		log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_DISK },
		    "%s cannot be used, nothing outlives a restart: %s", path, strerror(-fd));
	return fd;
}

/* What the lock file says of the run that held it last; in one that was just made there is nothing. */
static const char working = 'w', over = 'o';

bool state_dir_begin(int lock, int64_t ns)
{
	char word = over;
	struct stat st = { 0 };
	if (lock < 0)
		return true;
	bool any = pread(lock, &word, 1, 0) == 1 && fstat(lock, &st) == 0;
	int64_t age_ms =
	    clock_utc_ms() - (st.st_mtim.tv_sec * INT64_C(1000) + st.st_mtim.tv_nsec / NS_PER_MS);
	if (pwrite(lock, &working, 1, 0) != 1)
		return true;
	return any && (word != over || age_ms < ns / NS_PER_MS);
}

void state_dir_end(int lock)
{
	if (lock >= 0 && pwrite(lock, &over, 1, 0) != 1)
		log_event(LOG_WARNING, (struct log_fields){ .message_id = LOG_ID_DISK },
		    "the lock file of the state_dir cannot be written: %s", strerror(errno));
}
