#include "daemon/files.h"

#include "daemon/http/http.h"
#include "drivers/os/log.h"

#include <sys/resource.h>

/* A bus has two of its thread, its port or connection, and one of a name look-up. */
#define FILES_PER_BUS 4
/* The connections to a socket for requests. */
#define FILES_PER_SOCKET HTTP_CONNECTIONS_MAX
/* The rest of the daemon: the connection to the broker, the files on the disk, timers. */
#define FILES_BESIDE 64
/* A connection beside that one, with its spool. */
#define FILES_PER_CONNECTION 16
/* Whatever the hard limit is, more are of no use. */
#define FILES_MAX                                                                                            \
	(FILES_BESIDE + 2 * FILES_PER_CONNECTION + 2 * FILES_PER_SOCKET + CONFIG_BUSES_MAX * FILES_PER_BUS)

void files_raise_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= FILES_MAX)
		return;
	limit.rlim_cur = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

bool files_suffice(const struct config *c)
{
	struct rlimit limit;
	size_t beside = FILES_BESIDE + FILES_PER_SOCKET * (*c->daemon->http_listen ? 2 : 1) +
			FILES_PER_CONNECTION * ((c->sparkplug ? 1 : 0) + (c->dsx ? 1 : 0));
	size_t needed = beside + c->bus_count * FILES_PER_BUS;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_max >= needed)
		return true;
	size_t most = (size_t)limit.rlim_max;
	log_line(LOG_ERR,
	    "%s: %zu buses need %zu open files and the limit is %zu (allowed: %zu buses, or a higher limit: "
	    "LimitNOFILE= of the service, ulimit -Hn of a shell)",
	    c->path, c->bus_count, needed, most, most > beside ? (most - beside) / FILES_PER_BUS : 0);
	return false;
}
