/* config: a whole configuration, read, checked and typed (holder).
 *
 * config_load reads a file and its drop-ins, the profiles they name, and resolves every reference; after that
 * a configuration never changes, so threads read it without locks. It is reference counted: a bus worker may
 * still run on the old one while the main thread has taken a new one.
 */
#pragma once

#include "config/config_types.h"
#include "config/ini/diag.h"

/* Reads `path`, then the *.ini files in the folder coolantd.d beside it, by name. Returns the configuration
 * with one reference, or NULL with at least one error in `d`. */
struct config *config_load(const char *path, struct diag *d);

struct config *config_ref(struct config *c);
void config_unref(struct config *c);
