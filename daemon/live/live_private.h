/* live_private: the parts of the control loop (holder, main thread). */
#pragma once

#include "daemon/live/live.h"

/* PUE figures and their meters. */
bool live_pue_init(struct live_pue *out, const struct config *c, const struct pue_config *pc);
void live_pue_deinit(struct live_pue *p);
struct live_pue *live_pue_find(struct live *old, const struct live_pue *new);
void live_pue_feed(struct live_pue *p, const struct point_table *t, const struct table_device *d);
void live_pue_tell(struct live_pue *p, const struct point_table *t);

/* Coolant loops and their sensors. */
bool live_loop_init(struct live_loop *l, const struct loop_config *c);
void live_loop_deinit(struct live_loop *l);
void live_loop_inherit(struct live_loop *l, struct live *old);
void live_loop_tick(struct live_loop *l, struct point_table *t);
void live_loop_save(const struct live_loop *l, struct bytes_writer *w);
/* Whether there was something that the loop had learned. */
bool live_loop_load(struct live_loop *l, struct bytes_reader *r);
