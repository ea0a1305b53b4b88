/* Points as table:address+length, the limits, and the requests that must come of it. */
#include "unit.h"

#include "drivers/modbus/bus_load.h"
#include "drivers/modbus/poll_plan.h"
#include "drivers/modbus/schedule.h"
#include "drivers/os/clock.h"

#include <stdio.h>
#include <string.h>

#define POINTS_MAX 300

struct points {
	struct point items[POINTS_MAX];
	size_t count;
};

static void add(struct points *p, enum register_table table, unsigned address, int type, int poll)
{
	p->items[p->count++] = (struct point){
		.name = "p", .reg = { table, (uint16_t)address }, .type = type, .poll = poll, .length = 4
	};
}

/* The plan as text: "every holding 0+4 (2); tenth input 7+1 (1)". */
static const char *plan_text(const struct points *p, unsigned max_registers, unsigned max_gap)
{
	static char text[1024];
	static const char *const rhythms[] = { "every", "tenth", "once" };
	struct poll_plan plan;
	assert_int_equal(poll_plan_init(&plan, p->items, p->count,
			     (struct poll_limits){ .max_registers = max_registers, .max_gap = max_gap }),
	    0);
	size_t used = 0, seen = 0;
	text[0] = '\0';
	for (size_t i = 0; i < plan.block_count; i++) {
		const struct poll_block *b = &plan.blocks[i];
		used +=
		    (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s %u+%u (%zu)", i ? "; " : "",
			rhythms[b->rhythm], point_table_word(b->table), b->address, b->count, b->point_count);
		for (size_t k = 0; k < b->point_count; k++) {
			const struct point *point = &p->items[b->points[k]];
			assert_true(point->reg.address >= b->address);
			assert_true(
			    point->reg.address + point_length(point) <= (unsigned)b->address + b->count);
		}
		seen += b->point_count;
	}
	assert_int_equal(seen, p->count); /* each point in one block */
	poll_plan_deinit(&plan);
	return text;
}

static void neighbours_are_one_request(void **state)
{
	struct points p = { .count = 0 };
	add(&p, POINT_HOLDING, 2, POINT_F32, POINT_NORMAL);
	add(&p, POINT_HOLDING, 0, POINT_F32, POINT_FAST);
	add(&p, POINT_HOLDING, 4, POINT_U16, POINT_NORMAL);
	assert_string_equal(plan_text(&p, 125, 0), "every holding 0+5 (3)");
}

static void gaps_are_read_along_up_to_the_limit(void **state)
{
	struct points p = { .count = 0 };
	add(&p, POINT_HOLDING, 0, POINT_U16, POINT_NORMAL);
	add(&p, POINT_HOLDING, 4, POINT_U16, POINT_NORMAL);
	assert_string_equal(plan_text(&p, 125, 2), "every holding 0+1 (1); every holding 4+1 (1)");
	assert_string_equal(plan_text(&p, 125, 3), "every holding 0+5 (2)");
}

static void tables_and_rhythms_are_apart(void **state)
{
	struct points p = { .count = 0 };
	add(&p, POINT_HOLDING, 0, POINT_U16, POINT_NORMAL);
	add(&p, POINT_INPUT, 1, POINT_U16, POINT_NORMAL);
	add(&p, POINT_COIL, 0, POINT_BOOL, POINT_NORMAL);
	add(&p, POINT_HOLDING, 1, POINT_U16, POINT_SLOW);
	add(&p, POINT_HOLDING, 2, POINT_STRING, POINT_ONCE);
	assert_string_equal(plan_text(&p, 125, 9), "every coil 0+1 (1); every input 1+1 (1); every holding "
						   "0+1 (1); tenth holding 1+1 (1); once holding 2+4 (1)");
}

static void a_request_has_at_most_the_devices_limit(void **state)
{
	struct points p = { .count = 0 };
	for (unsigned i = 0; i < 100; i++)
		add(&p, POINT_HOLDING, 2 * i, POINT_F32, POINT_NORMAL);
	assert_string_equal(plan_text(&p, 125, 0), "every holding 0+124 (62); every holding 124+76 (38)");
	assert_string_equal(plan_text(&p, 80, 0),
	    "every holding 0+80 (40); every holding 80+80 (40); every holding 160+40 (20)");
}

