/* broker_return: sees when an earlier broker of the list is back (mover, main thread).
 *
 * While a later one serves us, the earlier ones are tried by a connection of its own, with the same settings
 * and a client id with "-probe" behind it: only a broker that takes us counts as back.
 */
#pragma once

#include "daemon/broker/connection.h"

#include <systemd/sd-event.h>

#define BROKER_RETURN_INTERVAL_S 60

struct broker_return;

/* Begins to try the first `broker_count` brokers of a connection's; `back` is called once, when one has taken
 * us and was left again. NULL with errno. */
struct broker_return *broker_return_new(sd_event *event, const struct connection_settings *s,
    size_t broker_count, void (*back)(void *user), void *user);
/* Not from within `back`. Does not wait: a probe that hangs in a name look-up is left to itself. */
void broker_return_free(struct broker_return *b);
