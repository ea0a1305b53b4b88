/* A gateway of scripted units on loopback, and what a scan finds behind it. */
#include "unit.h"

#include "drivers/modbus/scan.h"
#include "drivers/os/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_LENGTH 12

/* The PDU that each unit answers with; none is silence, CLOSES ends the connection. */
#define CLOSES 0xff
static const struct {
	uint8_t length, pdu[5];
} units[] = {
	[1] = { 4, { 3, 2, 0, 7 } },	/* a register */
	[2] = { 2, { 0x83, 2 } },	/* no register 0, but a device */
	[3] = { 0, { 0 } },		/* nobody */
	[4] = { 2, { 0x83, 11 } },	/* the gateway: target failed to respond */
	[5] = { 5, { 3, 3, 1, 2, 3 } }, /* not what was asked for */
	[6] = { CLOSES, { 0 } },
	[7] = { 4, { 3, 2, 0, 9 } },
};

static void serve(int fd)
{
	uint8_t request[REQUEST_LENGTH];
	while (recv(fd, request, sizeof(request), MSG_WAITALL) == REQUEST_LENGTH) {
		uint8_t unit = request[6], length = units[unit].length;
		if (length == CLOSES)
			break;
		if (length == 0)
			continue;
		uint8_t reply[16] = { request[0], request[1], 0, 0, 0, (uint8_t)(length + 1), unit };
		memcpy(reply + 7, units[unit].pdu, length);
		assert_int_equal(send(fd, reply, 7u + length, MSG_NOSIGNAL), 7 + length);
	}
	close(fd);
}

static void *gateway(void *user)
{
	int listener = *(int *)user, fd;
	while ((fd = accept(listener, NULL, NULL)) >= 0)
		serve(fd);
	return NULL;
}

static bool write_down(const struct scan_finding *f, void *user)
{
	char *text = user;
	snprintf(text + strlen(text), 256 - strlen(text), "%u:%s%d%s ", f->unit, f->present ? "present " : "",
	    (int)f->result, f->latency_ns > 0 ? "" : " no latency");
	return true;
}

static struct bus_config bus_at(int listener)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	return (struct bus_config){ .name = "b",
		.type = BUS_TCP,
		.host = "127.0.0.1",
		.tcp_port = ntohs(address.sin_port),
		.connect_timeout = NS_PER_S,
		.response_timeout = 100 * NS_PER_MS };
}

static int listen_on_loopback(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void test_finds_who_answers(void **state)
{
	char why[MODBUS_WHY_MAX];
	int listener = listen_on_loopback(), stop = eventfd(0, EFD_CLOEXEC);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, gateway, &listener), 0);
	struct bus_config bus = bus_at(listener);

	char found[256] = "", expected[256];
	assert_int_equal(modbus_scan(&bus, stop, 1, 7, write_down, found, why), 0);
	snprintf(expected, sizeof(expected),
	    "1:present %d 2:present %d 3:%d no latency 4:%d no latency 5:%d no latency 6:%d no latency "
	    "7:present %d ",
	    EXCHANGE_OK, EXCHANGE_EXCEPTION, EXCHANGE_TIMEOUT, EXCHANGE_EXCEPTION, EXCHANGE_BAD_REPLY,
	    EXCHANGE_CLOSED, EXCHANGE_OK);
	assert_string_equal(found, expected);

	found[0] = '\0';
	assert_int_equal(eventfd_write(stop, 1), 0);
	assert_int_equal(modbus_scan(&bus, stop, 3, 3, write_down, found, why), -ECANCELED);
	assert_string_equal(found, "");

	shutdown(listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listener);
	close(stop);
}

static void test_says_when_nobody_listens(void **state)
{
	char why[MODBUS_WHY_MAX];
	int listener = listen_on_loopback(), stop = eventfd(0, EFD_CLOEXEC);
	struct bus_config bus = bus_at(listener);
	char found[256] = "";
	close(listener);
	assert_int_equal(modbus_scan(&bus, stop, 1, 7, write_down, found, why), -ECONNREFUSED);
	assert_string_equal(found, "");
	close(stop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_who_answers),
		cmocka_unit_test(test_says_when_nobody_listens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
