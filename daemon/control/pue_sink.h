/* pue_sink: who is told of the energies of a PUE (pure).
 *
 * Each is told once, when it is counted: that of a meter, and that of all where the PUE has all that it
 * needs, as it goes into the windows. Cells are of a second, since the Unix epoch, and may be of any time
 * that is past.
 */
#pragma once

#include "daemon/control/meter.h"
#include "daemon/control/pue_ring.h"

struct pue_sink {
	void (*meter)(void *user, size_t pue, size_t meter, int64_t cell, int64_t count,
	    const struct meter_cell *energy);				      /* or NULL */
	void (*cells)(void *user, size_t pue, const struct pue_cells *cells); /* or NULL */
	void *user;
	size_t pue; /* which it is, for the user */
};
