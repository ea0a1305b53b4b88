/* Arbitrary bytes as the reply of a device, through the real receive path of TCP and RTU, down to decoded
 * values.
 *
 * Byte 0 of the input chooses the transport, the table, and the count; the rest is what comes after the
 * request. The other end of a socket pair plays the device: it waits for the request, sends the bytes and
 * closes.
 */
#include "drivers/modbus/decoder.h"
#include "drivers/modbus/identification.h"
#include "drivers/modbus/link.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct peer {
	int fd;
	const uint8_t *data;
	size_t size;
};

static void *play_device(void *user)
{
	struct peer *p = user;
	uint8_t request[64];
	if (read(p->fd, request, sizeof(request)) > 0)
		(void)!write(p->fd, p->data, p->size);
	shutdown(p->fd, SHUT_RDWR);
	return NULL;
}

/* Every type and order at the first registers: none may read past what was asked for, or make a value of no
 * registers. */
static void decode_all(const struct modbus_request *q, const struct modbus_reply *r)
{
	for (int type = POINT_U16; type <= POINT_STRING; type++) {
		struct point p = { .name = "p",
			.reg = { q->table, q->address },
			.type = type,
			.length = 4,
			.scale = 1,
			.bit = { -1, -1 },
			.bits = { -1, -1 },
			.min = NAN,
			.max = NAN };
		struct sample s = { 0 };
		if (point_is_bit_table(q->table) ? type != POINT_BOOL : point_length(&p) > q->count)
			continue;
		decoder_decode(&p, r->values, q->address, &s);
		if (s.value.kind == VALUE_TEXT)
			free(s.value.text);
		else if (s.quality == QUALITY_GOOD && !isfinite(value_number(&s.value)))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct bus_config buses[] = {
		{ .name = "tcp", .type = BUS_TCP, .baud = 115200, .response_timeout = 20000000 },
		{ .name = "rtu",
		    .type = BUS_RTUTCP,
		    .baud = 115200,
		    .parity = 'N',
		    .stop_bits = 1,
		    .response_timeout = 20000000 },
	};
	static struct modbus_reply reply;
	int fds[2];
	pthread_t thread;
	if (size < 1 || size > 600 || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		return 0;
	struct identification is; /* what a device says of itself is read by another hand */
	(void)identification_parse(data, size, &is);
	const struct bus_config *bus = &buses[data[0] & 1];
	const struct modbus_request q = { 5, (enum register_table)(data[0] >> 1 & 3), 100,
		(uint16_t)(1 + (data[0] >> 3)) };
	struct peer peer = { fds[1], data + 1, size - 1 };
	struct modbus_link link;
	int stop_fd = eventfd(0, EFD_CLOEXEC);

	struct progress unwatched = { 0 };
	if (!modbus_link_init(&link, bus, stop_fd, &unwatched))
		abort();
	link.fd = fds[0];
	if (pthread_create(&thread, NULL, play_device, &peer) != 0)
		abort();
	if (modbus_link_exchange(&link, &q, &reply) == EXCHANGE_OK)
		decode_all(&q, &reply);
	shutdown(fds[1], SHUT_RDWR);
	pthread_join(thread, NULL);
	modbus_link_deinit(&link);
	close(fds[1]);
	close(stop_fd);
	return 0;
}
