/* pack: messages as one compressed block of bytes, and back (pure apart from allocation).
 *
 * Grouped by topic, so that what repeats in a device's messages stands side by side; the order in which the
 * messages were made comes back on unpacking. Kept are topic and payload of each, which may be any bytes.
 *
 * Layout before compression, counts as LEB128: 0 and the number of the layout; messages, topics; for each
 * topic its text and a NUL, its messages, and for each of them the distance of its place from the one before;
 * then the payloads in the same order, each with a NUL, and with their numbers taken out (numbers.h,
 * layout 4). When payloads are no texts, there are no NULs, but sizes beside the places (layout 3).
 * Compressed with zstd, with its checksum.
 *
 * Read only: layout 2, whose payloads have their numbers in place, and layout 1, which is that from the
 * messages on, of topics without their base and without "history/".
 */
#pragma once

#include "daemon/publish/message.h"

#include <sys/types.h>

/* Fast for what is written every second, thorough for what is packed again later. */
enum { SPOOL_LEVEL_FAST = 1, SPOOL_LEVEL_MEDIUM = 9, SPOOL_LEVEL_THOROUGH = 19 };
/* More text than this takes too long to be packed thoroughly (2 to 3 MB/s). */
#define SPOOL_THOROUGH_MAX ((size_t)1 << 20)

/* The longest block that is unpacked: no more than this is ever packed into one. */
#define SPOOL_UNPACKED_MAX ((size_t)16 << 20)

/* The number of bytes in `*ret` (malloc'd), -ENOMEM, or -EFBIG. */
ssize_t spool_pack(const struct message_list *l, int level, void **ret);

/* Appends what was packed to `l`, as history; `old_base` is that of topics of layout 1. 0, -EBADMSG when the
 * bytes are no such block, or -ENOMEM. */
int spool_unpack(const void *data, size_t size, const char *old_base, struct message_list *l);
