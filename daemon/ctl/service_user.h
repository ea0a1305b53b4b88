/* service_user: whom coolantd runs as, so that what it cannot read is found before it is started (process).
 *
 * The unit has DynamicUser: a user that no file belongs to, with the group dialout. It is stood for by the
 * user coolantd if there is one, else by nobody.
 */
#pragma once

#include "config/ini/arena.h"

#include <stdbool.h>
#include <sys/types.h>

struct service_user {
	const char *name;
	uid_t uid;
	gid_t gid;
};

/* The user of that name, or (NULL) the service's. False when there is none. */
bool service_user_find(struct arena *a, const char *name, struct service_user *ret);

/* Whether the user can read a file, or look into a folder; asked by root, of a child that has become the
 * user. */
bool service_user_reaches(const struct service_user *u, const char *path);

/* For good. False with errno. */
bool service_user_become(const struct service_user *u);

/* Whether the unit, or a drop-in of it, has LoadCredential= of that name. */
bool service_user_has_credential(struct arena *a, const char *name);
