/* profiles: coolantctl profiles, what device profiles there are and whether one is good (mover). */
#pragma once

#include "daemon/ctl/ctl.h"

/* `argv[0]` is the command. Returns the exit code. */
int ctl_profiles(const struct ctl *ctl, int argc, char **argv);
