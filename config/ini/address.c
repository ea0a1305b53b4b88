#include "config/ini/address.h"

#include "config/ini/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

bool address_is_ip(const char *text)
{
	struct in6_addr ip;
	return inet_pton(AF_INET, text, &ip) == 1 || inet_pton(AF_INET6, text, &ip) == 1;
}

int address_parse(const char *text, struct sockaddr_storage *ret)
{
	char host[INET6_ADDRSTRLEN + 2];
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : sizeof(host);
	int64_t port;
	if (n >= sizeof(host) || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    text_int(colon + 1, &port) < 0 || port < 1 || port > 65535)
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	*ret = (struct sockaddr_storage){ 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return 0;
	}
	if (n < 2 || host[0] != '[' || host[n - 1] != ']')
		return -EINVAL;
	host[n - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &v6->sin6_addr) != 1)
		return -EINVAL;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	return 0;
}
