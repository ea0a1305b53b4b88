/* pue_private: what the files of the PUE figure share (holder). */
#pragma once

#include "daemon/control/pue.h"

struct bucket {
	int64_t key; /* UTC seconds / bucket length */
	int64_t millijoules[PUE_ROLE_COUNT];
	int32_t known, good; /* cells */
	int32_t role_known[PUE_ROLE_COUNT];
};

struct window {
	int64_t seconds, bucket_s;
	struct bucket *ring;
	int64_t bucket_count; /* in the window; the ring has one more, for the running one */
};

struct entry {
	enum pue_role role;
	char *name;
	struct meter meter;
	enum quality power, energy;
	double joules;	  /* counted so far: its share of what its role has counted */
	char reason[128]; /* while a quality has no value: which meter and why */
};

struct pue {
	struct entry *entries;
	size_t entry_count;
	struct window windows[CONFIG_PUE_WINDOWS_MAX];
	size_t window_count;
	bool has_role[PUE_ROLE_COUNT];
	int64_t step_s, cell_count;
	int64_t offset_ns;
	bool started;
	bool restored;	   /* nothing was folded since a saved state was taken up */
	bool clock_behind; /* and its UTC is still ahead of the clock: nothing is counted */
	int64_t loaded_ns;
	int64_t next_cell;    /* first that is not folded into the windows */
	int64_t resumed_cell; /* in which polling went on after it had stood still; 0 = it never did */
};

/* Whether the PUE itself needs the meters of a role. */
bool pue_needs(const struct pue *p, enum pue_role r);

/* E_total of these energies. */
double pue_total(const struct pue *p, const double joules[PUE_ROLE_COUNT]);

/* The additive form of a window whose energies by role are there. */
void pue_add_up_parts(const struct pue *p, double total, struct pue_window *out);

/* Uncertainty (k = 2) of the ratio of these energies; NAN when a meter that it needs has no accuracy class.
 */
double pue_uncertainty(const struct pue *p, const double joules[PUE_ROLE_COUNT]);
