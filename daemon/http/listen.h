/* listen: sockets that wait for connections (pure apart from asking the system). */
#pragma once

#include <sys/socket.h>

/* A Unix socket; one that was left behind is taken away. The descriptor, or negative errno: -EADDRINUSE when
 * another process listens there. Its owner and a group may connect: `group` where /etc/group has that one. */
int listen_unix(const char *path, int backlog, const char *group);

/* A TCP socket, also at an address that the machine has not got yet. */
int listen_tcp(const struct sockaddr_storage *address, int backlog);
