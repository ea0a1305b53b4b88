#include "daemon/state/state_dir.h"

#include "config/ini/cleanup.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

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
		log_line(
		    LOG_WARNING, "%s cannot be used, nothing outlives a restart: %s", path, strerror(-fd));
	return fd;
}
