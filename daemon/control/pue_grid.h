/* pue_grid: the energies of all meters of a PUE on one time grid, and in its windows (holder).
 *
 * Each meter's energy is on the grid (meter.h). A cell goes into the windows when every needed meter has it,
 * so that the sums always belong to the same time. What a meter keeps waiting for is passed on after a while
 * and waits for it (pue_waiting.h): a meter that comes back brings its own energy, at whatever time the
 * others do. A step of the clock moves nothing that is in the windows.
 */
#pragma once

#include "daemon/control/pue_sink.h"
#include "daemon/control/pue_trace.h"
#include "daemon/control/pue_waiting.h"

/* A difference of the clocks beyond this is a step, not jitter of reading them. */
#define PUE_CLOCK_STEP_NS (100 * NS_PER_MS)

struct grid_meter {
	enum pue_role role;
	struct meter meter;
	double millijoules; /* counted of late: its share of what its role has counted */
};

struct pue_grid {
	struct grid_meter *meters;
	size_t meter_count;
	struct pue_ring windows[CONFIG_PUE_WINDOWS_MAX];
	size_t window_count;
	bool has_role[PUE_ROLE_COUNT];
	int64_t step_s, cell_count;
	double fade; /* of what was counted so far, with each cell */
	int64_t offset_ns;
	int64_t stepped_at_ns; /* boottime of the first reading with that offset */
	bool started;
	struct wall_clock *restored; /* by it a saved state was taken up, and nothing was folded since */
	int64_t saved_ns;	     /* UTC up to which that knows something */
	int64_t next_cell;	     /* first that is not folded into the windows */
	int64_t folded_s;	     /* UTC up to which of that was, when the grid was another one */
	int64_t resumed_cell;	     /* in which polling went on after it had stood still; 0 = it never did */
	struct pue_waiting waiting;
	struct pue_sink sink;
	struct pue_trace *trace;  /* NULL = not kept */
	struct meter_cell *parts; /* room for what each meter has of the cells that are folded */
};

/* Without meters and windows yet, which are added; `slowest_ns` is the longest interval of a meter. False
 * without memory. */
bool pue_grid_init(struct pue_grid *g, size_t meter_count, int64_t slowest_ns);
bool pue_grid_add_meter(struct pue_grid *g, enum pue_role role, const struct meter_type *type);
bool pue_grid_add_window(struct pue_grid *g, int64_t seconds);
/* When all are added: keeps from which readings their energies are, in so much
 * memory. */
void pue_grid_trace(struct pue_grid *g, size_t bytes);
void pue_grid_deinit(struct pue_grid *g);

/* Whether the PUE itself needs the meter. */
bool pue_grid_needs(const struct pue_grid *g, const struct grid_meter *m);

/* See pue_read. */
struct counter_step pue_grid_read(
    struct pue_grid *g, size_t i, const struct meter_reading *r, int64_t offset_ns);

/* UTC up to which cells are in the windows, or wait for them. */
int64_t pue_grid_end(const struct pue_grid *g);

/* The boottime of the end of the windows. */
int64_t pue_grid_time(const struct pue_grid *g);

void pue_grid_save(const struct pue_grid *g, struct bytes_writer *w);
/* The reader is bad when the bytes are of something else. */
void pue_grid_load(struct pue_grid *g, struct bytes_reader *r, struct wall_clock *clock);
