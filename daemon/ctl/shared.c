#include "daemon/ctl/shared.h"

#include "config/ini/cleanup.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/say.h"
#include "drivers/os/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A question waits for a pause of the bus, and then for its reply. */
#define TURN_MS 15000
#define ANSWER_MS 30000

#define HTTP_GOOD 200
#define HTTP_LATE 504

/* Without a word, as nobody need be there. */
static bool is_listening(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || strlen(path) >= sizeof(address.sun_path))
		return false;
	memcpy(address.sun_path, path, strlen(path));
	return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EACCES;
}

enum shared_state shared_find(struct ctl *c, const char *bus)
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	if (!is_listening(c->socket))
		return SHARED_NOT;
	if (client_get(c, "/v1/buses", &reply) != CTL_GOOD)
		return SHARED_FORBIDDEN;
	return json_object_get(json_object_get(reply.json, "buses"), bus) ? SHARED_HELD : SHARED_NOT;
}

static bool take_words(const json_t *words, const struct modbus_request *q, struct modbus_reply *r)
{
	if (json_array_size(words) != q->count)
		return false;
	for (size_t i = 0; i < q->count; i++)
		r->values[i] = (uint16_t)json_integer_value(json_array_get(words, i));
	return true;
}

enum exchange_result shared_ask(struct ctl *c, const char *bus, const struct modbus_request *q,
    struct modbus_reply *r, char why[static MODBUS_WHY_MAX])
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	struct ctl patient = *c;
	patient.timeout_ms = c->timeout_ms > ANSWER_MS ? c->timeout_ms : ANSWER_MS;
	if (ctl_is_stopped(c))
		return EXCHANGE_STOPPED;
	const char *path = arena_printf(c->arena, "/v1/buses/%s/read", client_escape(c, bus));
	const char *body = arena_printf(c->arena,
	    "{\"unit\":%u,\"table\":\"%s\",\"address\":%u,\"count\":%u,\"timeout_ms\":%d}", q->unit,
	    point_table_word(q->table), q->address, q->count, TURN_MS);
	snprintf(why, MODBUS_WHY_MAX, "coolantd cannot be asked any more");
	int64_t asked = clock_boottime();
	if (client_ask(&patient, "POST", path, body, &reply) != CTL_GOOD)
		return EXCHANGE_CLOSED;
	const json_t *exception = json_object_get(reply.json, "exception");
	double latency_ms = json_number_value(json_object_get(reply.json, "latency_ms"));
	r->received_ns = asked + (int64_t)(latency_ms * NS_PER_MS); /* not what it waited for its turn */
	if (reply.status == HTTP_GOOD && take_words(json_object_get(reply.json, "words"), q, r))
		return EXCHANGE_OK;
	snprintf(why, MODBUS_WHY_MAX, "%s", client_error(c, &reply));
	if (exception) {
		r->exception = (int)json_integer_value(exception);
		return EXCHANGE_EXCEPTION;
	}
	return reply.status == HTTP_LATE ? EXCHANGE_TIMEOUT : EXCHANGE_CLOSED;
}

static bool capture(struct ctl *c, const char *bus, uint64_t *from, FILE *out)
{
	_cleanup_reply_ struct client_reply reply = { 0 };
	const char *path =
	    arena_printf(c->arena, "/v1/buses/%s/capture?from=%" PRIu64, client_escape(c, bus), *from);
	if (client_ask(c, "POST", path, NULL, &reply) != CTL_GOOD)
		return false;
	const char *text = json_string_value(json_object_get(reply.json, "text"));
	if (reply.status != HTTP_GOOD || !text) {
		(void)say_failed("bus %s: %s", bus, client_error(c, &reply));
		return false;
	}
	*from = (uint64_t)json_integer_value(json_object_get(reply.json, "next"));
	fputs(text, out);
	return true;
}

bool shared_capture(const struct ctl *c, const char *bus, uint64_t *from, FILE *out)
{
	struct ctl once = *c; /* what is asked again and again is not to be kept */
	once.arena = arena_new();
	bool good = capture(&once, bus, from, out);
	arena_free(once.arena);
	return good;
}
