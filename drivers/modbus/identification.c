#include "drivers/modbus/identification.h"

#include "drivers/modbus/bus_load.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FUNCTION 0x2b
#define MEI_TYPE 0x0e
#define CODE_BASIC 1
#define REQUEST_LENGTH 4 /* function, MEI type, code, first object */
#define HEAD_LENGTH 7	 /* of the reply: these, conformity, more, next, how many objects */
#define REFUSAL_LENGTH 2
#define MBAP_LENGTH 7
/* What a serial line has around a PDU: unit before it, CRC behind it. */
#define AROUND_PDU 3
/* Bytes of the longest such reply at the slowest baud rate would take seconds; a usual one has 60. */
#define USUAL_REGISTERS 30

static const uint8_t request[REQUEST_LENGTH] = { FUNCTION, MEI_TYPE, CODE_BASIC, 0 };

/* The length of the reply that begins here; 0 = too little of it is there, -EBADMSG = it is none. */
static int reply_length(const uint8_t *pdu, size_t n)
{
	size_t at = HEAD_LENGTH;
	if (n >= 1 && pdu[0] == (FUNCTION | MODBUS_EXCEPTION_BIT))
		return n >= REFUSAL_LENGTH ? REFUSAL_LENGTH : 0;
	if (n < HEAD_LENGTH)
		return 0;
	if (pdu[0] != FUNCTION || pdu[1] != MEI_TYPE)
		return -EBADMSG;
	for (unsigned i = 0; i < pdu[6]; i++) {
		if (at + 2 > n)
			return 0;
		at += 2u + pdu[at + 1];
	}
	return at <= n ? (int)at : 0;
}

static void put(char to[static IDENTIFICATION_TEXT_MAX], const uint8_t *from, size_t n)
{
	size_t used = 0;
	for (size_t i = 0; i < n && used < IDENTIFICATION_TEXT_MAX - 1; i++)
		if (from[i] >= 0x20 && from[i] < 0x7f)
			to[used++] = (char)from[i];
	while (used > 0 && to[used - 1] == ' ')
		used--;
	to[used] = '\0';
}

int identification_parse(const uint8_t *pdu, size_t n, struct identification *ret)
{
	*ret = (struct identification){ 0 };
	/* a refusal has a length too */
	if (n < HEAD_LENGTH || pdu[0] != FUNCTION || reply_length(pdu, n) <= 0)
		return -EBADMSG;
	size_t at = HEAD_LENGTH;
	for (unsigned i = 0; i < pdu[6]; i++) {
		char *const texts[] = { ret->vendor, ret->product, ret->revision };
		uint8_t object = pdu[at], length = pdu[at + 1];
		if (object < sizeof(texts) / sizeof(texts[0]))
			put(texts[object], pdu + at + 2, length);
		at += 2u + length;
	}
	return 0;
}

static bool send_tcp(struct modbus_link *l, uint8_t unit)
{
	uint8_t adu[MBAP_LENGTH + REQUEST_LENGTH];
	if (++l->transaction == 0)
		l->transaction = 1;
	const uint8_t head[MBAP_LENGTH] = { (uint8_t)(l->transaction >> 8), (uint8_t)l->transaction, 0, 0, 0,
		REQUEST_LENGTH + 1, unit };
	memcpy(adu, head, sizeof(head));
	memcpy(adu + MBAP_LENGTH, request, REQUEST_LENGTH);
	return send(l->fd, adu, sizeof(adu), MSG_NOSIGNAL) == (ssize_t)sizeof(adu);
}

static bool send_rtu(struct modbus_link *l, uint8_t unit)
{
	uint8_t adu[REQUEST_LENGTH + AROUND_PDU] = { unit };
	memcpy(adu + 1, request, REQUEST_LENGTH);
	uint16_t crc = rtu_crc(adu, REQUEST_LENGTH + 1);
	adu[REQUEST_LENGTH + 1] = (uint8_t)crc;
	adu[REQUEST_LENGTH + 2] = (uint8_t)(crc >> 8);
	ssize_t n = l->bus->type == BUS_RTU ? write(l->fd, adu, sizeof(adu))
					    : send(l->fd, adu, sizeof(adu), MSG_NOSIGNAL);
	return n == (ssize_t)sizeof(adu);
}

/* The PDU of a reply that is whole, and its length; NULL = there is none yet. Frames of other transactions
 * are dropped. */
static const uint8_t *find_tcp(struct modbus_link *l, uint8_t unit, size_t *length)
{
	while (l->pending_count > MBAP_LENGTH) {
		const uint8_t *adu = l->pending;
		size_t whole = (size_t)(adu[4] << 8 | adu[5]) + MBAP_LENGTH - 1;
		if (whole > l->pending_count)
			return NULL;
		if (whole > MBAP_LENGTH && (adu[0] << 8 | adu[1]) == l->transaction &&
		    adu[MBAP_LENGTH - 1] == unit) {
			*length = whole - MBAP_LENGTH;
			return adu + MBAP_LENGTH;
		}
		modbus_link_consume(l, whole < MBAP_LENGTH ? MBAP_LENGTH : whole);
	}
	return NULL;
}

/* Wherever it begins: an echo of the request, or noise, may be before it. */
static const uint8_t *find_rtu(const struct modbus_link *l, uint8_t unit, size_t *length)
{
	for (size_t i = 0; i + AROUND_PDU < l->pending_count; i++) {
		const uint8_t *at = l->pending + i;
		int n = at[0] == unit ? reply_length(at + 1, l->pending_count - i - 1) : 0;
		if (n <= 0 || i + (size_t)n + AROUND_PDU > l->pending_count)
			continue;
		uint16_t crc = rtu_crc(at, (size_t)n + 1);
		if (at[n + 1] != (crc & 0xff) || at[n + 2] != crc >> 8)
			continue;
		*length = (size_t)n;
		return at + 1;
	}
	return NULL;
}

static int receive(struct modbus_link *l, uint8_t unit, int64_t deadline, struct identification *ret)
{
	for (;;) {
		size_t length;
		const uint8_t *pdu =
		    l->bus->type == BUS_TCP ? find_tcp(l, unit, &length) : find_rtu(l, unit, &length);
		if (pdu) {
			int r = length == REFUSAL_LENGTH ? -ENOENT : identification_parse(pdu, length, ret);
			modbus_link_consume(l, (size_t)(pdu - l->pending) + length);
			return r;
		}
		if (l->pending_count == sizeof(l->pending))
			return -EBADMSG;
		enum exchange_result result = modbus_link_read(l, deadline);
		if (result == EXCHANGE_TIMEOUT)
			return -ENOENT;
		if (result != EXCHANGE_OK)
			return result == EXCHANGE_STOPPED ? -ECANCELED : -EPIPE;
	}
}

int identification_ask(struct modbus_link *l, uint8_t unit, struct identification *ret)
{
	bool serial = l->bus->type != BUS_TCP;
	int64_t ready = l->quiet_since_ns + l->bus->frame_gap + (serial ? bus_silence_ns(l->bus) : 0);
	if (modbus_link_wait(l, -1, 0, ready) < 0)
		return -ECANCELED;
	if (serial)
		l->pending_count = 0;
	if (!(serial ? send_rtu(l, unit) : send_tcp(l, unit)))
		return -EPIPE;
	int64_t deadline = clock_boottime() + l->bus->response_timeout;
	if (serial)
		deadline += bus_wire_ns(l->bus, POINT_HOLDING, USUAL_REGISTERS);
	int r = receive(l, unit, deadline, ret);
	if (serial)
		l->pending_count = 0;
	l->quiet_since_ns = clock_boottime();
	return r;
}
