/* control_loop_private: the parts of the control loop (holder, main thread). */
#pragma once

#include "control_loop.h"

/* PUE figures and their meters. */
bool control_pue_init(struct control_pue *out, const struct config *c, const struct pue_config *pc);
void control_pue_deinit(struct control_pue *p);
struct control_pue *control_pue_find(struct control_loop *old, const struct control_pue *new);
void control_pue_feed(struct control_pue *p, const struct point_table *t, const struct table_device *d);
void control_pue_tell(struct control_pue *p, const struct point_table *t);

/* Coolant loops and their sensors. */
bool control_coolant_init(struct control_coolant *l, const struct loop_config *c);
void control_coolant_deinit(struct control_coolant *l);
void control_coolant_inherit(struct control_coolant *l, struct control_loop *old);
void control_coolant_tick(struct control_coolant *l, struct point_table *t);
void control_coolant_save(const struct control_coolant *l, struct state_writer *w);
/* Whether there was something that the loop had learned. */
bool control_coolant_load(struct control_coolant *l, struct state_reader *r);
