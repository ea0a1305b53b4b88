/* A disk that a test hangs: preloaded, fsync() and fdatasync() do not return while the file $SLOW_DISK is
 * there. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef int sync_fn(int);

static int hang_and(const char *name, int fd)
{
	sync_fn *real = (sync_fn *)dlsym(RTLD_NEXT, name);
	const char *path = getenv("SLOW_DISK");
	while (path && access(path, F_OK) == 0)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	return real(fd);
}

int fsync(int fd)
{
	return hang_and("fsync", fd);
}

int fdatasync(int fd)
{
	return hang_and("fdatasync", fd);
}
