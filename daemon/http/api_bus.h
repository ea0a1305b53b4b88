/* api_bus: a bus, asked and listened to while coolantd holds its port (main thread).
 *
 *   POST /v1/buses/NAME/read     {"unit":12,"table":"holding","address":100,"count":2}
 *   POST /v1/buses/NAME/capture  what has gone over it (drivers/modbus/capture.h)
 */
#pragma once

#include "daemon/http/api_host.h"

/* How long a question waits for its turn, in ms, unless told. */
#define API_BUS_WAIT_MS 5000
#define API_BUS_WAIT_MAX_MS 20000

struct http_answer api_bus_read(struct api *api, const char *name, const struct http_request *r);
struct http_answer api_bus_capture(struct api *api, const char *name, const struct http_request *r);
