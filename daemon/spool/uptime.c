#include "daemon/spool/uptime.h"

#include "config/ini/cleanup.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <string.h>

static void read_boot_id(char id[static UPTIME_BOOT_ID_SIZE])
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (!f || !fgets(id, UPTIME_BOOT_ID_SIZE, f))
		id[0] = '\0';
	id[strcspn(id, "\n")] = '\0';
}

int uptime_load(struct uptime *u, struct db *d, int64_t now_ns)
{
	sqlite3_stmt *st = db_statement(d, "SELECT uptime_s, boottime_s, boot_id FROM clock", 0, NULL);
	read_boot_id(u->boot_id);
	int r = db_step(d, st);
	if (r == 1) {
		const char *id = (const char *)sqlite3_column_text(st, 2);
		bool same = u->boot_id[0] != '\0' && id && strcmp(id, u->boot_id) == 0;
		int64_t since = same ? sqlite3_column_int64(st, 1) : now_ns / NS_PER_S;
		u->offset_s = sqlite3_column_int64(st, 0) - since;
	}
	db_done(st);
	return r == 1 ? 0 : r < 0 ? r : -EBADMSG;
}

int uptime_save(const struct uptime *u, struct db *d, int64_t now_ns)
{
	sqlite3_stmt *st = db_statement(d, "UPDATE clock SET uptime_s = ?1, boottime_s = ?2, boot_id = ?3",
	    DB_NUMBERS(uptime_at(u, now_ns), now_ns / NS_PER_S));
	(void)sqlite3_bind_text(st, 3, u->boot_id, -1, SQLITE_STATIC);
	return db_step_all(d, st);
}

int64_t uptime_at(const struct uptime *u, int64_t now_ns)
{
	return u->offset_s + now_ns / NS_PER_S;
}
