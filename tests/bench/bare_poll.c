/* The bare library: reads the same blocks of the same devices as coolantd does, and does nothing with them.
 *
 * bare_poll burst|spread SECONDS BLOCK[,BLOCK…] PORT…   with BLOCK = ADDRESS+COUNT of holding registers of
 * unit 1
 *
 * One thread that reads every port once a second: one right after the other, or spread over the second as a
 * poller does that must not burden its network in bursts. Prints, as JSON, the requests that were answered
 * and how far the time between two readings of a device was off a second (p50, p99 and maximum, in ms).
 */
#include <errno.h>
#include <math.h>
#include <modbus.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCKS_MAX 16
#define NS_PER_S 1000000000L

struct block {
	int address, count;
};

struct jitter {
	double *last, *off;
	size_t off_count;
};

static int parse_blocks(char *text, struct block *blocks)
{
	int n = 0;
	for (char *part = strtok(text, ","); part; part = strtok(NULL, ","), n++)
		if (n == BLOCKS_MAX || sscanf(part, "%d+%d", &blocks[n].address, &blocks[n].count) != 2)
			return -1;
	return n;
}

static void sleep_ns(struct timespec *t, long ns)
{
	t->tv_nsec += ns;
	t->tv_sec += t->tv_nsec / NS_PER_S;
	t->tv_nsec %= NS_PER_S;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, t, NULL) != 0)
		continue;
}

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void note_time(struct jitter *j, int device)
{
	double now = now_ms();
	if (j->last[device] > 0)
		j->off[j->off_count++] = fabs(now - j->last[device] - 1000);
	j->last[device] = now;
}

static int by_size(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;
	return (d > 0) - (d < 0);
}

static double percentile(const struct jitter *j, size_t percent)
{
	size_t i = j->off_count * percent / 100;
	return j->off_count == 0 ? NAN : j->off[i < j->off_count ? i : j->off_count - 1];
}

int main(int argc, char **argv)
{
	struct block blocks[BLOCKS_MAX];
	uint16_t registers[MODBUS_MAX_READ_REGISTERS];
	int block_count = argc > 4 ? parse_blocks(argv[3], blocks) : -1, ports = argc - 4;
	if (block_count < 0)
		return 2;
	bool spread = strcmp(argv[1], "spread") == 0;
	int seconds = atoi(argv[2]);
	long answered = 0;

	modbus_t **contexts = calloc((size_t)ports, sizeof(*contexts));
	for (int i = 0; i < ports; i++) {
		contexts[i] = modbus_new_tcp("127.0.0.1", atoi(argv[4 + i]));
		modbus_set_slave(contexts[i], 1);
		if (modbus_connect(contexts[i]) < 0) {
			fprintf(stderr, "bare_poll: port %s: %s\n", argv[4 + i], modbus_strerror(errno));
			return 1;
		}
	}
	struct jitter jitter = { calloc((size_t)ports, sizeof(double)),
		calloc((size_t)ports * (size_t)seconds, sizeof(double)), 0 };
	struct timespec next;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (int s = 0; s < seconds; s++) {
		for (int i = 0; i < ports; i++) {
			for (int b = 0; b < block_count; b++)
				answered += modbus_read_registers(contexts[i], blocks[b].address,
						blocks[b].count, registers) > 0;
			note_time(&jitter, i);
			if (spread)
				sleep_ns(&next, NS_PER_S / ports);
		}
		if (!spread)
			sleep_ns(&next, NS_PER_S);
	}
	for (int i = 0; i < ports; i++) {
		modbus_close(contexts[i]);
		modbus_free(contexts[i]);
	}
	qsort(jitter.off, jitter.off_count, sizeof(double), by_size);
	printf("{\"answered\": %ld, \"p50\": %.2f, \"p99\": %.2f, \"max\": %.2f}\n", answered,
	    percentile(&jitter, 50), percentile(&jitter, 99), percentile(&jitter, 100));
	free(contexts);
	free(jitter.last);
	free(jitter.off);
	return 0;
}
