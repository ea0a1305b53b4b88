/* connection: the keys that every connection to a broker has, whatever goes over it (pure).
 *
 * A section with a connection holds the struct and lists the rows among its own. The main connection is that
 * of [mqtt]; what another section leaves out is as it is there.
 */
#pragma once

#include "config/sections/section.h"

enum mqtt_protocol { MQTT_3_1_1 = 4, MQTT_5 = 5 }; /* the numbers of the protocol's CONNECT packet */

struct connection_config {
	struct schema_list brokers; /* scheme://host:port */
	const char *client_id;	    /* never empty after loading */
	enum mqtt_protocol protocol;
	int64_t qos; /* of every message; 0 when the section has no key for it */
	int64_t keep_alive;
	int64_t reconnect_max;
	const char *username, *password_file;
	const char *ca_file, *cert_file, *key_file;
	uint64_t fingerprint; /* of all that makes another connection of it */
};

bool connection_parse_brokers(struct schema_value *v, const char *text);
bool connection_parse_client_id(struct schema_value *v, const char *text);
extern const struct schema_choice connection_protocols[];

/* The rows, of a section whose struct `type` has the connection as `member`: those of the main one with the
 * defaults, those of another without, and with SCHEMA_INHERITED. */
// NOLINTBEGIN(bugprone-macro-parentheses): a type and the name of its member cannot stand in parentheses
#define CONNECTION_KEYS(type, member, flag, broker, version, alive)                                          \
	{ "broker", SCHEMA_CUSTOM, SCHEMA_FIELD(type, member.brokers), broker, .flags = flag,                \
		.parse = connection_parse_brokers,                                                           \
		.help = "where to publish; a comma list is tried in order" },                                \
	    { "client_id", SCHEMA_CUSTOM, SCHEMA_FIELD(type, member.client_id), "",                          \
		    .parse = connection_parse_client_id,                                                     \
		    .help =                                                                                  \
			"default coolantd-SITE-RACK, in another section than mqtt with its name behind" },   \
	    { "protocol", SCHEMA_CHOICE, SCHEMA_FIELD(type, member.protocol), version, .flags = flag,        \
		    .choices = connection_protocols, .help = "version of MQTT" },                            \
	    { "keep_alive", SCHEMA_DURATION, SCHEMA_FIELD(type, member.keep_alive), alive, .flags = flag,    \
		    .min = 1, .max = 3600,                                                                   \
		    .help = "a broken link is noticed after about one and a half of it" },                   \
	    { "username", SCHEMA_TEXT, SCHEMA_FIELD(type, member.username), .flags = flag,                   \
		    .help = "for the broker" },                                                              \
	    { "password_file", SCHEMA_TEXT, SCHEMA_FIELD(type, member.password_file), .flags = flag,         \
		    .help = "file with the password; a relative path is looked "                             \
			    "up in $CREDENTIALS_DIRECTORY, then beside the configuration" },                 \
	    { "ca_file", SCHEMA_TEXT, SCHEMA_FIELD(type, member.ca_file), .flags = flag,                     \
		    .help = "CA certificates for mqtts and wss; default the system's" },                     \
	    { "cert_file", SCHEMA_TEXT, SCHEMA_FIELD(type, member.cert_file), .flags = flag,                 \
		    .help = "own certificate, PEM" },                                                        \
	{                                                                                                    \
		"key_file", SCHEMA_TEXT, SCHEMA_FIELD(type, member.key_file), .flags = flag,                 \
									      .help = "own private key, PEM" \
	}
// NOLINTEND(bugprone-macro-parentheses)

/* Fills in what a section leaves out, from `main`, the connection of [mqtt], unless it is that itself (NULL),
 * and checks the whole. */
void connection_check(
    const struct config_loading *l, struct connection_config *c, const struct connection_config *main);
