/* state_db: what outlives a restart, in the file state.db (holder, one thread at a time).
 *
 * A row for each entry of live/saved.h, and one for each of the last changes of alarms. What is saved is on
 * the disk as a whole or not at all, and only rows that changed are written. A file that is damaged, foreign
 * or of a newer version is set aside, which is said in the journal, and a new one made.
 */
#pragma once

#include "daemon/control/bytes.h"
#include "daemon/state/records_db.h"

struct state_db;

/* The file is in `folder`; it is opened when it is needed. NULL with errno. */
struct state_db *state_db_new(const char *folder);
void state_db_free(struct state_db *d);

/* Hands out the changes of alarms and the rows: their number, or negative errno. */
int state_db_load(struct state_db *d, void (*take)(struct bytes_entry *e, void *user), void *user);

/* Takes the entries of saved_put over and makes them all that is in the file, and adds `changes`, entries of
 * alarm_log_save, of which the last ALARM_LOG_MAX are kept; in the same transaction the records (NULL = none)
 * go into their tables. 0 or negative errno, and then it is as before. */
int state_db_save(struct state_db *d, struct bytes_writer *entries, const struct bytes_writer *changes,
    const struct records_addition *records);

/* Whether a file was set aside since the last call: what was added to that one is to be added anew. */
bool state_db_take_renewed(struct state_db *d);

/* records_db_strike. */
int state_db_strike(struct state_db *d, const struct records_strike *s);

/* Records out of their tables (records_db_read), and whether what has this id is in them. */
int state_db_read(
    struct state_db *d, const struct record_periods *p, int64_t id, bool *is_added, struct record_batch *to);
