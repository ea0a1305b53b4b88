#include "daemon/live/saved.h"

#include <errno.h>

/* The version of what follows in the bytes: a new one for each change of what is saved. */
#define STATE_VERSION 3

void saved_put(const struct live *l, int64_t offset_ns, struct bytes_writer *w)
{
	bytes_put_integer(w, STATE_VERSION);
	pues_save(l->pues, w);
	loops_save(l->loops, w);
	alarms_save(l->alarms, offset_ns, w);
}

int saved_take(struct live *l, struct bytes_reader *r, const struct wall_clock *clock, size_t *taken)
{
	*taken = 0;
	if (bytes_take_integer(r) != STATE_VERSION)
		return -EBADMSG;
	*taken = pues_load(l->pues, r, clock);
	*taken += loops_load(l->loops, r);
	*taken += alarms_load(l->alarms, r, clock);
	return r->bad ? -EBADMSG : 0;
}
