/* config_private: what the files of the config module share. */
#pragma once

#include "config.h"

enum config_kind {
	CONFIG_DAEMON,
	CONFIG_MQTT,
	CONFIG_SPOOL,
	CONFIG_BUS,
	CONFIG_DEVICE,
	CONFIG_LOOP,
	CONFIG_PUE,
	CONFIG_ALARM,
	CONFIG_POINT,
};

/* Resolves names between sections and checks what one key alone cannot tell. Findings go to `d`. */
void config_check_buses(struct config *c, struct diag *d);
void config_check_devices(struct config *c, struct diag *d);
void config_check_control(struct config *c, struct diag *d);
