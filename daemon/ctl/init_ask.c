#include "daemon/ctl/init_ask.h"

#include "config/ini/cleanup.h"
#include "config/ini/text.h"
#include "daemon/ctl/bus_url.h"
#include "daemon/ctl/printable.h"

#include <string.h>

/* A line that was typed, stripped; NULL at the end of the input. */
static const char *read_line(struct arena *a)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	if (getline(&line, &size, stdin) < 0)
		return NULL;
	return arena_strdup(a, text_strip(line));
}

/* An answer that a configuration with it alone is good with. `def` is what an empty one stands for; NULL = it
 * must not be empty. */
static const char *ask(struct arena *a, const char *question, const char *def,
    const char *(*wrong)(struct arena *a, const char *answer))
{
	for (;;) {
		fprintf(stderr, def && *def ? "%s [%s]: " : "%s: ", question, def ? def : "");
		const char *answer = read_line(a);
		if (!answer)
			return NULL;
		if (*answer == '\0' && def)
			return def;
		const char *why = *answer ? wrong(a, answer) : "an answer is needed";
		if (!why)
			return answer;
		fprintf(stderr, "  %s\n", printable(a, why));
	}
}

static const char *wrong_in(struct arena *a, const struct init_answers *x)
{
	const char *why = NULL, *text = init_text(x, a, &why);
	return text ? init_text_check(text, a) : why;
}

static const char *wrong_level(struct arena *a, const char *answer)
{
	const struct init_answers x = { .site = answer, .rack = answer };
	return wrong_in(a, &x);
}

static const char *wrong_broker(struct arena *a, const char *answer)
{
	const struct init_answers x = { .site = "s", .rack = "r", .broker = answer };
	return wrong_in(a, &x);
}

static const char *wrong_bus(struct arena *a, const char *answer)
{
	struct init_answers x = { .site = "s", .rack = "r" };
	if (!init_take_bus(&x, a, answer))
		return "not NAME=URL, as cdu=tcp://192.0.2.10 or cdu=rtu:///dev/ttyUSB0?baud=19200";
	return wrong_in(a, &x);
}

static const char *wrong_device(struct arena *a, const char *answer)
{
	struct init_answers x = { 0 };
	return init_take_device(&x, a, answer) ? NULL : "not NAME=BUS:UNIT:PROFILE, as cdu1=cdu:12:orv3-rpu";
}

static bool ask_buses(struct init_answers *x, struct arena *a)
{
	while (x->bus_count < INIT_BUSES_MAX) {
		const char *answer =
		    ask(a, "Bus as NAME=URL, as cdu=tcp://192.0.2.10 (empty: no more)", "", wrong_bus);
		if (!answer || !*answer)
			return answer != NULL;
		init_take_bus(x, a, answer);
		const char *why = wrong_in(a, x);
		if (why) {
			fprintf(stderr, "  %s\n", printable(a, why));
			x->bus_count--;
		}
	}
	return true;
}

/* Of buses that were named before, so it is checked with all of them. */
static bool ask_devices(struct init_answers *x, struct arena *a)
{
	while (x->bus_count > 0 && x->device_count < INIT_DEVICES_MAX) {
		const char *answer =
		    ask(a, "Device as NAME=BUS:UNIT:PROFILE, as cdu1=cdu:12:orv3-rpu (empty: no more)", "",
			wrong_device);
		if (!answer || !*answer)
			return answer != NULL;
		init_take_device(x, a, answer);
		const char *why = wrong_in(a, x);
		if (why) {
			fprintf(stderr, "  %s\n", printable(a, why));
			x->device_count--;
		}
	}
	return true;
}

bool init_ask(struct init_answers *x, struct arena *a)
{
	if (!x->site)
		x->site = ask(a, "Site", "dc1", wrong_level);
	if (x->site && !x->rack)
		x->rack = ask(a, "Rack or row that this controller stands beside", NULL, wrong_level);
	if (x->rack && !x->broker)
		x->broker = ask(a, "MQTT broker", "mqtt://localhost:1883", wrong_broker);
	return x->site && x->rack && x->broker && ask_buses(x, a) && ask_devices(x, a);
}
