/* config_private: what the files of the config module share. */
#pragma once

#include "config/config_types.h"
#include "config/ini/diag.h"

/* Resolve names between sections and check what one key alone cannot tell. Findings go to `d`. In this order.
 */
void config_check_buses(struct config *c, struct diag *d);
void config_check_devices(struct config *c, struct diag *d);
void config_check_loops(struct config *c, struct diag *d);
void config_check_pues(struct config *c, struct diag *d);
void config_check_alarms(struct config *c, struct diag *d);

/* Adds the alarms that loops and leak points have unless they are turned off; after those of the
 * configuration, which come first and replace them. */
void config_add_default_alarms(struct config *c);

/* --- references to points --- */

extern const struct point_ref point_ref_unset;

/* The device named by the first `n` bytes of `text`; NULL with a finding. */
const struct device_config *config_find_device(
    struct config *c, const char *text, size_t n, struct diag_place place, struct diag *d);

size_t config_find_point(const struct device_config *device, const char *name); /* SIZE_MAX = none */

/* DEVICE.POINT; unset with a finding. */
struct point_ref config_resolve(struct config *c, const char *text, struct diag_place place, struct diag *d);

/* DEVICE.POINT, or median:, mean: or sum: and a comma list of them, which must be numbers of one quantity;
 * without points with a finding. */
struct point_source config_resolve_source(
    struct config *c, const char *text, struct diag_place place, struct diag *d);
