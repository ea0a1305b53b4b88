/* Feeds the PUE library with readings of a text, for checks that share no code with it.
 *
 * Standard input, a line each: `MS METER RAW WATTS` (METER 0 the facility's, in Wh; 1 the IT's, in 10 Wh;
 * both u32, every 10 s), `restart MS`: the state is saved and taken up again at that time, or `clock MS`: UTC
 * is so much later than the times of the lines from here on. Writes one line
 * per window: `START_MS END_MS FACILITY_KWH IT_KWH PUE COVERAGE QUALITY`.
 */
#include "daemon/control/pue.h"
#include "drivers/os/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t windows[] = { 3600, 86400 };
enum { WINDOWS = sizeof(windows) / sizeof(windows[0]) };

static struct pue *make(void)
{
	const struct meter_type wh = { .has_power = true,
		.has_counter = true,
		.interval_ns = 10 * NS_PER_S,
		.accuracy = 0.005,
		.counter = { .width = 32, .joules = 3600 } };
	struct meter_type ten_wh = wh;
	ten_wh.counter.joules = 36000;
	const struct pue_meter_spec meters[] = { { PUE_FACILITY, "main", wh }, { PUE_IT, "rack", ten_wh } };
	struct pue *p = pue_new(&(struct pue_spec){ meters, 2, windows, WINDOWS });
	for (size_t i = 0; p && i < 2; i++)
		pue_set_quality(p, i, QUALITY_GOOD, QUALITY_GOOD);
	return p;
}

/* As over a restart: other memory, and the boottime may begin anew. */
static struct pue *restart(struct pue *p, int64_t ns, int64_t offset_ns)
{
	struct bytes_writer w = { 0 };
	pue_save(p, &w);
	pue_free(p);
	struct pue *next = make();
	struct bytes_reader r = { w.data, w.data + w.size, false };
	static struct wall_clock clock; /* outlives the figure */
	clock = (struct wall_clock){ ns, offset_ns };
	if (!next || pue_load(next, &r, &clock) < 0)
		exit(EXIT_FAILURE);
	bytes_writer_deinit(&w);
	return next;
}

static void print(const struct pue *p)
{
	for (size_t i = 0; i < WINDOWS; i++) {
		struct pue_window w = pue_window(p, i);
		printf("%" PRId64 " %" PRId64 " %.9f %.9f %.9f %.9f %s\n", w.start_ms, w.end_ms,
		    w.kwh[PUE_FACILITY], w.kwh[PUE_IT], w.pue.value, w.coverage, quality_word(w.pue.quality));
	}
}

int main(void)
{
	struct pue *p = make();
	char line[128];
	while (p && fgets(line, sizeof(line), stdin)) {
		int64_t ms;
		static int64_t offset_ms;
		size_t meter;
		struct meter_reading r = { .power_good = true, .counter_good = true };
		if (sscanf(line, "restart %" SCNd64, &ms) == 1) {
			p = restart(p, ms * NS_PER_MS, offset_ms * NS_PER_MS);
			continue;
		}
		if (sscanf(line, "clock %" SCNd64, &offset_ms) == 1)
			continue;
		if (sscanf(line, "%" SCNd64 " %zu %" SCNu64 " %lf", &ms, &meter, &r.raw, &r.watts) != 4 ||
		    meter > 1)
			return EXIT_FAILURE;
		r.time_ns = ms * NS_PER_MS;
		pue_read(p, meter, &r, offset_ms * NS_PER_MS);
	}
	if (!p)
		return EXIT_FAILURE;
	print(p);
	pue_free(p);
	return EXIT_SUCCESS;
}
