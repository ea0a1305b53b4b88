/* read: coolantctl read, one question to a device and what its answer may mean (mover). */
#pragma once

#include "daemon/ctl/ctl.h"

/* `argv[0]` is the command. Returns the exit code. */
int ctl_read(const struct ctl *ctl, int argc, char **argv);
