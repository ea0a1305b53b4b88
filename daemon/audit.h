/* audit: the PUE figures of readings from a file, by the same code as live ones (mover).
 *
 * For an auditor who checks a day by hand. The file is CSV: a first line `ts,DEVICE.POINT,…`, then a line for
 * each time with the values as coolantd publishes them (in the point's unit, scaled); an empty field is no
 * reading. `ts` is milliseconds UTC or like 2026-01-31T23:59:59.5Z, and grows. The configuration tells the
 * meters and their roles; its poll_interval decides which gaps are bridged.
 */
#pragma once

#include "daemon/report.h"

/* Prints each figure as "pue/NAME PAYLOAD", or with `report` (NULL = not) the records of that range. 0, or
 * -EINVAL with a line on stderr that says where and what. */
int audit_run(struct config *c, const char *path, const struct report_range *report);
