/* api_records: the hours that are kept, to look at and to strike out (main thread). */
#pragma once

#include "daemon/http/api_host.h"

/* ?from=&to=&step=. The answer comes later, when the disk's thread has read it. */
struct http_answer api_records_answer(struct api *api, const char *name, const struct http_request *r);

/* ?from=&to=&reason= strikes whole hours out, ?from=&to= takes that back; the answer is these hours. */
struct http_answer api_records_strike(struct api *api, const char *name, const struct http_request *r);
struct http_answer api_records_unstrike(struct api *api, const char *name, const struct http_request *r);
