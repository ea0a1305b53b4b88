#include "daemon/http/api_bus.h"
#include "config/ini/text.h"

#include "config/ini/cleanup.h"
#include "daemon/http/flat.h"
#include "daemon/publish/json_writer.h"
#include "drivers/os/clock.h"
#include "drivers/os/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const struct bus_config *find(const struct api *api, const char *name)
{
	const struct config *c = api->live->config;
	return name_index_find(&c->bus_names, name, strlen(name));
}

static struct http_answer no_bus(void)
{
	return http_error(HTTP_NOT_FOUND, "no such bus (allowed: a name of GET /v1/buses)");
}

static struct http_answer answer_of(const struct raw_read *r)
{
	static const unsigned statuses[] = {
		[RAW_READ_REFUSED] = HTTP_UNAVAILABLE,
		[RAW_READ_NO_TURN] = HTTP_UNAVAILABLE,
		[RAW_READ_ANSWERED] = HTTP_OK,
		[RAW_READ_EXCEPTION] = HTTP_BAD_GATEWAY,
		[RAW_READ_NO_REPLY] = HTTP_GATEWAY_TIMEOUT,
		[RAW_READ_BAD_REPLY] = HTTP_BAD_GATEWAY,
		[RAW_READ_NO_CONNECTION] = HTTP_BAD_GATEWAY,
	};
	struct json_writer w;
	json_begin(&w);
	json_open(&w, NULL);
	if (r->outcome == RAW_READ_ANSWERED) {
		json_open_list(&w, "words");
		for (size_t i = 0; i < r->count; i++)
			json_unsigned(&w, NULL, r->values[i]);
		json_close_list(&w);
	} else {
		json_text(&w, "error", r->why);
	}
	if (r->outcome == RAW_READ_EXCEPTION)
		json_integer(&w, "exception", r->exception);
	if (r->outcome == RAW_READ_ANSWERED || r->outcome == RAW_READ_EXCEPTION)
		json_number(&w, "latency_ms", (double)r->latency_ns / NS_PER_MS, JSON_FIGURE);
	json_close(&w);
	return (struct http_answer){ .status = statuses[r->outcome], .text = json_finish(&w) };
}

static void on_done(struct raw_read *r)
{
	http_answer_later(r->user, answer_of(r));
	free(r);
}

/* A unit of a serial line; behind TCP there may be others, and 0 is the gateway itself. */
static const char *check(const struct bus_config *bus, const struct raw_read *r)
{
	const bool is_bit = point_is_bit_table(r->table);
	if (bus->type != BUS_TCP && (r->unit < 1 || r->unit > 247))
		return "unit is not allowed so (allowed: 1..247)";
	if (!is_bit && r->count > MODBUS_REGISTERS_MAX)
		return "count is not allowed so (allowed: 1..125 registers)";
	if (r->address + r->count > 0x10000)
		return "address and count go beyond 65535";
	return NULL;
}

static const char *parse(const char *body, struct raw_read *r, char why[static FLAT_WHY_MAX])
{
	enum { UNIT, TABLE, ADDRESS, COUNT, TIMEOUT, KEYS };
	struct flat_key keys[KEYS] = {
		[UNIT] = { "unit", .max = 255 },
		[TABLE] = { "table", .is_text = true },
		[ADDRESS] = { "address", .max = 65535 },
		[COUNT] = { "count", .is_optional = true, .min = 1, .max = RAW_READ_VALUES_MAX, .number = 1 },
		[TIMEOUT] = { "timeout_ms", .is_optional = true, .min = 1, .max = API_BUS_WAIT_MAX_MS,
		    .number = API_BUS_WAIT_MS },
	};
	const char *wrong = flat_read(body, keys, KEYS, why);
	if (wrong)
		return wrong;
	r->table = point_table_find(keys[TABLE].text, strlen(keys[TABLE].text));
	if (r->table == POINT_TABLE_COUNT)
		return "table is not allowed so (allowed: holding, input, coil, discrete)";
	r->unit = (uint8_t)keys[UNIT].number;
	r->address = (uint16_t)keys[ADDRESS].number;
	r->count = (uint16_t)keys[COUNT].number;
	r->until_ns = clock_boottime() + keys[TIMEOUT].number * NS_PER_MS;
	return NULL;
}

struct http_answer api_bus_read(struct api *api, const char *name, const struct http_request *r)
{
	char why[FLAT_WHY_MAX];
	const struct bus_config *bus = find(api, name);
	if (!bus)
		return no_bus();
	_cleanup_free_ struct raw_read *read = calloc(1, sizeof(*read));
	if (!read)
		return http_error(HTTP_INTERNAL_ERROR, strerror(ENOMEM));
	const char *wrong = parse(r->body, read, why);
	if (!wrong)
		wrong = check(bus, read);
	if (wrong)
		return http_error(HTTP_BAD_REQUEST, wrong);
	read->user = http_put_off(r);
	read->done = on_done;
	if (!read->user)
		return http_error(HTTP_INTERNAL_ERROR, strerror(ENOMEM));
	log_event(LOG_INFO, (struct log_fields){ .bus = name },
	    "bus %s: unit %u is asked for %s %u, %u of them, by %s", name, read->unit,
	    point_table_word(read->table), read->address, read->count, r->who);
	api->read(api->questions, (size_t)(bus - api->live->config->buses), read);
	read = NULL; /* on_done has it */
	return HTTP_LATER;
}

static bool take_place(const struct http_request *r, uint64_t *from)
{
	int64_t place = 0;
	const char *text = http_parameter(r, "from");
	if (text && (text_int(text, &place) < 0 || place < 0))
		return false;
	*from = (uint64_t)place;
	return true;
}

struct http_answer api_bus_capture(struct api *api, const char *name, const struct http_request *r)
{
	uint64_t from, next = 0;
	const struct bus_config *bus = find(api, name);
	if (!bus)
		return no_bus();
	if (!take_place(r, &from))
		return http_error(
		    HTTP_BAD_REQUEST, "from is not a place (allowed: `next` of an answer before)");
	_cleanup_free_ char *text =
	    api->capture(api->questions, (size_t)(bus - api->live->config->buses), from, &next);
	if (!text)
		return http_error(HTTP_UNAVAILABLE, "the bus cannot be listened to now, try again");
	if (from == 0)
		log_event(LOG_NOTICE, (struct log_fields){ .bus = name },
		    "bus %s: its conversation is captured, by %s", name, r->who);
	struct json_writer w;
	json_begin(&w);
	json_open(&w, NULL);
	json_unsigned(&w, "next", next);
	json_text(&w, "text", text);
	json_close(&w);
	return (struct http_answer){ .status = HTTP_OK, .text = json_finish(&w) };
}
