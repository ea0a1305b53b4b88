#include "daemon/http/peer.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>

const char *peer_name(int fd, char name[static PEER_NAME_MAX])
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) {
		snprintf(name, PEER_NAME_MAX, "unknown");
		return name;
	}
	snprintf(name, PEER_NAME_MAX, "uid %u", (unsigned)peer.uid);
	FILE *users = fopen("/etc/passwd", "re");
	for (const struct passwd *p; users && (p = fgetpwent(users));)
		if (p->pw_uid == peer.uid) {
			snprintf(name, PEER_NAME_MAX, "%s", p->pw_name);
			break;
		}
	if (users)
		(void)fclose(users);
	return name;
}
