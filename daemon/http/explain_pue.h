/* explain_pue: a PUE, taken apart to the readings of its meters (main thread). */
#pragma once

#include "daemon/http/explanation.h"

/* Window `window` of the PUE figure `i` of the configuration. */
void explain_pue_window(struct explanation *e, size_t i, size_t window);

/* Its ratio of powers. */
void explain_pue_ratio(struct explanation *e, size_t i);
