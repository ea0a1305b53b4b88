/* pack: messages as one compressed block of bytes, and back (pure apart from allocation).
 *
 * Grouped by topic, so that what repeats in a device's messages stands side by side; the order in which the
 * messages were made comes back on unpacking. Kept are topic and payload of each.
 *
 * Layout before compression, numbers as LEB128: messages, topics; for each topic its text and a NUL, its
 * messages, and for each of them the distance of its place from the one before; then the payloads in the same
 * order, each with a NUL. Compressed with zstd, with its checksum.
 */
#pragma once

#include "daemon/publish/message.h"

#include <sys/types.h>

/* Fast for what is written every second, thorough for what is packed again later. */
enum { SPOOL_LEVEL_FAST = 1, SPOOL_LEVEL_THOROUGH = 19 };

/* The longest block that is unpacked: no more than this is ever packed into one. */
#define SPOOL_UNPACKED_MAX ((size_t)16 << 20)

/* The number of bytes in `*ret` (malloc'd), -ENOMEM, or -EFBIG. */
ssize_t spool_pack(const struct message_list *l, int level, void **ret);

/* Appends what was packed to `l`, as history. 0, -EBADMSG when the bytes are no such block, or -ENOMEM. */
int spool_unpack(const void *data, size_t size, struct message_list *l);
