/* The bare library: reads the same blocks of the same devices as coolantd does, and does nothing with them.
 *
 * bare_poll SECONDS BLOCK[,BLOCK…] PORT…   with BLOCK = ADDRESS+COUNT of holding registers of unit 1
 *
 * One thread that reads every port once a second. Prints the requests that were answered.
 */
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BLOCKS_MAX 16

struct block {
	int address, count;
};

static void sleep_until(struct timespec *t)
{
	t->tv_sec++;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, t, NULL) != 0)
		continue;
}

int main(int argc, char **argv)
{
	struct block blocks[BLOCKS_MAX];
	int block_count = 0, ports = argc - 3;
	long answered = 0;
	if (argc < 4)
		return 2;
	char *text = strtok(argv[2], ",");
	while (text && block_count < BLOCKS_MAX) {
		if (sscanf(text, "%d+%d", &blocks[block_count].address, &blocks[block_count].count) != 2)
			return 2;
		block_count++;
		text = strtok(NULL, ",");
	}

	modbus_t **contexts = calloc((size_t)ports, sizeof(*contexts));
	for (int i = 0; i < ports; i++) {
		contexts[i] = modbus_new_tcp("127.0.0.1", atoi(argv[3 + i]));
		modbus_set_slave(contexts[i], 1);
		if (modbus_connect(contexts[i]) < 0) {
			fprintf(stderr, "bare_poll: port %s: %s\n", argv[3 + i], modbus_strerror(0));
			return 1;
		}
	}
	struct timespec next;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (int s = atoi(argv[1]); s > 0; s--) {
		uint16_t registers[MODBUS_MAX_READ_REGISTERS];
		for (int i = 0; i < ports; i++)
			for (int b = 0; b < block_count; b++)
				answered += modbus_read_registers(contexts[i], blocks[b].address,
						blocks[b].count, registers) > 0;
		sleep_until(&next);
	}
	for (int i = 0; i < ports; i++) {
		modbus_close(contexts[i]);
		modbus_free(contexts[i]);
	}
	free(contexts);
	printf("%ld\n", answered);
	return 0;
}
