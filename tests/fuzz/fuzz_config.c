/* Arbitrary bytes as a configuration: read, checked, and when it is good, put to work without readings. */
#include "config/config.h"
#include "daemon/live/saved.h"
#include "drivers/os/clock.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	/* profiles are files of their own and not what is tried here */
	return setenv("COOLANTD_PROFILE_PATH", "/nonexistent", 1);
}

static void say(bool is_error, const char *text, void *user)
{
	size_t *lines = user;
	*lines += is_error && text[0] != '\0';
}

/* What is live must save a state that it takes up again itself. */
static void put_to_work(struct config *c)
{
	struct wall_clock clock = { 1000 * NS_PER_S, 0 };
	struct live *l = live_new(c, clock.now_ns), *next = live_new(c, clock.now_ns);
	struct bytes_writer w = { 0 };
	if (!l || !next)
		abort();
	live_tick(l);
	alarms_judge(l->alarms, JUDGE_ALL, clock.now_ns);
	saved_put(l, clock.offset_ns, true, &w);
	struct bytes_reader r = bytes_reader_of(&w);
	while (r.at < r.end) {
		struct bytes_entry e = bytes_take_entry(&r);
		(void)saved_take(next, &e, &clock);
		if (e.block.bad || e.block.at != e.block.end)
			abort();
	}
	live_inherit(next, l);
	live_free(l);
	live_tick(next);
	live_free(next);
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
