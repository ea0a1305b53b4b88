/* files: whether the buses of a configuration fit the limit of open files (no state but the process's limit).
 *
 * A bus that could open nothing would be told apart from others by chance alone, and so would the disk and
 * the broker: more than fit are an error of the configuration.
 */
#pragma once

#include "config/config.h"

/* Raises the soft limit as far as the hard one allows it. */
void files_raise_limit(void);

/* False when the hard limit is too low for the buses; then it is said, with how many fit. */
bool files_suffice(const struct config *c);
