/* saved: what is live, as the bytes that outlive a restart (pure).
 *
 * The energies of the PUE figures, what loops have learned, the states of the alarms. What is taken up again
 * is what is of the same section and devices; the rest is left out.
 */
#pragma once

#include "daemon/live/live.h"

/* `offset_ns` is CLOCK_REALTIME - CLOCK_BOOTTIME. */
void saved_put(const struct live *l, int64_t offset_ns, struct bytes_writer *w);

/* `taken` tells how many figures, loops and alarms took theirs up. 0, or -EBADMSG when the bytes are none of
 * ours. */
int saved_take(struct live *l, struct bytes_reader *r, const struct wall_clock *clock, size_t *taken);
