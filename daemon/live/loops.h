/* loops: heat and hydraulics of the coolant loops, from their sensors in the point table (holder, main
 * thread).
 *
 * The arithmetic is in control/loop.h; here points are bound to its inputs. Made anew for each configuration;
 * what a loop has learned goes on as long as it is measured at the same points.
 */
#pragma once

#include "daemon/control/bytes.h"
#include "daemon/control/loop.h"
#include "daemon/control/makeup.h"
#include "daemon/live/point_table.h"

struct loops;

/* Reads the point table and marks there the sensors that deviate; it must outlive the loops. NULL without
 * memory. */
struct loops *loops_new(const struct config *c, struct point_table *table);
void loops_inherit(struct loops *l, struct loops *old);
void loops_free(struct loops *l);

/* Computes all figures from what the table has now. */
void loops_tick(struct loops *l);

/* The heat of loop `i` in kW as of its newest readings, for who adds it up. */
struct figure loops_heat(struct loops *l, size_t i);

/* What a loop comes to as of its newest readings, for who takes it apart. */
struct loop_look {
	const struct loop_model *model;
	const struct makeup *makeup;	     /* NULL = what is topped up is not measured */
	struct figure inputs[LOOP_IN_COUNT]; /* as loop_compute takes them */
	struct figure figures[LOOP_VALUE_COUNT];
};

void loops_look(struct loops *l, size_t i, struct loop_look *ret);

/* The LOOP_VALUE_COUNT figures of loop `i` of the configuration, as of the last tick. */
const struct figure *loops_figures(const struct loops *l, size_t i);

/* Whether its IT power is known to be none. */
bool loops_is_idle(const struct loops *l, size_t i);

/* Whether something is known of each of its sensors for flow and temperatures: a reading, that there is none,
 * or that it is out of service. */
bool loops_is_heard(const struct loops *l, size_t i);

/* Takes the state of loop `i` at the last tick as that of the clean filter and the new pump: NULL and what
 * was learned, or why it cannot. */
const char *loops_learn(struct loops *l, size_t i, struct loop_reference *ret);

/* What was learned, as an entry for each loop, and back: whether there is still that loop, and it had learned
 * something. */
#define LOOPS_ENTRY "loop"
void loops_save(const struct loops *l, struct bytes_writer *w);
bool loops_load(struct loops *l, struct bytes_entry *e);

/* What was topped up in the last day, alike. */
#define LOOPS_MAKEUP_ENTRY "makeup"
void loops_save_makeup(const struct loops *l, int64_t offset_ns, struct bytes_writer *w);
bool loops_load_makeup(struct loops *l, struct bytes_entry *e, const struct wall_clock *clock);
