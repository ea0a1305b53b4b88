/* explain: any published figure, taken apart (main thread).
 *
 * Which figures there are is one table of kinds; what each is made of is in explain_KIND.
 */
#pragma once

#include "daemon/http/api_host.h"

/* GET /v1/explain?figure=…; 404 with the figure that was probably meant. */
struct http_answer explain_answer(struct api *api, const char *name, const struct http_request *r);
