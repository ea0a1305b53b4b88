/* live: heat, PUE and alarms of a configuration, fed from the point table (holder, main thread).
 *
 * The arithmetic is in control/; here points are bound to its inputs. Made anew for each configuration; PUE
 * figures and alarms whose section and devices did not change go on with what they have gathered.
 */
#pragma once

#include "daemon/control/alarm.h"
#include "daemon/control/loop.h"
#include "daemon/control/pue.h"
#include "daemon/live/input.h"

struct live_pue {
	const struct pue_config *config;
	struct pue *pue;
	struct live_meter *meters;
	size_t meter_count;
};

struct live_loop {
	const struct loop_config *config;
	struct loop_model model;
	struct input inputs[LOOP_IN_COUNT];
	struct figure now[LOOP_IN_COUNT];
	struct figure figures[LOOP_VALUE_COUNT];
};

struct live {
	struct config *config; /* a reference */
	struct live_loop *loops;
	struct live_pue *pues;
	struct alarm *alarms;
	struct input *alarm_inputs; /* of those that look at points */
	size_t *order;		    /* of the alarms: what explains others comes before them */
};

struct live *live_new(struct config *c); /* NULL without memory */
/* Moves the PUE figures, alarms and learned references that did not change out of `old`. */
void live_inherit(struct live *l, struct live *old);
void live_free(struct live *l);

/* What must outlive a restart: the PUE figures' energies, the loops' references, the alarms' states. Loading
 * takes what is of the same section and devices and leaves out the rest. 0, or -EBADMSG when the bytes are
 * none of ours. */
void live_save(const struct live *l, int64_t offset_ns, struct bytes_writer *w);

struct live_loaded {
	size_t taken;					  /* figures, references and alarms */
	void (*alarm_gone)(const char *name, void *user); /* one call for each that is configured no more */
	void *user;
};

int live_load(
    struct live *l, struct bytes_reader *r, const struct wall_clock *clock, struct live_loaded *ret);

/* A device has new samples: its energies are counted. */
void live_feed(struct live *l, const struct point_table *t, const struct table_device *d);

/* Computes the loops and what the PUE figures know of their meters. */
void live_tick(struct live *l, struct point_table *t);

/* Judges alarms; `changed` is called for each whose state changed. JUDGE_POINTS leaves out those on figures,
 * which only change with a tick. */
enum judged { JUDGE_ALL, JUDGE_POINTS };
void live_judge(struct live *l, struct point_table *t, enum judged which, int64_t now_ns, int64_t utc_ms,
    void (*changed)(const struct alarm *a, void *user), void *user);

struct live_loop *live_loop_find(struct live *l, const char *name); /* NULL = none */

/* Takes the loop's state now as that of the clean filter and the new pump. NULL, or why it cannot. */
const char *live_loop_learn(struct live_loop *l);
