/* api_records: GET /v1/records?from=&to=&step= (main thread). */
#pragma once

#include "daemon/http/api_host.h"

/* The answer comes later, when the disk's thread has read it. */
struct http_answer api_records_answer(struct api *api, const char *name, const struct http_request *r);
