#include "drivers/mqtt/credential.h"

#include "config/ini/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

void credential_path(const char *file, const char *beside, char *path, size_t size)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY"), *slash = strrchr(beside, '/');
	path[0] = '\0';
	if (file[0] == '/')
		snprintf(path, size, "%s", file);
	else if (credentials)
		snprintf(path, size, "%s/%s", credentials, file);
	if (file[0] != '/' && (path[0] == '\0' || access(path, R_OK) < 0))
		snprintf(path, size, "%.*s%s", slash ? (int)(slash + 1 - beside) : 0, beside, file);
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
