#include "daemon/control/pue_trace.h"

#include "drivers/os/clock.h"

#include <stdlib.h>

static size_t bytes_of(const struct trace_window *w, size_t meters)
{
	return (size_t)(w->bucket_count + 1) * (sizeof(*w->keys) + meters * sizeof(*w->millijoules)) +
	       (size_t)w->mark_count * meters * sizeof(*w->marks);
}

static bool init_window(struct trace_window *w, size_t meters)
{
	w->keys = calloc((size_t)w->bucket_count + 1, sizeof(*w->keys));
	w->millijoules = calloc((size_t)(w->bucket_count + 1) * meters, sizeof(*w->millijoules));
	w->marks = calloc((size_t)w->mark_count * meters, sizeof(*w->marks));
	return w->keys && w->millijoules && w->marks;
}

struct pue_trace *pue_trace_new(
    size_t meter_count, const struct pue_ring *windows, size_t window_count, int64_t ahead_s, size_t bytes)
{
	size_t taken = 0;
	struct pue_trace *t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->meter_count = meter_count;
	for (size_t i = 0; i < window_count; i++) {
		const struct pue_ring *r = &windows[i];
		struct trace_window *w = &t->windows[i];
		*w = (struct trace_window){ .bucket_s = r->bucket_s,
			.bucket_count = r->bucket_count,
			.mark_count = r->bucket_count + 2 + ahead_s / r->bucket_s };
		taken += bytes_of(w, meter_count);
		if (taken > bytes || taken > PUE_TRACE_BYTES_MAX)
			break;
		t->window_count++;
		if (init_window(w, meter_count))
			continue;
		pue_trace_free(t);
		return NULL;
	}
	return t;
}

void pue_trace_free(struct pue_trace *t)
{
	for (size_t i = 0; t && i < t->window_count; i++) {
		free(t->windows[i].keys);
		free(t->windows[i].millijoules);
		free(t->windows[i].marks);
	}
	free(t);
}

static int64_t *bucket_of(const struct pue_trace *t, const struct trace_window *w, size_t meter, int64_t key)
{
	return &w->millijoules[(int64_t)meter * (w->bucket_count + 1) + key % (w->bucket_count + 1)];
}

/* Whether the bucket is one of the window that ends at `last`; made anew when it is of a time before it. */
static bool take_bucket(const struct pue_trace *t, struct trace_window *w, int64_t key, int64_t last)
{
	uint32_t *is = &w->keys[key % (w->bucket_count + 1)];
	if (*is == key)
		return true;
	if (*is > key && *is <= last)
		return false;
	*is = (uint32_t)key;
	for (size_t i = 0; i < t->meter_count; i++)
		*bucket_of(t, w, i, key) = 0;
	return true;
}

static int64_t share(int64_t whole, int64_t at, int64_t count)
{
	return (int64_t)((__int128)whole * at / count);
}

static void add_to_window(const struct pue_trace *t, struct trace_window *w, const struct pue_cells *cells,
    const struct meter_cell *parts, int64_t until)
{
	const int64_t bucket = w->bucket_s, last = until / w->bucket_s;
	int64_t oldest = (last - w->bucket_count) * bucket,
		at = oldest > cells->cell ? oldest - cells->cell : 0;
	for (int64_t end; at < cells->count; at = end) {
		int64_t key = (cells->cell + at) / bucket, edge = (key + 1) * bucket - cells->cell;
		end = edge < cells->count ? edge : cells->count;
		if (!take_bucket(t, w, key, last))
			continue;
		for (size_t i = 0; i < t->meter_count; i++)
			*bucket_of(t, w, i, key) += share(parts[i].millijoules, end, cells->count) -
						    share(parts[i].millijoules, at, cells->count);
	}
}

void pue_trace_add(
    struct pue_trace *t, const struct pue_cells *cells, const struct meter_cell *parts, int64_t until)
{
	for (size_t i = 0; t && i < t->window_count; i++)
		add_to_window(t, &t->windows[i], cells, parts, until);
}

static int32_t apart_ms(int64_t ns)
{
	const int64_t ms = ns / NS_PER_MS;
	return ms < INT32_MIN ? INT32_MIN : ms > INT32_MAX ? INT32_MAX : (int32_t)ms;
}

