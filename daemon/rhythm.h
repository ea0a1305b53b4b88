/* rhythm: something that is done again and again at a fixed interval (mover, main thread).
 *
 * A slot that has passed is left out, never caught up with. The timer belongs to the event loop and ends with
 * it.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

/* `late_ns` is how much later than its slot it comes. */
typedef void (*rhythm_act)(void *user, int64_t now_ns, int64_t late_ns);

struct rhythm {
	rhythm_act act;
	void *user;
	int64_t interval_ns;
	sd_event_source *timer; /* the loop's, NULL before the start */
};

/* `r` must outlive the loop. 0 or negative errno. */
int rhythm_start(struct rhythm *r, sd_event *event);

/* Another interval, from now on. */
void rhythm_set(struct rhythm *r, int64_t interval_ns);
