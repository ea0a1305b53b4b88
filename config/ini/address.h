/* address: an IP address with a port, as text (pure). */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

/* Whether it is an IP address in numbers, IPv6 without brackets. */
bool address_is_ip(const char *text);

/* 127.0.0.1:9109 or [::1]:9109, the port from 1 on: 0, or -EINVAL. */
int address_parse(const char *text, struct sockaddr_storage *ret);