/* Of a long piece only the edges that the window still has. */
static void mark_edges(struct trace_window *w, size_t meter, const struct meter_piece *p)
{
	const int64_t bucket_ns = w->bucket_s * NS_PER_S, last = p->until_ns / bucket_ns;
	int64_t key = (p->from_ns + bucket_ns - 1) / bucket_ns;
	if (last - key >= w->mark_count)
		key = last - w->mark_count + 1;
	for (; key <= last; key++) {
		const int64_t edge = key * bucket_ns;
		const double part = (double)(edge - p->from_ns) / (double)(p->until_ns - p->from_ns);
		w->marks[(int64_t)meter * w->mark_count + key % w->mark_count] = (struct trace_mark){
			.key = (uint32_t)key,
			.from_ms = apart_ms(p->first.time_ns - edge),
			.until_ms = apart_ms(p->last.time_ns - edge),
			.from = p->first.joules,
			.until = p->last.joules,
			.at = p->first.joules + p->before + part * p->joules,
		};
	}
}

void pue_trace_piece(void *user, size_t meter, const struct meter_piece *p)
{
	struct pue_trace *t = user;
	for (size_t i = 0; i < t->window_count; i++)
		mark_edges(&t->windows[i], meter, p);
}

void pue_trace_jump(void *user, size_t meter, const struct meter_jump *j)
{
	struct pue_trace *t = user;
	t->jumps[t->jump_count % PUE_TRACE_JUMPS_MAX] = *j;
	t->jump_meters[t->jump_count % PUE_TRACE_JUMPS_MAX] = meter;
	t->jump_count++;
}

static void save_window(const struct pue_trace *t, const struct trace_window *w, struct bytes_writer *to)
{
	const int64_t buckets = w->bucket_count + 1, marks = w->mark_count * (int64_t)t->meter_count;
	bytes_put_integer(to, w->bucket_s);
	bytes_put_integer(to, w->bucket_count);
	for (int64_t i = 0; i < buckets; i++) {
		if (w->keys[i] == 0)
			continue;
		bytes_put_integer(to, w->keys[i]);
		for (size_t k = 0; k < t->meter_count; k++)
			bytes_put_integer(to, *bucket_of(t, w, k, w->keys[i]));
	}
	bytes_put_integer(to, 0);
	for (int64_t i = 0; i < marks; i++) {
		const struct trace_mark *m = &w->marks[i];
		if (m->key == 0)
			continue;
		bytes_put_integer(to, m->key);
		bytes_put_integer(to, i / w->mark_count);
		bytes_put_integer(to, m->from_ms);
		bytes_put_integer(to, m->until_ms);
		bytes_put_number(to, m->from);
		bytes_put_number(to, m->until);
		bytes_put_number(to, m->at);
	}
	bytes_put_integer(to, 0);
}

void pue_trace_save(const struct pue_trace *t, struct bytes_writer *w)
{
	const size_t n = t->jump_count < PUE_TRACE_JUMPS_MAX ? t->jump_count : PUE_TRACE_JUMPS_MAX;
	bytes_put_integer(w, (int64_t)t->meter_count);
	bytes_put_integer(w, (int64_t)t->window_count);
	for (size_t i = 0; i < t->window_count; i++)
		save_window(t, &t->windows[i], w);
	bytes_put_integer(w, (int64_t)n);
	for (size_t i = t->jump_count - n; i < t->jump_count; i++) {
		const struct meter_jump *j = &t->jumps[i % PUE_TRACE_JUMPS_MAX];
		bytes_put_integer(w, (int64_t)t->jump_meters[i % PUE_TRACE_JUMPS_MAX]);
		bytes_put_integer(w, (int64_t)j->kind);
		bytes_put_integer(w, j->from.time_ns);
		bytes_put_number(w, j->from.joules);
		bytes_put_integer(w, j->until.time_ns);
		bytes_put_number(w, j->until.joules);
		bytes_put_number(w, j->joules);
		bytes_put_number(w, j->watts);
	}
}

