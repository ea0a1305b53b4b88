#include "daemon/untested.h"

#include "drivers/os/log.h"

#include <string.h>

/* Profiles are shared by the devices of a configuration, and most often by neighbours. */
static bool is_first(const struct config *c, const struct device_config *device)
{
	for (const struct device_config *other = device; other-- > c->devices;)
		if (other->profile == device->profile && other->enabled)
			return false;
	return true;
}

static bool was_used(const struct config *before, const struct device_config *device)
{
	for (size_t i = 0; before && i < before->device_count; i++)
		if (strcmp(before->devices[i].profile_name, device->profile_name) == 0)
			return true;
	return false;
}

void untested_tell(const struct config *c, const struct config *before)
{
	for (size_t i = 0; i < c->device_count; i++) {
		const struct device_config *d = &c->devices[i];
		if (!d->profile || d->profile->tested || !d->enabled || !is_first(c, d) ||
		    was_used(before, d))
			continue;
		log_event(LOG_NOTICE,
		    (struct log_fields){
			.message_id = LOG_ID_UNTESTED_PROFILE, .bus = d->bus_name, .device = d->name },
		    "device %s has the profile %s, which was never tried on a device (tested = no): compare "
		    "its "
		    "values with the device's own display",
		    d->name, d->profile_name);
	}
}
