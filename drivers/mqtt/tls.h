/* tls: TLS settings of a connection, and why it failed (any thread).
 *
 * paho reports each failure as "TCP/TLS connect failure"; what was wrong is only in its trace. The trace has
 * no context and is the process's, so the last reason is kept here for all connections together (of two that
 * are made at the same moment one may get the other's); it is on only while a connection is being made,
 * because it costs something for every packet.
 */
#pragma once

#include <MQTTAsync.h>
#include <stdbool.h>

#define MQTT_TLS_REASON_MAX 200

/* Certificates and names are always checked. A file is "" when there is none. */
void mqtt_tls_set(
    MQTTAsync_SSLOptions *options, const char *ca_file, const char *cert_file, const char *key_file);

/* Begins to listen for reasons of a client that has a certificate or not; forgets the last one. */
void mqtt_tls_watch(bool has_certificate);

/* Ends what mqtt_tls_watch began. `reason` (MQTT_TLS_REASON_MAX bytes, or NULL) is in words for an operator,
 * "" when TLS has said nothing. */
void mqtt_tls_unwatch(char *reason);