/* `w` NULL = nowhere: it is read over. */
static void load_window(const struct pue_trace *t, struct trace_window *w, struct bytes_reader *r)
{
	int64_t key;
	while ((key = bytes_take_within(r, 0, UINT32_MAX)) > 0) {
		if (w)
			w->keys[key % (w->bucket_count + 1)] = (uint32_t)key;
		for (size_t k = 0; k < t->meter_count; k++) {
			const int64_t millijoules = bytes_take_integer(r);
			if (w)
				*bucket_of(t, w, k, key) = millijoules;
		}
	}
	while ((key = bytes_take_within(r, 0, UINT32_MAX)) > 0) {
		const int64_t meter = bytes_take_within(r, 0, (int64_t)t->meter_count - 1);
		struct trace_mark m = { .key = (uint32_t)key };
		m.from_ms = (int32_t)bytes_take_within(r, INT32_MIN, INT32_MAX);
		m.until_ms = (int32_t)bytes_take_within(r, INT32_MIN, INT32_MAX);
		m.from = bytes_take_number(r);
		m.until = bytes_take_number(r);
		m.at = bytes_take_number(r);
		if (w)
			w->marks[meter * w->mark_count + key % w->mark_count] = m;
	}
}

static struct trace_window *find_window(struct pue_trace *t, int64_t bucket_s, int64_t bucket_count)
{
	for (size_t i = 0; i < t->window_count; i++)
		if (t->windows[i].bucket_s == bucket_s && t->windows[i].bucket_count == bucket_count)
			return &t->windows[i];
	return NULL;
}

static void load_jump(struct pue_trace *t, struct bytes_reader *r)
{
	const size_t meter = (size_t)bytes_take_within(r, 0, (int64_t)t->meter_count - 1);
	struct meter_jump j = { .kind =
				    (enum meter_jump_kind)bytes_take_within(r, METER_BEGAN, METER_STOOD) };
	j.from.time_ns = bytes_take_integer(r);
	j.from.joules = bytes_take_number(r);
	j.until.time_ns = bytes_take_integer(r);
	j.until.joules = bytes_take_number(r);
	j.joules = bytes_take_number(r);
	j.watts = bytes_take_number(r);
	if (!r->bad)
		pue_trace_jump(t, meter, &j);
}

void pue_trace_load(struct pue_trace *t, struct bytes_reader *r)
{
	if (bytes_take_integer(r) != (int64_t)t->meter_count || t->meter_count == 0)
		return;
	for (int64_t n = bytes_take_within(r, 0, CONFIG_PUE_WINDOWS_MAX); n > 0 && !r->bad; n--) {
		const int64_t bucket_s = bytes_take_integer(r), bucket_count = bytes_take_integer(r);
		load_window(t, find_window(t, bucket_s, bucket_count), r);
	}
	for (int64_t n = bytes_take_within(r, 0, PUE_TRACE_JUMPS_MAX); n > 0 && !r->bad; n--)
		load_jump(t, r);
}

double pue_trace_joules(
    const struct pue_trace *t, size_t window, size_t meter, int64_t from_ms, int64_t until_ms)
{
	const struct trace_window *w = &t->windows[window];
	double sum = 0;
	/* a clock that was never set is near 1970 */
	for (int64_t key = from_ms > 0 ? from_ms / 1000 / w->bucket_s : 0;
	     key < until_ms / 1000 / w->bucket_s; key++)
		if (w->keys[key % (w->bucket_count + 1)] == key)
			sum += (double)*bucket_of(t, w, meter, key) / 1000;
	return sum;
}

const struct trace_mark *pue_trace_mark(const struct pue_trace *t, size_t window, size_t meter, int64_t at_ms)
{
	const struct trace_window *w = &t->windows[window];
	const int64_t key = at_ms > 0 ? at_ms / 1000 / w->bucket_s : 0;
	const struct trace_mark *m = &w->marks[(int64_t)meter * w->mark_count + key % w->mark_count];
	return m->key == key && key > 0 ? m : NULL;
}

int64_t pue_trace_since_ms(const struct pue_trace *t)
{
	const struct meter_jump *oldest = &t->jumps[t->jump_count % PUE_TRACE_JUMPS_MAX];
	return t->jump_count > PUE_TRACE_JUMPS_MAX ? oldest->until.time_ns / NS_PER_MS : 0;
}

const struct meter_jump *pue_trace_next(
    const struct pue_trace *t, size_t meter, const struct meter_jump *before)
{
	const size_t n = PUE_TRACE_JUMPS_MAX, oldest = t->jump_count > n ? t->jump_count - n : 0;
	size_t i = oldest;
	if (before) /* its place in the ring tells how many came before it */
		i = oldest + ((size_t)(before - t->jumps) + n - oldest % n) % n + 1;
	for (; i < t->jump_count; i++)
		if (t->jump_meters[i % n] == meter)
			return &t->jumps[i % n];
	return NULL;
}
