/* scan: coolantctl scan, the units of a bus and the sections of a configuration for them (mover). */
#pragma once

#include "daemon/ctl/ctl.h"

/* `argv[0]` is the command. Returns the exit code. */
int ctl_scan(const struct ctl *ctl, int argc, char **argv);
