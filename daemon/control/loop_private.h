/* loop_private: what the files of a loop's figures share. */
#pragma once

#include "daemon/control/loop.h"

/* Hydraulic power, resistances and what they say of filter and pump. */
void loop_compute_hydraulics(
    const struct loop_model *m, const struct figure in[LOOP_IN_COUNT], struct figure out[LOOP_VALUE_COUNT]);
