/* image: a device's registers, filled from the plant (holder).
 *
 * The reverse of drivers/decoder, written apart from it so that a mistake in one does not hide in the other.
 */
#pragma once

#include "plant.h"

#include <modbus.h>

/* The register map of a device with just the range of addresses that its points use; NULL without memory. */
modbus_mapping_t *image_new(const struct device_config *d);

void image_fill(modbus_mapping_t *m, const struct plant *p, const struct plant_device *d);
