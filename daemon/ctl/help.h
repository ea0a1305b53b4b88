/* help: what --help prints, from the table of commands (pure). */
#pragma once

#include "daemon/ctl/command.h"

/* Of one command, or of all when it is NULL, on stdout. */
void help_print(const struct command *c);
