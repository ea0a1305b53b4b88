/* check: what is said of a configuration that is good (pure). */
#pragma once

#include "config/config.h"

/* A line each: the load of each serial bus, with a warning behind it when the line cannot carry it, and at
 * the end what there is. */
void check_say(
    const struct config *c, void (*say)(bool is_warning, const char *text, void *user), void *user);
