#include "drivers/mqtt/credential.h"

#include "config/ini/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void credential_path(const char *file, const char *beside, char *path, size_t size)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY"), *slash = strrchr(beside, '/');
	path[0] = '\0';
	if (file[0] == '\0')
		return;
	if (file[0] == '/')
		snprintf(path, size, "%s", file);
	else if (credentials)
		snprintf(path, size, "%s/%s", credentials, file);
	if (file[0] != '/' && (path[0] == '\0' || access(path, R_OK) < 0))
		snprintf(path, size, "%.*s%s", slash ? (int)(slash + 1 - beside) : 0, beside, file);
}

const char *credential_fault(const char *path)
{
	struct stat s;
	if (access(path, R_OK) < 0 || stat(path, &s) < 0)
		return errno == ENOENT	 ? "is not there"
		       : errno == EACCES ? "may not be read by this user"
					 : strerror(errno);
	if (S_ISDIR(s.st_mode))
		return "is a folder";
	return S_ISREG(s.st_mode) && s.st_size == 0 ? "is empty" : NULL;
}

int credential_read(const char *file, const char *beside, char *secret, size_t size)
{
	char path[PATH_MAX];
	credential_path(file, beside, path, sizeof(path));
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	if (!f)
		return -errno;
	size_t n = fread(secret, 1, size - 1, f);
	secret[n] = '\0';
	secret[strcspn(secret, "\r\n")] = '\0';
	return 0;
}
