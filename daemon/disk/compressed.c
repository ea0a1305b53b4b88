#include "daemon/disk/compressed.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

ssize_t compressed_pack(const void *data, size_t size, int level, void **ret)
{
	size_t room = ZSTD_compressBound(size), n = (size_t)-1;
	void *packed = malloc(room);
	ZSTD_CCtx *context = ZSTD_createCCtx();
	if (packed && context) {
		(void)ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
		(void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
		n = ZSTD_compress2(context, packed, room, data, size);
	}
	ZSTD_freeCCtx(context);
	if (ZSTD_isError(n)) {
		free(packed);
		return -ENOMEM;
	}
	*ret = packed;
	return (ssize_t)n;
}

ssize_t compressed_unpack(const void *packed, size_t size, size_t most, void **ret)
{
	unsigned long long length = ZSTD_getFrameContentSize(packed, size);
	if (length > most) /* as are the values for unknown and error */
		return -EBADMSG;
	void *data = malloc(length + 1);
	if (!data)
		return -ENOMEM;
	size_t n = ZSTD_decompress(data, length, packed, size);
	if (ZSTD_isError(n)) {
		free(data);
		return -EBADMSG;
	}
	*ret = data;
	return (ssize_t)n;
}
