/* hydraulics: what flow and differential pressure say of a loop, its filter and its pump (pure).
 *
 * Formulas and units: loop.h, of which this is a part.
 */
#pragma once

#include "daemon/control/figure.h"

/* Hydraulic power, resistances and what they say of filter and pump, into `out`. */
void hydraulics_compute(
    const struct loop_model *m, const struct figure in[LOOP_IN_COUNT], struct figure out[LOOP_VALUE_COUNT]);

/* Takes the present state as that of the clean filter and the new pump. Returns NULL, or why it cannot; what
 * the loop has no sensors for stays NAN. */
const char *hydraulics_learn(const struct figure inputs[LOOP_IN_COUNT], struct loop_reference *ret);
