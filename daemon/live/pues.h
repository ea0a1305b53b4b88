/* pues: the PUE figures, from their meters in the point table (holder, main thread).
 *
 * The arithmetic is in control/pue.h; here points are bound to its meters. Made anew for each configuration;
 * a figure whose section and devices did not change goes on with the energies that it has gathered.
 */
#pragma once

#include "daemon/control/pue.h"
#include "daemon/live/loops.h"

struct pues;

/* Reads the point table and the heat of loops, which must outlive the figures. NULL without memory. */
struct pues *pues_new(const struct config *c, const struct point_table *table, struct loops *loops);
/* Moves the figures that did not change out of `old`. */
void pues_inherit(struct pues *p, struct pues *old);
void pues_free(struct pues *p);

/* A device has new samples: its energies are counted. */
void pues_feed(struct pues *p, const struct table_device *d);

/* What the figures are to know of their meters' quality. */
void pues_tick(struct pues *p);

/* The figure `i` of the configuration. */
const struct pue *pues_at(const struct pues *p, size_t i);

/* The energies, as an entry for each figure, and back: whether there is still that figure. */
#define PUES_ENTRY "pue"
void pues_save(const struct pues *p, struct bytes_writer *w);
bool pues_load(struct pues *p, struct bytes_entry *e, struct wall_clock *clock);
