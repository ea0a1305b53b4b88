/* mqtt: [mqtt], the broker and what it gets (pure). */
#pragma once

#include "config/sections/connection.h"

enum mqtt_layout { LAYOUT_DEVICE = 1, LAYOUT_POINT = 2, LAYOUT_BOTH = 3 };
enum mqtt_publish { MQTT_PUBLISH_CHANGE, MQTT_PUBLISH_ALWAYS };

struct mqtt_config {
	struct connection_config connection; /* the main one */
	const char *topic_prefix;
	enum mqtt_layout layout;
	enum mqtt_publish publish;
	int64_t full_interval;
	bool homeassistant;
	const char *homeassistant_prefix;
};

extern const struct config_section mqtt_section;
