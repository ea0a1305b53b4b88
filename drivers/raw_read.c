#include "drivers/raw_read.h"

#include <stdio.h>

void raw_read_return(struct raw_read *r, enum raw_read_outcome outcome)
{
	static const char *const words[] = {
		[RAW_READ_REFUSED] = "too many at once, or the bus is about to stop: try again",
		[RAW_READ_NO_TURN] = "the bus had no pause for it in time (allowed: a longer timeout_ms)",
		[RAW_READ_NO_REPLY] = "no reply within the response_timeout of the bus",
		[RAW_READ_BAD_REPLY] = "the reply was damaged, or of something else",
		[RAW_READ_NO_CONNECTION] = "there is no connection",
	};
	r->outcome = outcome;
	if (r->why[0] == '\0' && outcome < sizeof(words) / sizeof(words[0]) && words[outcome])
		snprintf(r->why, sizeof(r->why), "%s", words[outcome]);
	inbox_give_always(r->to, &r->item);
}

void raw_read_refuse(struct inbox_item *item)
{
	raw_read_return((struct raw_read *)item, RAW_READ_REFUSED);
}
