/* config: a whole configuration, read, checked and typed (holder).
 *
 * config_load reads a file and its drop-ins, the profiles they name, and resolves every reference; after that
 * a configuration never changes, so threads read it without locks. It is reference counted: a bus worker may
 * still run on the old one while the main thread has taken a new one. What stands in it is in the header of
 * each section.
 */
#pragma once

#include "config/ini/diag.h"
#include "config/sections/alarm.h"
#include "config/sections/bus.h"
#include "config/sections/contents.h"
#include "config/sections/device.h"
#include "config/sections/dsx.h"
#include "config/sections/general.h"
#include "config/sections/group.h"
#include "config/sections/loop.h"
#include "config/sections/mqtt.h"
#include "config/sections/pue.h"
#include "config/sections/records.h"
#include "config/sections/reference.h"
#include "config/sections/sparkplug.h"

/* Reads `path`, then the *.ini files in the folder coolantd.d beside it, by name. Returns the configuration
 * with one reference, or NULL with at least one error in `d`. */
struct config *config_load(const char *path, struct diag *d);

struct config *config_ref(struct config *c);
void config_unref(struct config *c);

/* The kinds of sections, for the manual. */
extern const struct config_section *const config_sections[];
extern const size_t config_section_count;
