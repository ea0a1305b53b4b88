/* peer: who is at the other end of a Unix socket (pure apart from asking the system). */
#pragma once

#define PEER_NAME_MAX 40

/* The name in /etc/passwd, or uid and the number: a look-up over the network could take long. `name` is what
 * is returned. */
const char *peer_name(int fd, char name[static PEER_NAME_MAX]);
