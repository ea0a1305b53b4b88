/* reporter: which values of a device are worth a message now (mover, main thread).
 *
 * Report by exception: in change mode a value goes out when it differs from the last published one by more
 * than its deadband or its quality changed, and all values at least every full_interval; in always mode every
 * value that was read.
 */
#pragma once

#include "daemon/broker/publisher.h"
#include "daemon/live/point_table.h"

/* After a batch, or after values turned stale. */
void reporter_device(
    struct publisher *p, struct table_device *d, const struct mqtt_config *c, int64_t now_ns);

/* Everything that is known of the device, whatever was published before. */
void reporter_device_full(
    struct publisher *p, struct table_device *d, const struct mqtt_config *c, int64_t now_ns);
