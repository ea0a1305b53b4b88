/* questions: what operators ask of a bus, and what comes back (mover, main thread).
 *
 * Answers come from the bus workers through an inbox of their own.
 */
#pragma once

#include "daemon/buses.h"

#include <systemd/sd-event.h>

struct questions;

/* NULL without memory, or errno of the event loop. `buses` may be gone when questions_free is called. */
struct questions *questions_new(sd_event *event, struct buses *buses);
/* When no worker runs any more: what was not answered ends. */
void questions_free(struct questions *q);

/* As struct api has them; `user` is the questions. */
void questions_read(void *user, size_t bus, struct raw_read *r);
char *questions_capture(void *user, size_t bus, uint64_t from, uint64_t *next);
