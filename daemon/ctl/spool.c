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

/* Most connections to brokers that there are. */
#define CONNECTIONS_MAX 8

struct connection_look {
	const char *name; /* of its section */
	int64_t depth, bytes, dropped, oldest_ms;
	bool connected, has_oldest;
	const char *problem;
	double rate; /* messages a second that it becomes less; NAN = not known */
};

struct look {
	int64_t ts_ms;
	struct connection_look items[CONNECTIONS_MAX]; /* the main one first */
	size_t count;
};

/* `of` has the publisher and the spool of a connection. */
static void add(struct look *l, struct arena *a, const char *name, const json_t *of)
{
	const json_t *spool = json_object_get(of, "spool"), *oldest = json_object_get(spool, "oldest");
	if (l->count == CONNECTIONS_MAX)
		return;
	l->items[l->count++] = (struct connection_look){ .name = arena_strdup(a, name),
		.depth = json_integer_value(json_object_get(spool, "depth")),
		.bytes = json_integer_value(json_object_get(spool, "bytes")),
		.dropped = json_integer_value(json_object_get(spool, "dropped")),
		.oldest_ms = json_integer_value(oldest),
		.has_oldest = json_is_integer(oldest),
		.connected = json_is_true(json_object_get(json_object_get(of, "publisher"), "connected")),
		.problem = arena_strdup(a, values_text(spool, "problem")),
		.rate = NAN };
}

static int look(struct ctl *c, struct look *ret)
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	const char *name;
	json_t *of;
	int code = client_get(c, "/v1/status", &reply);
	if (code != CTL_GOOD)
		return code;
	*ret = (struct look){ .ts_ms = json_integer_value(json_object_get(reply.json, "ts")) };
	add(ret, c->arena, "mqtt", reply.json);
	json_object_foreach(json_object_get(reply.json, "connections"), name, of)
	    add(ret, c->arena, name, of);
	return CTL_GOOD;
}

static bool is_empty(const struct look *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].depth > 0)
			return false;
	return true;
}

static int look_twice(struct ctl *c, struct look *ret)
{
	struct look before = { 0 };
	int code = look(c, &before);
	*ret = before;
	if (code != CTL_GOOD || is_empty(&before))
		return code;
	(void)poll(NULL, 0, RATE_MS);
	code = look(c, ret);
	const int64_t passed_ms = ret->ts_ms - before.ts_ms;
	for (size_t i = 0; i < ret->count && i < before.count && passed_ms > 0; i++)
		ret->items[i].rate =
		    (double)(before.items[i].depth - ret->items[i].depth) * 1e3 / (double)passed_ms;
	return code;
}

static void put(struct table *t, enum table_style style, const char *what, const char *how)
{
	table_cell(t, TABLE_PLAIN, "%s", what);
	table_cell(t, style, "%s", how);
}

static const char *rate_words(struct arena *a, const struct connection_look *l)
{
	if (isnan(l->rate))
		return "-";
	if (l->rate > 0)
		return arena_printf(a, "%.0f messages/s less, empty in about %s", l->rate,
		    values_span(a, (int64_t)((double)l->depth / l->rate * 1e3)));
	return l->rate < 0 ? arena_printf(a, "%.0f messages/s more", -l->rate) : "as many as before";
}

static void put_connection(struct table *t, struct arena *a, const struct connection_look *l)
{
	put(t, TABLE_STRONG, "connection", arena_printf(a, "[%s]", l->name));
	put(t, l->connected ? TABLE_PLAIN : TABLE_BAD, "broker",
	    l->connected ? "connected" : "not connected");
	put(t, TABLE_PLAIN, "depth", arena_printf(a, "%lld messages", (long long)l->depth));
	put(t, TABLE_PLAIN, "oldest", l->has_oldest ? values_moment(a, l->oldest_ms) : "-");
	put(t, TABLE_PLAIN, "size", values_size(a, (double)l->bytes));
	put(t, l->rate < 0 ? TABLE_WARNING : TABLE_PLAIN, "rate", rate_words(a, l));
	put(t, l->dropped ? TABLE_WARNING : TABLE_PLAIN, "dropped",
	    arena_printf(a, "%lld messages since the start", (long long)l->dropped));
	put(t, *l->problem ? TABLE_BAD : TABLE_PLAIN, "problem", *l->problem ? l->problem : "none");
}

static void print(struct ctl *c, const struct look *l)
{
	static const struct table_column columns[] = { { "SPOOL" }, { "" } };
	struct table *t = table_new(c->arena, columns, 2);
	for (size_t i = 0; i < l->count; i++)
		put_connection(t, c->arena, &l->items[i]);
	table_print(t);
}

static json_t *connection_json(const struct connection_look *l)
{
	return json_pack("{s:b, s:I, s:I, s:I, s:o, s:o, s:o}", "connected", l->connected, "depth",
	    (json_int_t)l->depth, "bytes", (json_int_t)l->bytes, "dropped", (json_int_t)l->dropped, "oldest",
	    l->has_oldest ? json_integer(l->oldest_ms) : json_null(), "rate",
	    isnan(l->rate) ? json_null() : json_real(l->rate), "problem",
	    *l->problem ? json_string(l->problem) : json_null());
}

static int print_json(struct ctl *c, const struct look *l)
{
	json_t *all = connection_json(&l->items[0]), *others = json_object();
	for (size_t i = 1; i < l->count; i++)
		json_object_set_new(others, l->items[i].name, connection_json(&l->items[i]));
	json_object_set_new(all, "ts", json_integer(l->ts_ms));
	json_object_set_new(all, "connections", others);
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
