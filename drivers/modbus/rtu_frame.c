#include "drivers/modbus/rtu_frame.h"

#include <string.h>

#define REFUSAL_LENGTH 5 /* unit, function, code, CRC */
#define AROUND_DATA 5	 /* unit, function, byte count, CRC */

/* V1.02, 6.2.2 */
uint16_t rtu_crc(const uint8_t *data, size_t n)
{
	uint16_t crc = 0xffff;
	for (size_t i = 0; i < n; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? (uint16_t)(crc >> 1 ^ 0xa001) : (uint16_t)(crc >> 1);
	}
	return crc;
}

void rtu_request(const struct modbus_request *q, uint8_t adu[static RTU_REQUEST_LENGTH])
{
	const uint8_t body[] = { q->unit, modbus_read_function(q->table), (uint8_t)(q->address >> 8),
		(uint8_t)q->address, (uint8_t)(q->count >> 8), (uint8_t)q->count };
	uint16_t crc = rtu_crc(body, sizeof(body));
	memcpy(adu, body, sizeof(body));
	adu[6] = (uint8_t)crc;
	adu[7] = (uint8_t)(crc >> 8);
}

/* Length of the reply that begins here, by its header; 0 = there is none, or too little of it. */
static size_t frame_length(const uint8_t *at, size_t left)
{
	if (left < 3)
		return 0;
	if (at[1] & MODBUS_EXCEPTION_BIT)
		return REFUSAL_LENGTH;
	if (at[1] < 1 || at[1] > 4 || at[2] + AROUND_DATA > RTU_FRAME_MAX)
		return 0;
	return at[2] + (size_t)AROUND_DATA;
}

static bool has_good_crc(const uint8_t *at, size_t length)
{
	uint16_t crc = rtu_crc(at, length - 2);
	return at[length - 2] == (crc & 0xff) && at[length - 1] == crc >> 8;
}

/* By its header, the reply that is waited for. */
static bool is_expected(const uint8_t *at, const struct modbus_request *q)
{
	uint8_t function = q ? modbus_read_function(q->table) : 0;
	if (!q || at[0] != q->unit)
		return false;
	return at[1] == (function | MODBUS_EXCEPTION_BIT) ||
	       (at[1] == function && at[2] == modbus_reply_bytes(q));
}

struct place {
	const uint8_t *at;
	size_t left;
	bool echo; /* what is there is the request, or begins like it and goes on to the end */
};

/* A reply of up to eight bytes may have the very bytes of its request. On a line that is not known to echo,
 * only silence behind it tells one that is shorter. */
static bool may_be_echo(const struct rtu_search *s, const struct place *p)
{
	if (!p->echo || s->echo == RTU_ECHOES_NOT)
		return false;
	return s->echo == RTU_ECHOES || !s->settled;
}

/* What begins at one place; RTU_NONE with `waiting` ends the search. */
static struct rtu_found look(const struct rtu_search *s, const struct place *p)
{
	size_t length = frame_length(p->at, p->left);
	bool expected = length > 0 && is_expected(p->at, s->request);
	if (p->echo && p->left >= RTU_REQUEST_LENGTH) {
		bool is_sure = !(expected && length == RTU_REQUEST_LENGTH);
		if (is_sure || s->echo != RTU_ECHOES_NOT)
			return (struct rtu_found){
				.kind = RTU_REQUEST_ECHOED, .length = RTU_REQUEST_LENGTH, .is_sure = is_sure
			};
	}
	if (length == 0)
		return (struct rtu_found){ 0 };
	if (length > p->left)
		return (
		    struct rtu_found){ .waiting = expected && !s->settled, .cut = expected && s->settled };
	if (!has_good_crc(p->at, length))
		return (struct rtu_found){ .damaged = expected };
	if (expected && may_be_echo(s, p))
		return (struct rtu_found){ .waiting = !s->settled };
	return (struct rtu_found){ .kind = RTU_FRAME, .length = length };
}

struct rtu_found rtu_find(const uint8_t *data, size_t n, const struct rtu_search *s)
{
	uint8_t adu[RTU_REQUEST_LENGTH] = { 0 };
	bool damaged = false, cut = false;
	if (s->request)
		rtu_request(s->request, adu);
	for (size_t i = 0; i < n; i++) {
		struct place p = { data + i, n - i, false };
		size_t common = p.left < RTU_REQUEST_LENGTH ? p.left : RTU_REQUEST_LENGTH;
		p.echo = s->request && memcmp(p.at, adu, common) == 0;
		struct rtu_found found = look(s, &p);
		damaged |= found.damaged;
		cut |= found.cut;
		if (found.kind == RTU_NONE && !found.waiting)
			continue;
		found.start = i;
		found.damaged = damaged;
		return found;
	}
	return (struct rtu_found){ .damaged = damaged, .cut = cut };
}
