/* untested: says which profiles were never tried on a device (no I/O but the journal). */
#pragma once

#include "config/config.h"

/* Each profile that a device of `c` has, is not `tested`, and was in use with no device of `before` (NULL =
 * there was none), once. */
void untested_tell(const struct config *c, const struct config *before);
