#include "drivers/modbus/pdu.h"

static const uint8_t read_functions[] = {
	[POINT_COIL] = 1,
	[POINT_DISCRETE] = 2,
	[POINT_HOLDING] = 3,
	[POINT_INPUT] = 4,
};

static const char *const exception_words[] = {
	[1] = "illegal function",
	[2] = "illegal data address",
	[3] = "illegal data value",
	[4] = "server device failure",
	[EXCEPTION_ACKNOWLEDGE] = "acknowledge",
	[EXCEPTION_BUSY] = "server device busy",
	[8] = "memory parity error",
	[EXCEPTION_GATEWAY_PATH] = "gateway path unavailable",
	[EXCEPTION_GATEWAY_TARGET] = "gateway target device failed to respond",
};

const char *modbus_exception_word(int exception)
{
	bool known =
	    exception > 0 && (size_t)exception < sizeof(exception_words) / sizeof(exception_words[0]);
	return known && exception_words[exception] ? exception_words[exception] : "not of the standard";
}

uint8_t modbus_read_function(enum register_table table)
{
	return read_functions[table];
}

unsigned modbus_reply_bytes(const struct modbus_request *q)
{
	return point_is_bit_table(q->table) ? (q->count + 7u) / 8 : q->count * 2u;
}

bool modbus_same_request(const struct modbus_request *a, const struct modbus_request *b)
{
	return a->unit == b->unit && a->table == b->table && a->address == b->address && a->count == b->count;
}

bool modbus_is_unreachable(enum exchange_result result, const struct modbus_reply *r)
{
	return result == EXCHANGE_EXCEPTION &&
	       (r->exception == EXCEPTION_GATEWAY_PATH || r->exception == EXCEPTION_GATEWAY_TARGET);
}

bool modbus_is_busy(enum exchange_result result, const struct modbus_reply *r)
{
	return result == EXCHANGE_EXCEPTION &&
	       (r->exception == EXCEPTION_ACKNOWLEDGE || r->exception == EXCEPTION_BUSY);
}

static void unpack_bits(const uint8_t *data, unsigned count, uint16_t *values)
{
	for (size_t i = 0; i < count; i++)
		values[i] = data[i / 8] >> (i % 8) & 1;
}

static void unpack_registers(const uint8_t *data, unsigned count, uint16_t *values)
{
	for (size_t i = 0; i < count; i++)
		values[i] = (uint16_t)(data[2 * i] << 8 | data[2 * i + 1]);
}

enum exchange_result modbus_unpack(
    const struct modbus_request *q, const uint8_t *pdu, size_t n, struct modbus_reply *r)
{
	uint8_t function = modbus_read_function(q->table);
	unsigned bytes = modbus_reply_bytes(q);

	if (n == 2 && pdu[0] == (function | MODBUS_EXCEPTION_BIT)) {
		r->exception = pdu[1];
		return EXCHANGE_EXCEPTION;
	}
	if (n < 2 || pdu[0] != function || pdu[1] != bytes || n != 2 + bytes)
		return EXCHANGE_BAD_REPLY;
	if (point_is_bit_table(q->table))
		unpack_bits(pdu + 2, q->count, r->values);
	else
		unpack_registers(pdu + 2, q->count, r->values);
	return EXCHANGE_OK;
}
