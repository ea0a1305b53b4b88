/* pue_ring: the energies of a PUE's window by role, in buckets aligned to UTC (holder).
 *
 * A window slides by its buckets, of which it has at least 48. What is added belongs to cells of a second,
 * which are counted from the Unix epoch, whatever the common time grid is.
 */
#pragma once

#include "config/config.h"
#include "daemon/control/bytes.h"

/* What some seconds have for all meters together. */
struct pue_cells {
	int64_t cell, count; /* the first and how many */
	int64_t millijoules[PUE_ROLE_COUNT];
	bool known[PUE_ROLE_COUNT], good;
	int64_t suspect;    /* millijoules of needed meters whose power was negative */
	bool is_supplement; /* the time was added before: only energies of roles that are known now */
};

struct pue_bucket {
	int64_t key; /* UTC seconds / bucket length */
	int64_t suspect;
	int32_t known, good; /* cells */
};

/* What a role has in a bucket. */
struct pue_share {
	int64_t millijoules, known;
};

struct pue_ring {
	int64_t seconds, bucket_s;
	struct pue_bucket *buckets;
	int64_t bucket_count; /* in the window; there is one more, for the running one */
	unsigned roles[PUE_ROLE_COUNT], role_count;
	struct pue_share *shares; /* of each bucket, of those roles */
};

/* What a window has in all. */
struct pue_energies {
	int64_t start_s, end_s; /* UTC */
	double joules[PUE_ROLE_COUNT], suspect_joules;
	int64_t known, good; /* cells; one that is there twice, after a step back, counts once */
	int64_t role_known[PUE_ROLE_COUNT];
};

/* False without memory. Other roles than those have no energy. */
bool pue_ring_init(struct pue_ring *r, int64_t seconds, const bool has_role[PUE_ROLE_COUNT]);
void pue_ring_deinit(struct pue_ring *r);

/* Evenly, to the buckets that they belong to, as far as the window that ends at a cell still has them. */
void pue_ring_add(struct pue_ring *r, const struct pue_cells *c, int64_t until);

/* The cell from `cell` on, up to which cells may be added together, when the window will end at `until`. */
int64_t pue_ring_edge(const struct pue_ring *r, int64_t cell, int64_t until);

/* The whole buckets of the window that ends at a cell. */
struct pue_energies pue_ring_sum(const struct pue_ring *r, int64_t until);

void pue_ring_save(const struct pue_ring *r, struct bytes_writer *w);
/* What stands behind the window's length; `layout` as in counter.h, before which cells were of `step_s`. */
void pue_ring_load(struct pue_ring *r, int layout, int64_t step_s, struct bytes_reader *from);
/* Whether its buckets can be filled with those of another, and that. */
bool pue_ring_can_take(const struct pue_ring *r, const struct pue_ring *from);
void pue_ring_take(struct pue_ring *r, const struct pue_ring *from, int64_t until);
