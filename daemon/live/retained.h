/* retained: the topics that the broker keeps for us (holder, main thread).
 *
 * Those of the configuration, and those of earlier ones, which are gone: each of these is to be emptied, and
 * is known until the broker has acknowledged that. Outlives a reload and, saved, a restart. What there is no
 * memory for is not known.
 */
#pragma once

#include "daemon/control/bytes.h"

/* The kind of the entry that has them all. */
#define RETAINED_ENTRY "retained"

struct retained {
	void *by_topic; /* a tree of tsearch(3) */
};

/* A topic of the configuration. */
void retained_add(struct retained *r, const char *topic);
/* The broker has emptied a topic that is gone. */
void retained_forget(struct retained *r, const char *topic);
/* Takes all of `old`: gone, as long as they are not added. */
void retained_inherit(struct retained *r, struct retained *old);
void retained_clear(struct retained *r);

/* Those that are gone and not emptied yet, in their order. `see` must not add any. */
void retained_each_gone(const struct retained *r, void (*see)(const char *topic, void *user), void *user);

void retained_save(const struct retained *r, struct bytes_writer *w);
/* Adds what was saved: gone, when it is not of the configuration. */
void retained_load(struct retained *r, struct bytes_entry *e);
