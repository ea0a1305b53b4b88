/* dsx: the NVIDIA DSX BMS event bus, as its AsyncAPI description 1.0.0 has it (holder, see output.h).
 *
 * Each point, and each figure of loops and PUEs, has metadata, retained and told anew every 100 s, and
 * values, told when they change and every 100 s. Texts are left out: a value is a number there. Nothing is
 * sent late: nothing there tells a late value from a present one.
 */
#pragma once

#include "daemon/publish/output.h"

extern const struct output_format dsx_format;
