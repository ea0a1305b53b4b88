/* Arbitrary bytes as a configuration: read, checked, and when it is good, put to work without readings. */
#include "config/config.h"
#include "daemon/live/live.h"
#include "drivers/os/clock.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	/* profiles are files of their own and not what is tried here */
	return setenv("COOLANTD_PROFILE_PATH", "/nonexistent", 1);
}

static void say(enum diag_level level, const char *text, void *user)
{
	size_t *lines = user;
	*lines += level == DIAG_ERROR && text[0] != '\0';
}

static void on_alarm(const struct alarm *a, void *user)
{
	(void)a;
	(void)user;
}

/* The state of the loop must be one that it takes up again itself. */
static void put_to_work(struct config *c)
{
	const struct wall_clock clock = { 1000 * NS_PER_S, 0 };
	struct live *l = live_new(c), *next = live_new(c);
	struct point_table *t = point_table_new(c, clock.now_ns);
	struct bytes_writer w = { 0 };
	struct live_loaded loaded = { 0 };
	live_tick(l, t);
	live_judge(l, t, JUDGE_ALL, clock.now_ns, 1, on_alarm, NULL);
	live_save(l, clock.offset_ns, &w);
	struct bytes_reader r = { w.data, w.data + w.size, false };
	if (live_load(next, &r, &clock, &loaded) < 0 || r.at != r.end)
		abort();
	live_inherit(next, l);
	live_free(l);
	live_tick(next, t);
	live_free(next);
	point_table_free(t);
	bytes_writer_deinit(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[64];
	size_t errors = 0;
	int fd = memfd_create("coolantd.ini", 0);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct diag *d = diag_new();
	struct config *c = config_load(path, d);
	diag_each(d, say, &errors);
	if (!c == (errors == 0)) /* refused with a reason, or taken without */
		abort();
	if (c)
		put_to_work(c);
	config_unref(c);
	diag_free(d);
	close(fd);
	return 0;
}
