/* tcp: Modbus over TCP, and the socket that serial lines behind a TCP server share with it (mover, one
 * thread). */
#pragma once

#include "drivers/modbus/link.h"

/* A connected, non-blocking socket to the bus's host and port, or negative errno with `why` as by
 * modbus_link_connect. */
int modbus_tcp_socket(struct modbus_link *l, char why[static MODBUS_WHY_MAX]);