static void several_points_of_one_register_are_one(void **state)
{
	struct points p = { .count = 0 };
	for (unsigned i = 0; i < 16; i++)
		add(&p, POINT_HOLDING, 37376, POINT_U16, POINT_NORMAL);
	add(&p, POINT_HOLDING, 37376, POINT_U32, POINT_NORMAL);
	assert_string_equal(plan_text(&p, 125, 0), "every holding 37376+2 (17)");
}

static void bits_have_their_own_limit(void **state)
{
	struct points p = { .count = 0 };
	add(&p, POINT_DISCRETE, 0, POINT_BOOL, POINT_NORMAL);
	add(&p, POINT_DISCRETE, 120, POINT_BOOL, POINT_NORMAL);
	assert_string_equal(plan_text(&p, 125, 124), "every discrete 0+121 (2)");
	assert_string_equal(plan_text(&p, 5, 124), "every discrete 0+1 (1); every discrete 120+1 (1)");
}

static void the_last_address_is_in_reach(void **state)
{
	struct points p = { .count = 0 };
	add(&p, POINT_HOLDING, 65535, POINT_U16, POINT_NORMAL);
	assert_string_equal(plan_text(&p, 125, 124), "every holding 65535+1 (1)");
}

/* The plan after block `block` was split as often as it goes. */
static void a_refused_block_is_split_down_to_its_points(void **state)
{
	struct points p = { .count = 0 };
	struct poll_plan plan;
	add(&p, POINT_HOLDING, 0, POINT_U32, POINT_NORMAL);
	add(&p, POINT_HOLDING, 1, POINT_U16, POINT_NORMAL); /* shares a register with the first */
	add(&p, POINT_HOLDING, 4, POINT_U16, POINT_NORMAL);
	add(&p, POINT_HOLDING, 9, POINT_F32, POINT_NORMAL);
	add(&p, POINT_HOLDING, 11, POINT_U16, POINT_NORMAL);
	assert_int_equal(poll_plan_init(&plan, p.items, p.count,
			     (struct poll_limits){ .max_registers = 125, .max_gap = 10 }),
	    0);
	assert_int_equal(plan.block_count, 1);
	static const struct {
		size_t block;
		unsigned first, first_count, second, second_count;
	} splits[] = {
		{ 0, 0, 5, 9, 3 },  /* the widest gap */
		{ 1, 9, 2, 11, 1 }, /* no gap: between two points */
		{ 0, 0, 2, 4, 1 },
	};
	for (size_t i = 0; i < COUNT(splits); i++) {
		assert_true(poll_plan_split(&plan, splits[i].block, p.items));
		const struct poll_block *b = &plan.blocks[splits[i].block];
		assert_int_equal(b[0].address, splits[i].first);
		assert_int_equal(b[0].count, splits[i].first_count);
		assert_int_equal(b[1].address, splits[i].second);
		assert_int_equal(b[1].count, splits[i].second_count);
	}
	assert_int_equal(plan.block_count, 4);
	size_t points = 0;
	for (size_t i = 0; i < plan.block_count; i++) {
		assert_false(poll_plan_split(&plan, i, p.items)); /* one point, or two that overlap */
		points += plan.blocks[i].point_count;
	}
	assert_int_equal(points, p.count);
	poll_plan_deinit(&plan);
}

static void a_hole_is_never_read_along(void **state)
{
	static const struct profile_hole holes[] = { { POINT_HOLDING, 4, 5 }, { POINT_INPUT, 0, 65535 } };
	struct points p = { .count = 0 };
	struct poll_plan plan;
	add(&p, POINT_HOLDING, 0, POINT_U16, POINT_NORMAL);
	add(&p, POINT_HOLDING, 3, POINT_U16, POINT_NORMAL);
	add(&p, POINT_HOLDING, 6, POINT_U16, POINT_NORMAL);
	add(&p, POINT_HOLDING, 9, POINT_U16, POINT_NORMAL);
	struct poll_limits limits = { .max_registers = 125, .max_gap = 10, .holes = { holes, COUNT(holes) } };
	assert_int_equal(poll_plan_init(&plan, p.items, p.count, limits), 0);
	assert_int_equal(plan.block_count, 2);
	assert_int_equal(plan.blocks[0].count, 4);
	assert_int_equal(plan.blocks[1].address, 6);
	assert_int_equal(plan.blocks[1].count, 4);
	poll_plan_deinit(&plan);
}

