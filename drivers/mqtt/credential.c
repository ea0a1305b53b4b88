#include "drivers/mqtt/credential.h"

#include "config/ini/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

int credential_read(const char *file, const char *beside, char *secret, size_t size)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY"), *slash = strrchr(beside, '/');
	char path[PATH_MAX] = "";
	if (file[0] == '/')
		snprintf(path, sizeof(path), "%s", file);
	else if (credentials)
		snprintf(path, sizeof(path), "%s/%s", credentials, file);
	if (file[0] != '/' && (path[0] == '\0' || access(path, R_OK) < 0))
		snprintf(path, sizeof(path), "%.*s%s", slash ? (int)(slash + 1 - beside) : 0, beside, file);

	_cleanup_fclose_ FILE *f = fopen(path, "re");
	if (!f)
		return -errno;
	size_t n = fread(secret, 1, size - 1, f);
	secret[n] = '\0';
	secret[strcspn(secret, "\r\n")] = '\0';
	return 0;
}
