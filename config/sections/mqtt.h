/* mqtt: [mqtt], the broker and what it gets (pure). */
#pragma once

#include "config/sections/section.h"

enum mqtt_protocol { MQTT_3_1_1 = 4, MQTT_5 = 5 }; /* the numbers of the protocol's CONNECT packet */
enum mqtt_layout { LAYOUT_DEVICE = 1, LAYOUT_POINT = 2, LAYOUT_BOTH = 3 };
enum mqtt_publish { MQTT_PUBLISH_CHANGE, MQTT_PUBLISH_ALWAYS };

struct mqtt_config {
	struct schema_list brokers; /* scheme://host:port */
	const char *client_id;	    /* never empty after loading */
	enum mqtt_protocol protocol;
	const char *topic_prefix;
	int64_t qos;
	int64_t keep_alive;
	const char *username, *password_file;
	const char *ca_file, *cert_file, *key_file;
	enum mqtt_layout layout;
	enum mqtt_publish publish;
	int64_t full_interval;
	int64_t reconnect_max;
	bool homeassistant;
	const char *homeassistant_prefix;
	const char *sparkplug_group;
	bool dsx;
	uint64_t fingerprint;
};

extern const struct config_section mqtt_section;
