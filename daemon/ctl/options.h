/* options: a command line, read by the table of commands (pure, but for what it says). */
#pragma once

#include "daemon/ctl/ctl.h"

/* What else than a command may be asked for. */
enum options_ask { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION };

/* Reads argv into `c`, whose arena is set. CTL_GOOD, or the exit code of what was said. For OPTIONS_HELP the
 * command is NULL when all are meant. */
int options_read(struct ctl *c, int argc, const char *const *argv, enum options_ask *ask);
