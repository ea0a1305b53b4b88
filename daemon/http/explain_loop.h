/* explain_loop: a figure of a coolant loop, taken apart to its readings (main thread). */
#pragma once

#include "daemon/http/explanation.h"

/* Figure `v` of loop `i` of the configuration, as of its newest readings. */
void explain_loop(struct explanation *e, size_t i, enum loop_value v);

/* Its lines alone, for what looks at it: formula, readings and numbers. */
void explain_loop_lines(struct explanation *e, size_t i, enum loop_value v);

/* Figure `v` of group `i`. */
void explain_group(struct explanation *e, size_t i, enum group_value v);
