/* kept: answers that serve for a moment (holder, main thread).
 *
 * Fifty dashboards that ask for the same thousands of points are one piece of work, not fifty.
 */
#pragma once

#include <microhttpd.h>
#include <stdint.h>

#define KEPT_MAX 8
/* Readings are rarely newer than this; an answer is no older. */
#define KEPT_NS INT64_C(200000000)
#define KEPT_KEY_MAX 512

struct kept_answer {
	char key[KEPT_KEY_MAX];
	struct MHD_Response *response; /* a reference; NULL = none */
	int64_t made_ns;	       /* CLOCK_BOOTTIME */
};

/* A struct of zeros has none. */
struct kept {
	struct kept_answer answers[KEPT_MAX];
};

/* The answer, 200, which stays the keeper's; NULL = none that is new enough. */
struct MHD_Response *kept_find(const struct kept *k, const char *key, int64_t now_ns);

/* Takes a reference, for which the oldest makes room. */
void kept_put(struct kept *k, const char *key, struct MHD_Response *response, int64_t now_ns);

void kept_clear(struct kept *k);
