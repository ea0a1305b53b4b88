/* api: what operators may ask and do (main thread).
 *
 *   GET  /healthz               whether all moves
 *   GET  /metrics               all that is known, for a scraper
 *   GET  /v1/status             what coolantd is and how it does
 *   GET  /v1/points[?match=GLOB] /v1/loops /v1/groups /v1/pue /v1/alarms /v1/buses /v1/config
 *   GET  /v1/explain?figure=NAME  any figure, taken apart to its readings
 *   GET  /v1/alarms/history     what has happened to them, from the oldest on
 *   GET  /v1/records            the hours, days, … of energies, PUE, heat and alarms
 *   POST /v1/records/strike /v1/records/unstrike   hours that no figure of a longer time is to count
 *   POST /v1/alarms/NAME/ack    acknowledges one
 *   POST /v1/alarms/NAME/shelve {"for":"2h"}: hides one so long
 *   POST /v1/alarms/NAME/unshelve
 *   POST /v1/loops/NAME/learn   takes a loop's state now as that of its clean filter and new pump
 *   POST /v1/buses/NAME/read /v1/buses/NAME/capture   see api_bus.h
 */
#pragma once

#include "daemon/http/api_host.h"

/* `user` is the struct api. */
struct http_answer api_answer(const struct http_request *r, void *user);
