/* explain_meter: the energy of one meter of a PUE's window, from its readings (main thread). */
#pragma once

#include "daemon/http/explanation.h"

struct explain_window {
	const struct pue *pue;
	const struct pue_config *config;
	size_t window;
	struct pue_window sums;
	int64_t known_s; /* with energies of all needed meters */
};

/* Its lines and an item of the list that is open. Returns what it has in the window, in what its role
 * is told (pue_role_unit); NAN when its readings are not kept. */
double explain_meter(struct explanation *e, const struct explain_window *w, size_t meter);
