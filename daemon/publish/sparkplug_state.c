#include "daemon/publish/sparkplug_state.h"

#include <jansson.h>

enum output_wish sparkplug_state_hear(
    struct sparkplug_state *s, uint64_t connect, const char *payload, size_t size)
{
	enum output_wish wish = OUTPUT_WISH_NONE;
	json_t *state = json_loadb(payload, size, JSON_REJECT_DUPLICATES, NULL);
	const json_t *online = json_object_get(state, "online"), *ts = json_object_get(state, "timestamp");
	if (s->connect != connect)
		*s = (struct sparkplug_state){ .connect = connect };
	if (json_is_boolean(online) && json_is_integer(ts) && json_integer_value(ts) >= s->ts_ms) {
		s->ts_ms = json_integer_value(ts);
		wish = json_is_true(online) ? OUTPUT_WISH_BEGIN : OUTPUT_WISH_LEAVE;
	}
	json_decref(state);
	return wish;
}
