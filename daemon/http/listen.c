#include "daemon/http/listen.h"

#include "config/ini/cleanup.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

/* The socket, for `call` to bind or connect it; or negative errno. */
static int connect_or_bind(const char *path, int (*call)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || call(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd < 0 ? -errno : fd;
	int err = -errno;
	close(fd);
	return err;
}

/* A socket that was left behind is taken away; one that somebody listens at is not. */
static int remove_stale(const char *path)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	_cleanup_close_ int fd = connect_or_bind(path, connect);
	if (fd >= 0)
		return -EADDRINUSE;
	return unlink(path) < 0 ? -errno : 0;
}

/* False when there is none. Not by getgrnam: a look-up over the network could take long. */
static bool find_group(const char *name, gid_t *ret)
{
	_cleanup_fclose_ FILE *groups = fopen("/etc/group", "re");
	for (const struct group *g; groups && (g = fgetgrent(groups));)
		if (strcmp(g->gr_name, name) == 0) {
			*ret = g->gr_gid;
			return true;
		}
	return false;
}

/* A process may give what is its own to the groups that it is in. */
static void give_to_group(const char *path, const char *name)
{
	struct stat st;
	gid_t group;
	if (!find_group(name, &group) || lstat(path, &st) < 0 || st.st_gid == group)
		return;
	if (lchown(path, (uid_t)-1, group) < 0)
		log_line(LOG_NOTICE, "%s is not for the group %s, of which coolantd is no member: %s", path,
		    name, strerror(errno));
}

int listen_unix(const char *path, int backlog, const char *group)
{
	int err = remove_stale(path), fd = err < 0 ? err : connect_or_bind(path, bind);
	if (fd >= 0)
		give_to_group(path, group);
	/* whom else that lets in is up to the folder */
	if (fd < 0 || (chmod(path, 0660) == 0 && listen(fd, backlog) == 0))
		return fd;
	err = -errno;
	close(fd);
	(void)unlink(path);
	return err;
}

int listen_tcp(const struct sockaddr_storage *address, int backlog)
{
	const int on = 1;
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* both families may have the port, each with a socket of its own */
	bool set = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		   setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) == 0 &&
		   (address->ss_family != AF_INET6 ||
		       setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0);
	if (set && bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
	    listen(fd, backlog) == 0)
		return fd;
	int err = -errno;
	close(fd);
	return err;
}
