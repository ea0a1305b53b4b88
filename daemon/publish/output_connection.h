/* output_connection: the connections that there are, for different listeners (pure). */
#pragma once

#include "config/config.h"

/* A format says on which one it speaks; OUTPUT_MAIN is always there. */
enum output_connection { OUTPUT_MAIN, OUTPUT_SPARKPLUG, OUTPUT_DSX, OUTPUT_CONNECTIONS };

/* The section that a connection is configured in, for who tells of it. */
const char *output_connection_word(enum output_connection which);
/* NULL = that connection is not asked for. */
const struct connection_config *output_connection_of(const struct config *c, enum output_connection which);
