/* json_payload: what is known, as JSON objects (pure).
 *
 * Each function writes one object. Times are milliseconds UTC.
 */
#pragma once

#include "daemon/publish/health.h"
#include "daemon/publish/json_writer.h"
#include "daemon/publish/output.h"

/* With which digits a value of a point is printed. */
enum json_digits json_payload_digits(const struct point *p);

/* The value of a point: a number, a word, a truth, or null while it is not good enough. */
void json_payload_value(
    struct json_writer *w, const char *key, const struct point *p, const struct sample *s);

/* B/device/DEVICE: all points, or with `news` only those. */
void json_payload_device(struct json_writer *w, const struct output_device *d, const bool *news);

/* B/point/DEVICE/POINT. */
void json_payload_point(struct json_writer *w, const struct table_device *d, size_t point, int64_t now_ms);

/* B/info; the key is NULL for the document, as below. */
void json_payload_info(struct json_writer *w, const char *key, const struct live *l, int64_t started_ms);

/* B/info/DEVICE. */
void json_payload_device_info(struct json_writer *w, const struct device_config *d);

/* A point as requests get it: B/point/DEVICE/POINT with its unit; its time is null while it was never read.
 */
void json_payload_reading(struct json_writer *w, const char *key, const struct table_device *d, size_t point);

/* B/loop/NAME. */
void json_payload_loop(struct json_writer *w, const char *key, const struct loop_config *l,
    const struct figure values[LOOP_VALUE_COUNT], int64_t ts_ms);

/* B/group/NAME, which is group `i`. */
void json_payload_group(struct json_writer *w, const char *key, const struct group_config *c,
    const struct groups *g, size_t i, int64_t ts_ms);

/* B/pue/NAME. `now_ms` stamps it while there is no common moment of the powers. */
void json_payload_pue(struct json_writer *w, const char *key, const struct pue_config *c, const struct pue *p,
    int64_t utc_offset_ns, int64_t now_ms);

/* B/alarm/NAME. `all`: where it is configured. */
void json_payload_alarm(
    struct json_writer *w, const char *key, const struct config *all, const struct alarm *a, int64_t now_ms);

/* An item of the history of alarms. */
void json_payload_alarm_change(struct json_writer *w, const struct alarm_change *c);

/* What a loop has learned, in the units of its configuration. */
void json_payload_reference(struct json_writer *w, const struct loop_reference *r);

/* B/gap. */
void json_payload_gap(struct json_writer *w, int64_t from_ms, int64_t to_ms, uint64_t dropped);

/* B/health, and its parts: what is not of a bus, and bus `i` under its name. */
void json_payload_health(struct json_writer *w, const struct health *h);
void json_payload_own_health(struct json_writer *w, const struct health *h);
void json_payload_bus_health(struct json_writer *w, const struct health *h, size_t bus);
