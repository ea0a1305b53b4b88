/* ctl: what each command of coolantctl gets (no I/O but a look at its stop_fd). */
#pragma once

#include <stdbool.h>

/* Exit codes beside EXIT_SUCCESS, EXIT_FAILURE and EX_CONFIG. */
#define CTL_USAGE 2

struct ctl {
	const char *socket; /* of the running coolantd */
	const char *config; /* what is read offline */
	bool json;
	int stop_fd; /* readable when the user wants it to end */
};

bool ctl_is_stopped(const struct ctl *ctl);
