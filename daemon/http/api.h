/* api: what operators may ask and do (main thread).
 *
 *   GET  /v1/alarms             all alarms, as at the broker, by name
 *   GET  /v1/alarms/history     what has happened to them, from the oldest on
 *   POST /v1/alarms/NAME/ack    acknowledges one
 *   POST /v1/alarms/NAME/shelve {"for":"2h"}: hides one so long
 *   POST /v1/alarms/NAME/unshelve
 *   POST /v1/loops/NAME/learn   takes a loop's state now as that of its clean filter and new pump
 */
#pragma once

#include "daemon/http/http.h"
#include "daemon/live/live.h"

struct api {
	struct live *live;
	/* Something that must not be lost has changed, beside alarms, which tell that themselves. */
	void (*changed)(void *user);
	void *user;
};

/* `user` is the struct api. */
struct http_answer api_answer(const struct http_request *r, void *user);