static void no_points_no_requests(void **state)
{
	struct points p = { .count = 0 };
	assert_string_equal(plan_text(&p, 125, 0), "");
}

/* 19200 8N1, 125 registers: (8 + 5 + 250) characters of 10 bits are 136.98 ms; with even parity 11 bits and
 * 150.68 ms. */
static void wire_time_of_a_full_request(void **state)
{
	struct bus_config bus = { .type = BUS_RTU, .baud = 19200, .parity = PARITY_EVEN, .stop_bits = 1 };
	assert_float_equal((double)bus_wire_ns(&bus, POINT_HOLDING, 125) / 1e6, 150.68, 0.01);
	bus.parity = PARITY_NONE;
	assert_float_equal((double)bus_wire_ns(&bus, POINT_HOLDING, 125) / 1e6, 136.98, 0.01);
	assert_float_equal((double)bus_silence_ns(&bus) / 1e6, 1.823, 0.001);
	bus.baud = 115200;
	assert_int_equal(bus_silence_ns(&bus), 1750000);
}

/* Three devices of 125 registers at 1 s on 19200 8E1 take 3 * (150.68 + 2 * 2.005 + 10) ms of each second. */
static void load_of_a_line(void **state)
{
	struct point points[125];
	struct bus_config bus = {
		.name = "b", .type = BUS_RTU, .baud = 19200, .parity = PARITY_EVEN, .stop_bits = 1
	};
	struct device_config devices[4];
	struct config c = { .buses = &bus, .bus_count = 1, .devices = devices, .device_count = 4 };
	struct bus_load load;
	for (size_t i = 0; i < COUNT(points); i++)
		points[i] = (struct point){ .name = "p",
			.reg = { POINT_HOLDING, (uint16_t)i },
			.type = POINT_U16,
			.poll = POINT_NORMAL };
	for (size_t i = 0; i < COUNT(devices); i++)
		devices[i] = (struct device_config){ .points = points,
			.point_count = COUNT(points),
			.poll_interval = NS_PER_S,
			.enabled = i < 3 };
	assert_int_equal(bus_load_compute(&c, 0, &load), 0);
	assert_float_equal(load.share, 3 * (0.15068 + 2 * 0.002005 + 0.010), 1e-4);
	assert_float_equal(load.requests_per_s, 3, 1e-9);
	assert_float_equal(load.stretch, 1, 1e-9);
	bus.baud = 4800;
	assert_int_equal(bus_load_compute(&c, 0, &load), 0);
	assert_true(load.share > 1);
	assert_float_equal(load.stretch, load.share, 1e-9);
}

static void missed_slots_are_skipped_and_counted(void **state)
{
	struct schedule_job job = { .due = 1000, .interval = 100 };
	assert_int_equal(schedule_advance(&job, 1010), 0);
	assert_int_equal(job.due, 1100);
	assert_int_equal(schedule_advance(&job, 1199), 0);
	assert_int_equal(job.due, 1200);
	assert_int_equal(schedule_advance(&job, 1530), 3); /* 1300, 1400, 1500 */
	assert_int_equal(job.due, 1600);
	assert_int_equal(schedule_advance(&job, 1700), 1); /* a slot that is due right now counts as missed */
	assert_int_equal(job.due, 1800);
}

static void what_is_read_once_is_never_due_again(void **state)
{
	struct schedule_job job = { .due = 5, .interval = 0 };
	assert_int_equal(schedule_advance(&job, 10), 0);
	assert_true(job.due == SCHEDULE_NEVER);
}

