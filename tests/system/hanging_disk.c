/* A disk that a test lets hang: preloaded, what waits for it waits as long as the file $HANGING_DISK exists.
 */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_for_disk(void)
{
	const char *path = getenv("HANGING_DISK");
	const struct timespec moment = { .tv_nsec = 1000000 };
	while (path && access(path, F_OK) == 0)
		(void)nanosleep(&moment, NULL);
}

int fsync(int fd)
{
	wait_for_disk();
	return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	wait_for_disk();
	return (int)syscall(SYS_fdatasync, fd);
}
