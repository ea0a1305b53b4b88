/* homeassistant: everything as devices and entities of Home Assistant, by its MQTT discovery (holder, see
 * output.h).
 *
 * It only says where values are found: under PREFIX/device/ID/config, retained, the device-based discovery
 * that Home Assistant has since 2024.11. The values are those of our own format (json.h), taken out of its
 * payloads by templates. A value that is null is unavailable there, and so is everything while
 * B/status is offline.
 *
 * The rack is a device, and each of ours one behind it. What belongs to the rack (loops, groups, PUE figures,
 * alarms) has a message each, that names the same device: so one that leaves the configuration is removed by
 * emptying its topic, like a device. What one of them has no more after a reload is told without its keys,
 * which removes it; after a restart Home Assistant says of such a thing that it is not provided any more.
 */
#pragma once

#include "daemon/publish/output.h"

extern const struct output_format homeassistant_format;
