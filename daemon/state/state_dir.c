#include "daemon/state/state_dir.h"

#include "config/ini/cleanup.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

struct state_dir {
	int lock_fd;
};

static int lock(const char *path)
{
	char file[4096];
	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		return -errno;
	if (snprintf(file, sizeof(file), "%s/lock", path) >= (int)sizeof(file))
		return -ENAMETOOLONG;
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		close(fd);
		return err;
	}
	return fd;
}

int state_dir_open(const char *path, struct state_dir **ret)
{
	*ret = NULL;
	int fd = lock(path);
	if (fd == -EBUSY) {
		log_line(LOG_ERR, "%s is in use by another coolantd (allowed: one at a time on a state_dir)",
		    path);
		return fd;
	}
	if (fd < 0) {
		log_line(
		    LOG_WARNING, "%s cannot be used, nothing outlives a restart: %s", path, strerror(-fd));
		return 0;
	}
	*ret = calloc(1, sizeof(**ret));
	if (!*ret) {
		close(fd);
		return -ENOMEM;
	}
	(*ret)->lock_fd = fd;
	return 0;
}

void state_dir_close(struct state_dir *s)
{
	if (!s)
		return;
	close(s->lock_fd);
	free(s);
}
