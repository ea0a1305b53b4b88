/* trends: the last day of each loop and PUE figure (holder, main thread).
 *
 * The means are in control/trend.h; here they are fed. Only what is good or estimated counts. A PUE of a step
 * is one of energies: the ratios of its ticks, by the IT power of each. Made anew for each configuration;
 * the day of a loop or figure that is still there goes on.
 */
#pragma once

#include "daemon/control/trend.h"
#include "daemon/control/wall_clock.h"
#include "daemon/live/pues.h"

enum trends_kind { TRENDS_LOOP, TRENDS_PUE, TRENDS_KINDS };

struct trends_row {
	const char *word, *entry; /* in topics; of what is saved */
	const char *figures[TREND_FIGURES_MAX];
	unsigned figure_count;
};

extern const struct trends_row trends_rows[TRENDS_KINDS];

struct trends;

/* Looks at figures of the others, which must outlive the trends. NULL without memory. */
struct trends *trends_new(const struct config *c, const struct loops *loops, const struct pues *pues);
void trends_inherit(struct trends *t, const struct trends *old);
void trends_free(struct trends *t);

/* Takes the figures as of the last tick; nothing while the clock is behind. Whether a step has ended. */
bool trends_tick(struct trends *t, const struct wall_clock *clock, int64_t now_ns, int64_t offset_ns);

/* Of the configuration, in its order. */
size_t trends_count(const struct trends *t, enum trends_kind kind);
const char *trends_name(const struct trends *t, enum trends_kind kind, size_t i);
const struct trend *trends_at(const struct trends *t, enum trends_kind kind, size_t i);

/* When their newest whole step ended, UTC; 0 = none has begun. */
int64_t trends_end_ms(const struct trends *t);

/* The days, as an entry for each, and back: whether there is still that loop or figure. */
void trends_save(const struct trends *t, struct bytes_writer *w);
bool trends_load(struct trends *t, struct bytes_entry *e, struct wall_clock *clock);
