/* pue_trace: from which readings the energies of a PUE's windows are (holder).
 *
 * For who wants to compute a window again by hand: what each meter has of each bucket of a window, its
 * counter at the edges of buckets with the readings around them, and what was not simply counted (wraps,
 * resets, gaps, steps of the clock). Nothing of it goes into a figure.
 */
#pragma once

#include "daemon/control/meter.h"
#include "daemon/control/pue_ring.h"

/* The most that one takes, unless less is allowed: windows are kept as long as they fit. */
#define PUE_TRACE_BYTES_MAX ((size_t)4 << 20)
#define PUE_TRACE_JUMPS_MAX 256

/* A counter at the edge of a bucket. Energies are its readings times its unit. */
struct trace_mark {
	uint32_t key;		   /* the edge is at UTC seconds key * bucket length; 0 = none */
	int32_t from_ms, until_ms; /* the readings before and after, from the edge on */
	double from, until, at;	   /* joules */
};

/* All meters of a window. */
struct trace_window {
	int64_t bucket_s, bucket_count, mark_count;
	uint32_t *keys;		  /* of the buckets */
	int64_t *millijoules;	  /* [meter][bucket] */
	struct trace_mark *marks; /* [meter][mark] */
};

struct pue_trace {
	size_t meter_count, window_count; /* of windows that are kept, the first ones */
	struct trace_window windows[CONFIG_PUE_WINDOWS_MAX];
	struct meter_jump jumps[PUE_TRACE_JUMPS_MAX]; /* a ring */
	size_t jump_meters[PUE_TRACE_JUMPS_MAX];
	size_t jump_count; /* ever */
};

/* NULL without memory: then nothing is kept. `ahead_s` is how far a meter may be ahead of the others; `bytes`
 * of memory may be taken. */
struct pue_trace *pue_trace_new(
    size_t meter_count, const struct pue_ring *windows, size_t window_count, int64_t ahead_s, size_t bytes);
void pue_trace_free(struct pue_trace *t);

/* What each meter has of cells that went into the windows; they end at cell `until`. */
void pue_trace_add(
    struct pue_trace *t, const struct pue_cells *cells, const struct meter_cell *parts, int64_t until);

/* As struct meter_watch has them; `user` is the trace. */
void pue_trace_piece(void *user, size_t meter, const struct meter_piece *p);
void pue_trace_jump(void *user, size_t meter, const struct meter_jump *j);

/* All of it as bytes, and back into one of the same meters; windows that it does not have are left out. */
void pue_trace_save(const struct pue_trace *t, struct bytes_writer *w);
void pue_trace_load(struct pue_trace *t, struct bytes_reader *r);

/* What a meter has of the whole buckets from `from_ms` to before `until_ms`, in joules. */
double pue_trace_joules(
    const struct pue_trace *t, size_t window, size_t meter, int64_t from_ms, int64_t until_ms);

/* Its counter at that edge; NULL = not known. */
const struct trace_mark *pue_trace_mark(
    const struct pue_trace *t, size_t window, size_t meter, int64_t at_ms);

/* Before so many ms UTC there were jumps that are forgotten; 0 = none are. */
int64_t pue_trace_since_ms(const struct pue_trace *t);

/* The jump of a meter that is the next behind `before` in the order in which they came; NULL = the first, and
 * as the answer: there are no more. */
const struct meter_jump *pue_trace_next(
    const struct pue_trace *t, size_t meter, const struct meter_jump *before);
