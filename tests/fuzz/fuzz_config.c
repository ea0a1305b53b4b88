/* Arbitrary bytes as a configuration: read, checked, and when it is good, put to work without readings. */
#include "clock.h"
#include "config.h"
#include "control_loop.h"

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
	const struct state_clock clock = { 1000 * NS_PER_S, 0 };
	struct control_loop *l = control_loop_new(c), *next = control_loop_new(c);
	struct point_table *t = point_table_new(c, clock.now_ns);
	struct state_writer w = { 0 };
	struct control_loaded loaded = { 0 };
	control_loop_tick(l, t);
	control_loop_judge(l, t, JUDGE_ALL, clock.now_ns, 1, on_alarm, NULL);
	control_loop_save(l, clock.offset_ns, &w);
	struct state_reader r = { w.data, w.data + w.size, false };
	if (control_loop_load(next, &r, &clock, &loaded) < 0 || r.at != r.end)
		abort();
	control_loop_inherit(next, l);
	control_loop_free(l);
	control_loop_tick(next, t);
	control_loop_free(next);
	point_table_free(t);
	state_writer_deinit(&w);
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