static void a_probe_waits_for_a_pause(void **state)
{
	static const struct {
		int64_t job, probe, forced, now, when;
		enum schedule_pick pick;
	} cases[] = {
		/* a probe costs 500 */
		{ 1000, 600, 2600, 600, 1000, SCHEDULE_JOB },		 /* 400 to the job: too short */
		{ 1000, 400, 2400, 400, 400, SCHEDULE_PROBE },		 /* 600: fits */
		{ 1000, 900, 2900, 0, 1000, SCHEDULE_JOB },		 /* due shortly before the job */
		{ 1000, 1200, 3200, 0, 1000, SCHEDULE_JOB },		 /* due after it */
		{ 2700, 600, 2600, 2600, 2600, SCHEDULE_FORCED },	 /* has waited for long enough */
		{ 1100, 600, 2600, 2600, 1100, SCHEDULE_JOB },		 /* not longer than the job */
		{ 1100, 600, SCHEDULE_NEVER, 2600, 1100, SCHEDULE_JOB }, /* but there is no credit */
		{ 1000, 600, 700, 600, 700, SCHEDULE_FORCED },		 /* may make the job late */
		{ SCHEDULE_NEVER, 600, SCHEDULE_NEVER, 0, 600, SCHEDULE_PROBE }, /* nobody to disturb */
		{ 1000, SCHEDULE_NEVER, SCHEDULE_NEVER, 0, 1000, SCHEDULE_JOB }, /* nothing to probe */
		{ SCHEDULE_NEVER, SCHEDULE_NEVER, SCHEDULE_NEVER, 0, SCHEDULE_NEVER, SCHEDULE_JOB },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct schedule_choice c =
		    schedule_choose(cases[i].job, cases[i].probe, cases[i].forced, cases[i].now, 500);
		assert_int_equal(c.pick, cases[i].pick);
		assert_true(c.when == cases[i].when);
	}
}

static void credit_grows_by_a_fiftieth_of_the_time(void **state)
{
	struct schedule_credit c = { .ns = 500, .at = 1000 };
	assert_int_equal(schedule_credit(&c, 1000, 1500), 500);
	c.ns -= 800;
	assert_int_equal(schedule_credit(&c, 6000, 1500), -200);
	assert_int_equal(schedule_credit(&c, 16000, 1500), 0);
	assert_int_equal(schedule_credit(&c, 1016000, 1500), 1500);
}

static void phases_leave_one_pause(void **state)
{
	assert_int_equal(schedule_phase(7, NS_PER_S, 0, 10), 7);
	assert_int_equal(schedule_phase(0, NS_PER_S, 9, 10), 9 * SCHEDULE_SPACING_NS);
	assert_int_equal(
	    schedule_phase(0, NS_PER_S, 99, 100), 99 * NS_PER_S / 100); /* too many for the spacing */
}

static void backoff_doubles_up_to_its_limit(void **state)
{
	static const int64_t seconds[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	int64_t last = 0;
	for (size_t i = 0; i < COUNT(seconds); i++) {
		last = schedule_backoff(last, 60 * NS_PER_S);
		assert_int_equal(last, seconds[i] * NS_PER_S);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_are_one_request),
		cmocka_unit_test(gaps_are_read_along_up_to_the_limit),
		cmocka_unit_test(tables_and_rhythms_are_apart),
		cmocka_unit_test(a_request_has_at_most_the_devices_limit),
		cmocka_unit_test(several_points_of_one_register_are_one),
		cmocka_unit_test(bits_have_their_own_limit),
		cmocka_unit_test(the_last_address_is_in_reach),
		cmocka_unit_test(a_refused_block_is_split_down_to_its_points),
		cmocka_unit_test(a_hole_is_never_read_along),
		cmocka_unit_test(no_points_no_requests),
		cmocka_unit_test(wire_time_of_a_full_request),
		cmocka_unit_test(load_of_a_line),
		cmocka_unit_test(missed_slots_are_skipped_and_counted),
		cmocka_unit_test(what_is_read_once_is_never_due_again),
		cmocka_unit_test(a_probe_waits_for_a_pause),
		cmocka_unit_test(credit_grows_by_a_fiftieth_of_the_time),
		cmocka_unit_test(phases_leave_one_pause),
		cmocka_unit_test(backoff_doubles_up_to_its_limit),
	};
	return cmocka_run_group_tests_name("poll_plan", tests, NULL, NULL);
}
