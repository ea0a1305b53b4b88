/* compressed: bytes packed by zstd with its checksum, and back within a bound (pure apart from allocation).
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Packs `data` behind `head_size` bytes that are left for the caller to fill. The number of bytes in `*ret`
 * (malloc'd), the head included, or -ENOMEM. */
ssize_t compressed_pack(const void *data, size_t size, int level, size_t head_size, void **ret);

/* The number of bytes in `*ret` (malloc'd), -EBADMSG when it is nothing packed, or is damaged or more than
 * `most`, or -ENOMEM. */
ssize_t compressed_unpack(const void *packed, size_t size, size_t most, void **ret);
