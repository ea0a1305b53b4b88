/* serial: a serial port, taken for oneself (mover).
 *
 * Two programs on one port each get a part of the replies, and of the other's too. So the port is locked
 * before anything of it is changed: with flock, as serial programs do, and with TIOCEXCL against those that
 * do not ask.
 */
#pragma once

#include "config/config.h"

/* An open port with the bus's settings; `*rs485_refused` says that it has no RS-485 mode though the bus asks
 * for one. Or negative errno: -EBUSY when another program has it. */
int serial_open(const struct bus_config *bus, bool *rs485_refused);
void serial_close(int fd);
