#include "daemon/ctl/service_user.h"

#include "config/ini/cleanup.h"

#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/wait.h>

#define GROUPS_MAX 64

bool service_user_find(struct arena *a, const char *name, struct service_user *ret)
{
	const struct passwd *p = getpwnam(name ? name : "coolantd");
	if (!p && !name)
		p = getpwnam("nobody");
	if (!p)
		return false;
	*ret = (struct service_user){ arena_strdup(a, p->pw_name), p->pw_uid, p->pw_gid };
	return true;
}

bool service_user_become(const struct service_user *u)
{
	gid_t groups[GROUPS_MAX];
	int count = GROUPS_MAX - 1;
	if (getgrouplist(u->name, u->gid, groups, &count) < 0)
		count = 0;
	const struct group *dialout = getgrnam("dialout"); /* SupplementaryGroups= of the unit */
	if (dialout)
		groups[count++] = dialout->gr_gid;
	return setgroups((size_t)count, groups) == 0 && setresgid(u->gid, u->gid, u->gid) == 0 &&
	       setresuid(u->uid, u->uid, u->uid) == 0;
}

bool service_user_reaches(const struct service_user *u, const char *path)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0)
		_exit(service_user_become(u) && access(path, R_OK) == 0 ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* LoadCredential=NAME:PATH, LoadCredentialEncrypted=NAME:PATH, or SetCredential…=NAME:… */
static bool file_has(const char *path, const char *name)
{
	_cleanup_free_ char *line = NULL;
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	const size_t n = strlen(name);
	size_t size = 0;
	while (f && getline(&line, &size, f) >= 0) {
		const char *equals = strchr(line, '=');
		if (equals &&
		    (strncmp(line, "LoadCredential", 14) == 0 || strncmp(line, "SetCredential", 13) == 0) &&
		    strncmp(equals + 1, name, n) == 0 && strchr(":\n", equals[1 + n]))
			return true;
	}
	return false;
}

bool service_user_has_credential(struct arena *a, const char *name)
{
	static const char *const folders[] = { "/etc/systemd/system", "/run/systemd/system",
		"/usr/lib/systemd/system" };
	bool found = false;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		glob_t g = { 0 };
		(void)glob(arena_printf(a, "%s/coolantd.service", folders[i]), 0, NULL, &g);
		(void)glob(
		    arena_printf(a, "%s/coolantd.service.d/*.conf", folders[i]), GLOB_APPEND, NULL, &g);
		for (size_t k = 0; k < g.gl_pathc; k++)
			found = found || file_has(g.gl_pathv[k], name);
		globfree(&g);
	}
	return found;
}
