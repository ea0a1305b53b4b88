#include "drivers/os/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

static bool to_journal;
static _Atomic int max_level = LOG_INFO;

void log_init(void)
{
	/* systemd says which device and inode its stream has: stderr may have been redirected since */
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return;
	char mine[64];
	snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	to_journal = strcmp(stream, mine) == 0;
}

void log_set_level(int level)
{
	max_level = level;
}

struct fields {
	struct iovec items[8];
	char texts[8][LINE_MAX_BYTES + 32];
	int count;
};

static void add(struct fields *f, const char *name, const char *value)
{
	if (!value)
		return;
	int n = snprintf(f->texts[f->count], sizeof(f->texts[0]), "%s=%s", name, value);
	size_t size = (size_t)n < sizeof(f->texts[0]) ? (size_t)n : sizeof(f->texts[0]) - 1;
	f->items[f->count] = (struct iovec){ f->texts[f->count], size };
	f->count++;
}

void log_event(int level, struct log_fields fields, const char *format, ...)
{
	if (level > max_level)
		return;
	char line[LINE_MAX_BYTES];
	va_list ap;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (!to_journal) {
		fprintf(stderr, "coolantd: %s\n", line);
		return;
	}
	struct fields f = { .count = 0 };
	char priority[4];
	snprintf(priority, sizeof(priority), "%d", level & 7);
	add(&f, "MESSAGE", line);
	add(&f, "PRIORITY", priority);
	add(&f, "MESSAGE_ID", fields.message_id);
	add(&f, "COOLANTD_BUS", fields.bus);
	add(&f, "COOLANTD_DEVICE", fields.device);
	add(&f, "COOLANTD_POINT", fields.point);
	add(&f, "COOLANTD_ALARM", fields.alarm);
	(void)sd_journal_sendv(f.items, f.count);
}
