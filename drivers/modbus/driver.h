/* driver: polls the Modbus devices of one bus (driver). See driver.h; the connection is modbus_link.h.
 */
#pragma once

#include "drivers/driver.h"

extern const struct driver_impl modbus_driver;
