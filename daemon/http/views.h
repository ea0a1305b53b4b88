/* views: what operators may look at, as JSON (main thread).
 *
 * Each is one document, made of the payloads that the broker gets; they change nothing.
 */
#pragma once

#include "daemon/http/api_host.h"

/* 200, or 503 and the reason while the watchdog would not be fed. */
struct http_answer views_healthz(struct api *api, const char *name, const struct http_request *r);

struct http_answer views_status(struct api *api, const char *name, const struct http_request *r);
struct http_answer views_points(struct api *api, const char *name, const struct http_request *r);
struct http_answer views_loops(struct api *api, const char *name, const struct http_request *r);
struct http_answer views_groups(struct api *api, const char *name, const struct http_request *r);
struct http_answer views_pue(struct api *api, const char *name, const struct http_request *r);
struct http_answer views_alarms(struct api *api, const char *name, const struct http_request *r);
struct http_answer views_history(struct api *api, const char *name, const struct http_request *r);
struct http_answer views_buses(struct api *api, const char *name, const struct http_request *r);
struct http_answer views_config(struct api *api, const char *name, const struct http_request *r);
