/* service: what systemd is told (mover, main thread). Without systemd every call does nothing. */
#pragma once

#include <stdint.h>

void service_ready(void);
void service_reloading(void);
void service_stopping(void);
/* One line for `systemctl status`. */
void service_status(const char *text);
void service_watchdog(void);
/* How often the watchdog wants to be fed at the least, in nanoseconds; 0 = there is none. */
int64_t service_watchdog_interval(void);
