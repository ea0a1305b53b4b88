/* What the spool takes and gives: rates of appending and of draining, bytes for a value, bytes written for
 * it.
 *
 * spool FOLDER [SECONDS]   the file is made in FOLDER and removed; SECONDS of data (default 300)
 *
 * A second of data is two batches of a row: 30 devices with 40 values each, of which a random walk moves
 * some. No other time passes between the batches than the disk takes.
 */
#include "daemon/spool/spool.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEVICES = 30, VALUES = 40, BATCHES_PER_SECOND = 2, TEND_EVERY = 20 };

static double walk[DEVICES][VALUES];

static struct message *reading(int device, uint64_t seq, uint64_t *values)
{
	char topic[64], *payload = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&payload, &size);
	const char *comma = "";
	fprintf(f, "{\"ts\":%" PRIu64 ",\"seq\":%" PRIu64 ",\"values\":{",
	    UINT64_C(1764000000000) + seq * 500, seq);
	for (int v = 0; v < VALUES; v++) {
		if (random() % 3 != 0)
			continue;
		walk[device][v] += (double)(random() % 201 - 100) / 100;
		fprintf(f, "%s\"value_%d\":%.2f", comma, v, walk[device][v]);
		comma = ",";
		++*values;
	}
	fprintf(f, "},\"quality\":{}}");
	fclose(f);
	snprintf(topic, sizeof(topic), "coolant/dc1/r07/history/device/d%d", device);
	return message_new(topic, NULL, payload, size, 0, (int64_t)seq * 500);
}

/* What the disk was asked to write by this process so far. */
static uint64_t written(void)
{
	char line[128];
	uint64_t n = 0;
	FILE *f = fopen("/proc/self/io", "r");
	while (f && fgets(line, sizeof(line), f))
		(void)sscanf(line, "write_bytes: %" SCNu64, &n);
	if (f)
		fclose(f);
	return n;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "spool: %s: %s\n", what, strerror(-err));
	return 1;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	char path[4096], why[DB_WHY_MAX];
	snprintf(path, sizeof(path), "%s/bench-spool.db", argv[1]);
	int batches = BATCHES_PER_SECOND * (argc > 2 ? atoi(argv[2]) : 300), r;
	uint64_t values = 0, messages = 0, id = 0, before = written();
	int64_t spent = 0;
	struct spool *s;
	r = spool_open(
	    &s, path, "coolant/dc1/r07", (struct spool_limits){ INT64_C(1) << 30, 86400 * NS_PER_S }, 0, why);
	if (r < 0)
		return fail(why, r);
	for (int b = 0; b < batches; b++) {
		struct message_list l = { 0 };
		for (int d = 0; d < DEVICES; d++)
			message_list_append(&l, reading(d, (uint64_t)b, &values));
		messages += l.count;
		int64_t begin = clock_boottime();
		r = spool_append(s, ++id, &l, false, begin);
		if (r >= 0 && b % TEND_EVERY == 0)
			r = spool_tend(s, begin);
		spent += clock_boottime() - begin;
		message_list_clear(&l);
		if (r < 0)
			return fail("append", r);
	}
	double seconds = (double)spent / NS_PER_S, size = (double)spool_describe(s).bytes;
	printf("append: %.0f batches/s, %.0f messages/s, %.0f values/s with a sync for each batch, packing "
	       "included\n",
	    batches / seconds, (double)messages / seconds, (double)values / seconds);
	printf("size: %.2f bytes per value, %.2f written per value\n", size / (double)values,
	    (double)(written() - before) / (double)values);

	int64_t begin = clock_boottime();
	uint64_t drained = 0;
	struct spool_batch batch;
	while ((r = spool_load(s, 0, &batch)) == 1) {
		drained += batch.messages.count;
		message_list_clear(&batch.messages);
		r = spool_delete(s, batch.id);
		if (r < 0)
			break;
	}
	if (r < 0)
		return fail("drain", r);
	seconds = (double)(clock_boottime() - begin) / NS_PER_S;
	printf("drain: %.0f messages/s, %s\n", (double)drained / seconds,
	    drained == messages ? "all of them" : "SOME ARE MISSING");
	spool_close(s);
	(void)unlink(path);
	return drained == messages ? 0 : 1;
}
