/* What a year's window costs: memory and CPU of one PUE figure with windows from a minute to 365 days.
 *
 * windows [METERS] [DAYS]   one facility meter and METERS - 1 of the IT (default 5), read once a second with
 * counter and power; DAYS of the plant's time (default 370, so that every bucket of the year is used)
 *
 * Writes the heap of the figure, its saved state, and the CPU time per second of the plant's time: of the
 * readings, and of asking for the ratio and all windows once a second, as the publisher does.
 */
#include "daemon/control/pue.h"
#include "drivers/os/clock.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_S INT64_C(86400)
#define START_S INT64_C(1767225600)
#define ASKED_S 20000

static const int64_t windows[] = { 60, 900, 3600, DAY_S, 30 * DAY_S, 365 * DAY_S };
enum { WINDOWS = sizeof(windows) / sizeof(windows[0]), METERS_MAX = 64 };

static size_t heap(void)
{
	return mallinfo2().uordblks;
}

static struct pue *make(size_t meters)
{
	struct pue_meter_spec specs[METERS_MAX];
	for (size_t i = 0; i < meters; i++)
		specs[i] = (struct pue_meter_spec){ i == 0 ? PUE_FACILITY : PUE_IT, "meter",
			{ .has_power = true,
			    .has_counter = true,
			    .interval_ns = NS_PER_S,
			    .accuracy = 0.005,
			    .counter = { .width = 64, .joules = 3600 } } };
	struct pue *p = pue_new(&(struct pue_spec){ specs, meters, windows, WINDOWS });
	for (size_t i = 0; p && i < meters; i++)
		pue_set_quality(p, i, QUALITY_GOOD, QUALITY_GOOD);
	return p;
}

static void read_all(struct pue *p, size_t meters, int64_t second)
{
	for (size_t i = 0; i < meters; i++) {
		double watts = i == 0 ? 1.18 * 25e3 * (double)(meters - 1) : 25e3;
		struct meter_reading r = { .time_ns = second * NS_PER_S + (int64_t)i * 7000000,
			.power_good = true,
			.counter_good = true,
			.watts = watts,
			.raw = (uint64_t)(watts / 3600 * (double)second) };
		pue_read(p, i, &r, START_S * NS_PER_S);
	}
}

static double cpu_s(void)
{
	return (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / NS_PER_S;
}

int main(int argc, char **argv)
{
	size_t meters = argc > 1 ? strtoul(argv[1], NULL, 10) : 5;
	int64_t seconds = (argc > 2 ? strtol(argv[2], NULL, 10) : 370) * DAY_S;
	if (meters < 2 || meters > METERS_MAX || seconds < DAY_S) {
		fprintf(stderr, "windows: allowed: 2..%d meters, 1 day or more\n", METERS_MAX);
		return 2;
	}
	size_t before = heap();
	struct pue *p = make(meters);
	if (!p)
		return EXIT_FAILURE;
	double start = cpu_s();
	for (int64_t s = 1; s <= seconds; s++)
		read_all(p, meters, s);
	double reading = (cpu_s() - start) / (double)seconds;
	size_t used = heap() - before;

	start = cpu_s();
	double sum = 0;
	int64_t when;
	for (int i = 0; i < ASKED_S; i++) {
		sum += pue_power_ratio(p, &when).value;
		for (size_t w = 0; w < WINDOWS; w++)
			sum += pue_window(p, w).pue.value;
	}
	double asking = (cpu_s() - start) / ASKED_S;

	struct bytes_writer state = { 0 };
	pue_save(p, &state);
	struct pue_window year = pue_window(p, WINDOWS - 1);
	printf(
	    "meters %zu, %" PRId64 " days at 1 Hz, windows 1m 15m 1h 1d 30d 365d\n", meters, seconds / DAY_S);
	printf("heap KiB            %.1f   (1024 allowed)\n", (double)used / 1024);
	printf("saved state KiB     %.1f\n", (double)state.size / 1024);
	printf("reading, us/s       %.2f\n", 1e6 * reading);
	printf(
	    "asking, us/s        %.2f   (with reading 10000 allowed, a hundredth of a core)\n", 1e6 * asking);
	printf("365d pue            %.6f, coverage %.4f, mean of all answers %.6f\n", year.pue.value,
	    year.coverage, sum / (ASKED_S * (WINDOWS + 1)));
	bool good = used < 1024 * 1024 && reading + asking < 0.01;
	bytes_writer_deinit(&state);
	pue_free(p);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
