/* api_host: what answers to requests are made of (pure: types). */
#pragma once

#include "config/ini/text.h"
#include "daemon/http/http.h"
#include "daemon/publish/health.h"
#include "daemon/state/state.h"
#include "drivers/raw_read.h"

/* The longest reason why the watchdog would not be fed, with its NUL. */
#define API_STUCK_MAX (NAME_LENGTH_MAX + 64)

enum {
	HTTP_OK = 200,
	HTTP_BAD_REQUEST = 400,
	HTTP_NOT_FOUND = 404,
	HTTP_METHOD_NOT_ALLOWED = 405,
	HTTP_CONFLICT = 409,
	HTTP_INTERNAL_ERROR = 500,
	HTTP_BAD_GATEWAY = 502,
	HTTP_UNAVAILABLE = 503,
	HTTP_GATEWAY_TIMEOUT = 504
};

struct api {
	struct live *live;
	struct state *state; /* NULL = nothing outlives a restart */
	int64_t started_ms;  /* UTC */
	/* The daemon's own figures as of now, for health_deinit. 0 or -ENOMEM. */
	int (*describe)(void *user, struct health *ret);
	/* Whether the watchdog would not be fed, and why. */
	bool (*is_stuck)(void *user, char why[static API_STUCK_MAX]);
	/* Through bus `i` of the configuration: a question, whose `to` is set here and which comes back by
	 * its `done`; and what has gone over it since a place (driver.h), NULL when there is none. */
	void (*read)(void *questions, size_t bus, struct raw_read *r);
	char *(*capture)(void *questions, size_t bus, uint64_t from, uint64_t *next);
	void *questions;
	/* Something that must not be lost has changed, beside alarms, which tell that themselves. */
	void (*changed)(void *user);
	void *user;
};
