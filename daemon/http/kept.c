#include "daemon/http/kept.h"

#include <stdio.h>
#include <string.h>

struct MHD_Response *kept_find(const struct kept *k, const char *key, int64_t now_ns)
{
	for (size_t i = 0; i < KEPT_MAX; i++) {
		const struct kept_answer *a = &k->answers[i];
		if (a->response && now_ns - a->made_ns < KEPT_NS && strcmp(a->key, key) == 0)
			return a->response;
	}
	return NULL;
}

static void drop(struct kept_answer *a)
{
	if (a->response)
		MHD_destroy_response(a->response);
	*a = (struct kept_answer){ .response = NULL };
}

void kept_put(struct kept *k, const char *key, struct MHD_Response *response, int64_t now_ns)
{
	struct kept_answer *oldest = &k->answers[0];
	for (size_t i = 1; i < KEPT_MAX; i++)
		if (k->answers[i].made_ns < oldest->made_ns)
			oldest = &k->answers[i];
	drop(oldest);
	snprintf(oldest->key, sizeof(oldest->key), "%s", key);
	oldest->response = response;
	oldest->made_ns = now_ns;
}

void kept_clear(struct kept *k)
{
	for (size_t i = 0; i < KEPT_MAX; i++)
		drop(&k->answers[i]);
}
