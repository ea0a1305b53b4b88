#include "drivers/mqtt/tls.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char certificate_wanted[] = "the broker wants a client certificate (cert_file, key_file)";

/* What paho 1.3.12 traces, and what an operator wants to hear. The first that fits is kept. */
static const struct {
	const char *trace, *words;
} reasons[] = {
	{ "alert write:fatal:certificate expired", "the broker's certificate has expired" },
	{ "alert write:fatal:unknown CA",
	    "the broker's certificate is of an authority that is not in ca_file" },
	{ "alert write:fatal:bad certificate", "the broker's certificate is not valid (yet)" },
	{ "alert write:fatal:certificate unknown", "the broker's certificate is not acceptable" },
	{ "X509_check_host for hostname", "the broker's certificate is for another host name" },
	{ "X509_check_ip", "the broker's certificate is for another address" },
	{ "alert read:fatal:unknown CA", "the broker does not know the authority of our cert_file" },
	{ "alert read:fatal:certificate expired", "the broker says that our cert_file has expired" },
	{ "alert read:fatal:bad certificate", "the broker refuses our cert_file" },
	/* what OpenSSL 3.0 has no words for: "certificate required" of TLS 1.3 */
	{ "alert read:fatal:unknown", certificate_wanted },
	{ "alert read:fatal:handshake failure", "the broker refuses the TLS handshake" },
	{ "alert read:fatal:protocol version", "the broker refuses the TLS version" },
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *last_reason = "";
/* A certificate was asked for and we have none: why the connection ended, if nothing else is said. */
static bool without_certificate, was_asked;
static unsigned watchers;

static void on_trace(enum MQTTASYNC_TRACE_LEVELS level, char *text)
{
	if (strstr(text, "read server certificate request")) {
		pthread_mutex_lock(&lock);
		was_asked = true;
		pthread_mutex_unlock(&lock);
		return;
	}
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (!strstr(text, reasons[i].trace))
			continue;
		pthread_mutex_lock(&lock);
		if (last_reason[0] == '\0')
			last_reason = reasons[i].words;
		pthread_mutex_unlock(&lock);
		return;
	}
}

void mqtt_tls_set(
    MQTTAsync_SSLOptions *options, const char *ca_file, const char *cert_file, const char *key_file)
{
	options->enableServerCertAuth = 1;
	options->verify = 1;
	options->trustStore = *ca_file ? ca_file : NULL;
	options->keyStore = *cert_file ? cert_file : NULL;
	options->privateKey = *key_file ? key_file : NULL;
}

void mqtt_tls_watch(bool has_certificate)
{
	pthread_mutex_lock(&lock);
	watchers++;
	without_certificate = !has_certificate;
	was_asked = false;
	last_reason = "";
	pthread_mutex_unlock(&lock);
	MQTTAsync_setTraceCallback(on_trace);
	MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_PROTOCOL);
}

void mqtt_tls_unwatch(char *reason)
{
	pthread_mutex_lock(&lock);
	bool wanted = last_reason[0] == '\0' && was_asked && without_certificate;
	if (reason)
		snprintf(reason, MQTT_TLS_REASON_MAX, "%s", wanted ? certificate_wanted : last_reason);
	bool is_last = --watchers == 0;
	pthread_mutex_unlock(&lock);
	if (!is_last)
		return;
	MQTTAsync_setTraceCallback(NULL);
	MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_FATAL);
}
