#include "drivers/os/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int resolve_host(const char *host, int port, struct addrinfo **ret, const char **why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	char service[8];
	snprintf(service, sizeof(service), "%d", port);
	int gai = getaddrinfo(host, service, &hints, ret);
	if (gai == 0)
		return 0;
	int err = gai == EAI_SYSTEM && errno > 0 ? -errno : -EHOSTUNREACH;
	*why = gai == EAI_SYSTEM ? strerror(-err) : gai_strerror(gai);
	return err;
}
