/* sparkplug: an edge node of Sparkplug B 3.0 (holder, see output.h).
 *
 * A device of ours is a device of the node and its metrics are named like the points; loops, groups, PUE
 * figures and alarms are devices loop.NAME, group.NAME, pue.NAME and alarm.NAME. A device is born when it is
 * heard, and dies when it is silent. What is measured while the connection, or the primary host, is away is
 * sent later, as historical. Which statement of the specification is kept where: tests/sparkplug.md.
 */
#pragma once

#include "daemon/publish/output.h"

extern const struct output_format sparkplug_format;
