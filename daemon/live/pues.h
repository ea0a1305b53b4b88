/* pues: the PUE figures, from their meters in the point table (holder, main thread).
 *
 * The arithmetic is in control/pue.h; here points are bound to its meters. Made anew for each configuration;
 * a figure whose meters mean the same goes on with the energies that it has gathered.
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

/* Who is told of each energy that is counted (pue.h), and of what was corrected at a meter (SIZE_MAX: at
 * all of them), in a word and in a text. It stays with the figures that are moved in. */
struct pues_watcher {
	struct pue_sink energy;
	void (*corrected)(
	    void *user, size_t pue, size_t meter, int64_t time_ms, const char *kind, const char *text);
};

void pues_watch(struct pues *p, const struct pues_watcher *to);

/* A device has new samples: its energies are counted. */
void pues_feed(struct pues *p, const struct table_device *d);

/* What the figures are to know of their meters' quality. */
void pues_tick(struct pues *p);

/* The figure `i` of the configuration. */
const struct pue *pues_at(const struct pues *p, size_t i);

/* The energies, as an entry for each figure, and back: whether there is still that figure. */
#define PUES_ENTRY "pue"
void pues_save(const struct pues *p, struct bytes_writer *w);
/* From which readings they are, likewise; to be taken back behind the figures. Of many only the first ones.
 */
#define PUES_TRACE_ENTRY "pue_trace"
#define PUES_TRACES_BYTES_MAX ((size_t)8 << 20)
void pues_save_traces(const struct pues *p, struct bytes_writer *w);
void pues_load_trace(struct pues *p, struct bytes_entry *e);
bool pues_load(struct pues *p, struct bytes_entry *e, struct wall_clock *clock);
