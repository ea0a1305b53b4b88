/* point: [point:DEVICE.NAME], which changes a point of the device's profile or adds one (pure). */
#pragma once

#include "config/sections/section.h"

extern const struct config_section point_section;
