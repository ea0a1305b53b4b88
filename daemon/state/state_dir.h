/* state_dir: the folder for what outlives a restart, held by one coolantd at a time (holder, main thread). */
#pragma once

struct state_dir;

/* Makes the folder if need be and locks it. 0; -EBUSY when another process holds it (said in the journal). A
 * folder that cannot be used is said once and gone on without: *ret is then NULL, and 0 is returned. */
int state_dir_open(const char *path, struct state_dir **ret);
void state_dir_close(struct state_dir *s);
