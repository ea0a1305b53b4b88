/* refusals: says what a device refuses, each thing once (no I/O but the journal; one thread).
 *
 * That a device refuses everything is said at the end of the first cycle in which nothing was read, and once
 * more when something is. What it refuses for ever beside what it gives is said point by point, when it is
 * known of all that were refused in a cycle.
 */
#pragma once

#include "drivers/modbus/device.h"

/* A cycle is at its end. */
void refusals_tell(struct device *d);
/* Something was read. */
void refusals_end(struct device *d);
