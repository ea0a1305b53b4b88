#include "daemon/http/host.h"

#include "config/ini/address.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

bool host_is_ours(const char *host, const char *own)
{
	char name[HOST_NAME_MAX + 1];
	if (!host)
		return true;
	bool bracketed = *host == '[';
	size_t n = strcspn(host + bracketed, bracketed ? "]" : ":");
	const char *rest = host + bracketed + n;
	if (n >= sizeof(name) || (bracketed && *rest++ != ']'))
		return false;
	if (*rest != '\0' && (*rest != ':' || rest[1 + strspn(rest + 1, "0123456789")] != '\0'))
		return false;
	memcpy(name, host + bracketed, n);
	name[n] = '\0';
	return address_is_ip(name) ? bracketed == (strchr(name, ':') != NULL)
				   : !bracketed && *name &&
					 (strcasecmp(name, "localhost") == 0 || strcasecmp(name, own) == 0);
}
