/* compressed: bytes packed by zstd with its checksum, and back within a bound (pure apart from allocation).
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* The number of bytes in `*ret` (malloc'd), or -ENOMEM. */
ssize_t compressed_pack(const void *data, size_t size, int level, void **ret);

/* The number of bytes in `*ret` (malloc'd), -EBADMSG when it is nothing packed, or is damaged or more than
 * `most`, or -ENOMEM. */
ssize_t compressed_unpack(const void *packed, size_t size, size_t most, void **ret);
