/* port: asks the units of a bus for a tool (mover, blocks its thread).
 *
 * A bus of the configuration is asked through the running coolantd, which holds its port; while none runs,
 * and for a URL, it is asked directly. Only reads exist. What is wrong is said on stderr, once.
 */
#pragma once

#include "daemon/ctl/ctl.h"
#include "drivers/modbus/identification.h"

struct port;

/* `where` is a BUS-OR-URL. NULL with the exit code in `*code`, said. */
struct port *port_open(struct ctl *ctl, const char *where, int *code);
/* Of a bus that nothing else has open, at other settings of its line; `bus` outlives it. NULL without memory.
 */
struct port *port_of_bus(const struct ctl *ctl, const struct bus_config *bus);
void port_close(struct port *p);

/* The bus as it is asked. Of one that is asked through coolantd only the name is told where its configuration
 * cannot be read. */
const struct bus_config *port_bus(const struct port *p);
/* What it was found in; NULL for a URL, or when it cannot be read. */
struct config *port_config(const struct port *p);
/* Whether it is asked through the running coolantd. */
bool port_is_shared(const struct port *p);

/* By which the running coolantd is asked for a shared one. */
const struct ctl *port_ctl(const struct port *p);

/* The results of a link; EXCHANGE_CLOSED when nothing can be asked at all, for the reason port_why. */
enum exchange_result port_ask(struct port *p, const struct modbus_request *q, struct modbus_reply *r);
const char *port_why(const struct port *p);

/* What a unit that has answered says of itself; as identification_ask, and -ENOTSUP for a shared one. */
int port_identify(struct port *p, uint8_t unit, struct identification *ret);

#define PORT_WORDS_MAX 400
/* What a result that is not EXCHANGE_OK says of a question, with what may help. */
void port_words(const struct port *p, const struct modbus_request *q, enum exchange_result result,
    const struct modbus_reply *r, char words[static PORT_WORDS_MAX]);
