/* metrics: all that is known as metrics, for GET /metrics (main thread).
 *
 * Names begin with coolantd_ and end in their unit, which is a base one. Points and figures keep the unit
 * that they are configured in, as a label: what they measure is not known here. What has no usable value has
 * no sample; its quality, a number, says why.
 */
#pragma once

#include "daemon/http/api_host.h"

struct http_answer metrics_answer(struct api *api, const char *name, const struct http_request *r);
