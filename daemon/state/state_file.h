/* state_file: a block of bytes in the state_dir that survives a power cut (mover, main thread).
 *
 * Written by a thread of its own, whole and beside the old one, which it then replaces: after a cut there is
 * the old or the new, never a part. A checksum (zstd's) tells a file that was damaged later. Of several
 * blocks given within STATE_FILE_INTERVAL_MS only the last is written.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STATE_FILE_INTERVAL_MS 1000

struct state_file;

/* Reads `folder`/control.state: its size and `*ret` (malloc'd), 0 when there is none, or negative errno:
 * -EBADMSG when it is damaged or of another version. */
ssize_t state_file_read(const char *folder, void **ret);

/* Renames a file that cannot be used to control.state.bad. 0 or negative errno. */
int state_file_set_aside(const char *folder);

/* Starts the thread. NULL with errno. */
struct state_file *state_file_new(const char *folder);

/* Takes a block (malloc'd) to be written. */
void state_file_write(struct state_file *f, void *data, size_t size);

/* The error of the last write, as negative errno; 0 = it worked, or there was none yet. */
int state_file_error(struct state_file *f);

/* Writes what is left, for `grace_ns` at most, and ends. */
void state_file_free(struct state_file *f, int64_t grace_ns);
