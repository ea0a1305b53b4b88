/* spool: what waits for the broker, and whether it becomes less. */
#include "config/ini/cleanup.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/commands.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/values.h"

#include <math.h>
#include <poll.h>

/* Between the two looks that a rate is of. */
#define RATE_MS 1000

struct look {
	int64_t ts_ms, depth, bytes, dropped, oldest_ms;
	bool connected, has_oldest;
	const char *problem;
	double rate; /* messages a second that it becomes less; NAN = not known */
};

static int look(struct ctl *c, struct look *ret)
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	int code = client_get(c, "/v1/status", &reply);
	const json_t *spool = json_object_get(reply.json, "spool");
	const json_t *oldest = json_object_get(spool, "oldest");
	*ret = (struct look){ .ts_ms = json_integer_value(json_object_get(reply.json, "ts")),
		.depth = json_integer_value(json_object_get(spool, "depth")),
		.bytes = json_integer_value(json_object_get(spool, "bytes")),
		.dropped = json_integer_value(json_object_get(spool, "dropped")),
		.oldest_ms = json_integer_value(oldest),
		.has_oldest = json_is_integer(oldest),
		.connected =
		    json_is_true(json_object_get(json_object_get(reply.json, "publisher"), "connected")),
		.problem = arena_strdup(c->arena, values_text(spool, "problem")),
		.rate = NAN };
	return code;
}

static int look_twice(struct ctl *c, struct look *ret)
{
	struct look before;
	int code = look(c, &before);
	*ret = before;
	if (code != CTL_GOOD || before.depth == 0)
		return code;
	(void)poll(NULL, 0, RATE_MS);
	code = look(c, ret);
	if (ret->ts_ms > before.ts_ms)
		ret->rate = (double)(before.depth - ret->depth) * 1e3 / (double)(ret->ts_ms - before.ts_ms);
	return code;
}

static void put(struct table *t, enum table_style style, const char *what, const char *how)
{
	table_cell(t, TABLE_PLAIN, "%s", what);
	table_cell(t, style, "%s", how);
}

static const char *rate_words(struct arena *a, const struct look *l)
{
	if (isnan(l->rate))
		return "-";
	if (l->rate > 0)
		return arena_printf(a, "%.0f messages/s less, empty in about %s", l->rate,
		    values_span(a, (int64_t)((double)l->depth / l->rate * 1e3)));
	return l->rate < 0 ? arena_printf(a, "%.0f messages/s more", -l->rate) : "as many as before";
}

static void print(struct ctl *c, const struct look *l)
{
	static const struct table_column columns[] = { { "SPOOL" }, { "" } };
	struct arena *a = c->arena;
	struct table *t = table_new(a, columns, 2);
	put(t, l->connected ? TABLE_PLAIN : TABLE_BAD, "broker",
	    l->connected ? "connected" : "not connected");
	put(t, TABLE_PLAIN, "depth", arena_printf(a, "%lld messages", (long long)l->depth));
	put(t, TABLE_PLAIN, "oldest", l->has_oldest ? values_moment(a, l->oldest_ms) : "-");
	put(t, TABLE_PLAIN, "size", values_size(a, (double)l->bytes));
	put(t, l->rate < 0 ? TABLE_WARNING : TABLE_PLAIN, "rate", rate_words(a, l));
	put(t, l->dropped ? TABLE_WARNING : TABLE_PLAIN, "dropped",
	    arena_printf(a, "%lld messages since the start", (long long)l->dropped));
	put(t, *l->problem ? TABLE_BAD : TABLE_PLAIN, "problem", *l->problem ? l->problem : "none");
	table_print(t);
}

static int print_json(struct ctl *c, const struct look *l)
{
	json_t *all =
	    json_pack("{s:I, s:b, s:I, s:I, s:I, s:o, s:o, s:o}", "ts", (json_int_t)l->ts_ms, "connected",
		l->connected, "depth", (json_int_t)l->depth, "bytes", (json_int_t)l->bytes, "dropped",
		(json_int_t)l->dropped, "oldest", l->has_oldest ? json_integer(l->oldest_ms) : json_null(),
		"rate", isnan(l->rate) ? json_null() : json_real(l->rate), "problem",
		*l->problem ? json_string(l->problem) : json_null());
	int code = values_print(c->arena, all);
	json_decref(all);
	return code;
}

static int run(struct ctl *c)
{
	struct look l;
	int code = look_twice(c, &l);
	if (code != CTL_GOOD)
		return code;
	if (c->json)
		return print_json(c, &l);
	print(c, &l);
	return CTL_GOOD;
}

const struct command spool_command = {
	.name = "spool",
	.arguments = "",
	.help = "what waits for the broker: depth, oldest, size, and how fast it becomes less",
	.about = "The rate is of two looks a second apart.",
	.schema = "ctl-spool",
	.run = run,
};
