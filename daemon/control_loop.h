/* control_loop: heat, PUE and alarms of a configuration, fed from the point table (holder, main thread).
 *
 * The arithmetic is in control/; here points are bound to its inputs. Made anew for each configuration; PUE
 * figures and alarms whose section and devices did not change go on with what they have gathered.
 */
#pragma once

#include "alarm.h"
#include "loop.h"
#include "point_source.h"
#include "pue.h"

struct control_pue {
	const struct pue_config *config;
	struct pue *pue;
	uint64_t fingerprint;
	struct control_meter *meters;
	size_t meter_count;
};

struct control_coolant {
	const struct loop_config *config;
	struct loop_model model;
	uint64_t fingerprint; /* of what a learned reference depends on */
	struct input inputs[LOOP_IN_COUNT];
	struct figure now[LOOP_IN_COUNT];
	struct figure figures[LOOP_VALUE_COUNT];
};

struct control_loop {
	struct config *config; /* a reference */
	struct control_coolant *loops;
	struct control_pue *pues;
	struct alarm *alarms;
	struct input *alarm_inputs; /* of those that look at points */
	size_t *order;		    /* of the alarms: what explains others comes before them */
};

struct control_loop *control_loop_new(struct config *c); /* NULL without memory */
/* Moves the PUE figures, alarms and learned references that did not change out of `old`. */
void control_loop_inherit(struct control_loop *l, struct control_loop *old);
void control_loop_free(struct control_loop *l);

/* What must outlive a restart: the PUE figures' energies, the loops' references, the alarms' states. Loading
 * takes what is of the same section and devices and leaves out the rest. 0, or -EBADMSG when the bytes are
 * none of ours. */
void control_loop_save(const struct control_loop *l, int64_t offset_ns, struct state_writer *w);

struct control_loaded {
	size_t taken;					  /* figures, references and alarms */
	void (*alarm_gone)(const char *name, void *user); /* one call for each that is configured no more */
	void *user;
};

int control_loop_load(struct control_loop *l, struct state_reader *r, const struct state_clock *clock,
    struct control_loaded *ret);

/* A device has new samples: its energies are counted. */
void control_loop_feed(struct control_loop *l, const struct point_table *t, const struct table_device *d);

/* Computes the loops and what the PUE figures know of their meters. */
void control_loop_tick(struct control_loop *l, struct point_table *t);

/* Judges alarms; `changed` is called for each whose state changed. JUDGE_POINTS leaves out those on figures,
 * which only change with a tick. */
enum judged { JUDGE_ALL, JUDGE_POINTS };
void control_loop_judge(struct control_loop *l, struct point_table *t, enum judged which, int64_t now_ns,
    int64_t utc_ms, void (*changed)(const struct alarm *a, void *user), void *user);

struct control_coolant *control_loop_find(struct control_loop *l, const char *name); /* NULL = none */

/* Takes the loop's state now as that of the clean filter and the new pump. NULL, or why it cannot. */
const char *control_coolant_learn(struct control_coolant *l);
