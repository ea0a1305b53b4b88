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

/* RFC 7468, 2: somewhere in the file, after any text. */
static bool has_pem(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[256];
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "-----BEGIN ", strlen("-----BEGIN ")) == 0)
			return true;
	return false;
}

const char *credential_fault(const char *path, bool is_pem)
{
	struct stat s;
	if (access(path, R_OK) < 0 || stat(path, &s) < 0)
		return errno == ENOENT	 ? "is not there"
		       : errno == EACCES ? "may not be read by this user"
					 : strerror(errno);
	if (S_ISDIR(s.st_mode))
		return "is a folder";
	if (!S_ISREG(s.st_mode))
		return NULL;
	if (s.st_size == 0)
		return "is empty";
	return is_pem && !has_pem(path) ? "is no PEM file (allowed: text with -----BEGIN …)" : NULL;
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
