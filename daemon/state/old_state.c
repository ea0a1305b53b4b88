#include "daemon/state/old_state.h"

#include "config/ini/cleanup.h"
#include "daemon/disk/compressed.h"
#include "daemon/live/live.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_NAME "control.state"
#define LAYOUT 3
/* In front of the compressed block. */
static const char mark[8] = "CLSTATE1";
/* The longest block that is read back. */
#define SIZE_MAX_READ ((size_t)64 << 20)

/* The block: its size and `*ret` (malloc'd), 0 when there is none, or negative errno. */
static ssize_t read_block(const char *folder, void **ret)
{
	char path[PATH_MAX];
	struct stat st;
	if (snprintf(path, sizeof(path), "%s/" FILE_NAME, folder) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fileno(f), &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (size_t)st.st_size > SIZE_MAX_READ)
		return -EBADMSG;
	_cleanup_free_ uint8_t *file = malloc((size_t)st.st_size + 1);
	if (!file)
		return -ENOMEM;
	size_t n = fread(file, 1, (size_t)st.st_size, f);
	if (n < sizeof(mark) || memcmp(file, mark, sizeof(mark)) != 0)
		return -EBADMSG;
	return compressed_unpack(file + sizeof(mark), n - sizeof(mark), SIZE_MAX_READ, ret);
}

/* Of each kind their number, then name, fingerprint and block of each. */
static int take_all(struct bytes_reader *r, void (*take)(struct bytes_entry *e, void *user), void *user)
{
	static const char *const kinds[] = { PUES_ENTRY, LOOPS_ENTRY, ALARMS_ENTRY };
	int count = 0;
	if (bytes_take_integer(r) != LAYOUT)
		return -EBADMSG;
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
		for (int64_t n = bytes_take_within(r, 0, INT64_MAX); n > 0 && !r->bad; n--) {
			struct bytes_entry e = { .kind = kinds[kind], .name = bytes_take_text(r) };
			e.fingerprint = (uint64_t)bytes_take_integer(r);
			e.block = bytes_take_block(r);
			if (!r->bad)
				take(&e, user);
			count++;
		}
	}
	return r->bad ? -EBADMSG : count;
}

int old_state_load(const char *folder, void (*take)(struct bytes_entry *e, void *user), void *user)
{
	_cleanup_free_ void *block = NULL;
	ssize_t n = read_block(folder, &block);
	if (n <= 0)
		return (int)n;
	struct bytes_reader r = { block, (const uint8_t *)block + n, false };
	return take_all(&r, take, user);
}

int old_state_rename(const char *folder, const char *as)
{
	char path[PATH_MAX], new_path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/" FILE_NAME, folder) >= (int)sizeof(path) ||
	    snprintf(new_path, sizeof(new_path), "%s.%s", path, as) >= (int)sizeof(new_path))
		return -ENAMETOOLONG;
	return rename(path, new_path) < 0 ? -errno : 0;
}
