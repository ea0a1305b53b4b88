/* bus_url: a bus, and what is asked on it, as an operator writes it (pure, but for a look at which device a
 * port is).
 *
 *   tcp://HOST[:PORT]     Modbus TCP; the port is 502 unless told
 *   rtutcp://HOST:PORT    RTU frames through a TCP serial server
 *   rtu:///dev/ttyUSB0    a serial port
 *
 * An IPv6 address stands in brackets. Behind a question mark any key of a [bus:NAME] section may follow, as
 * in rtu:///dev/ttyUSB0?baud=9600&parity=none&response_timeout=1s; what is wrong with it is said as it would
 * be of the section.
 */
#pragma once

#include "config/config.h"

/* Whether it is meant to be a URL and not the name of a bus. */
bool bus_url_is(const char *text);

/* The bus in `a`, its name the URL; NULL with at least one finding in `d`. */
struct bus_config *bus_url_parse(const char *url, struct arena *a, struct diag *d);

/* What a configuration says for it: the lines of its [bus:NAME] section below the title. */
char *bus_url_section(const struct bus_config *bus, struct arena *a);

#define REGISTER_WHY_MAX 240

/* TYPE:ADDR as in holding:100 or input:0x10. 0, or -EINVAL with `why`, in words, what is allowed; a number of
 * the kind that manuals print (40001) is taken for none, and the one to write is said. */
int register_parse(const char *text, struct point_register *ret, char why[static REGISTER_WHY_MAX]);
