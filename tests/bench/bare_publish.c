/* The bare library: publishes messages of a size at a rate with QoS 1, and does nothing else.
 *
 * bare_publish burst|spread URI TOPICS BYTES SECONDS
 *
 * TOPICS messages a second, each to a topic of its own, retained: all at once at each second, or spread over
 * it. Prints the messages that were acknowledged.
 */
#include <MQTTAsync.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S 1000000000L

static _Atomic long acknowledged;
static _Atomic int connected;

static void on_connected(void *context, MQTTAsync_successData5 *data)
{
	connected = 1;
}

static void on_acknowledged(void *context, MQTTAsync_successData5 *data)
{
	acknowledged++;
}

static int on_message(void *context, char *topic, int length, MQTTAsync_message *message)
{
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	return 1;
}

static void sleep_ns(struct timespec *t, long ns)
{
	t->tv_nsec += ns;
	t->tv_sec += t->tv_nsec / NS_PER_S;
	t->tv_nsec %= NS_PER_S;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, t, NULL) != 0)
		continue;
}

int main(int argc, char **argv)
{
	if (argc != 6)
		return 2;
	bool spread = strcmp(argv[1], "spread") == 0;
	int topics = atoi(argv[3]), size = atoi(argv[4]);
	long messages = (long)topics * atoi(argv[5]);
	MQTTAsync client;
	MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
	MQTTAsync_connectOptions options = MQTTAsync_connectOptions_initializer5;
	create.maxBufferedMessages = 100000;
	options.onSuccess5 = on_connected;
	options.cleanstart = 1;
	options.maxInflight = 1000;
	if (MQTTAsync_createWithOptions(
		&client, argv[2], argv[1], MQTTCLIENT_PERSISTENCE_NONE, NULL, &create) != MQTTASYNC_SUCCESS ||
	    MQTTAsync_setCallbacks(client, NULL, NULL, on_message, NULL) != MQTTASYNC_SUCCESS ||
	    MQTTAsync_connect(client, &options) != MQTTASYNC_SUCCESS)
		return 1;
	char *payload = malloc((size_t)size + 1), topic[64];
	memset(payload, 'x', (size_t)size);
	struct timespec next;
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!connected)
		sleep_ns(&next, NS_PER_S / 100);
	MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
	response.onSuccess5 = on_acknowledged;
	for (long i = 0; i < messages; i++) {
		snprintf(topic, sizeof(topic), "bare/%ld", i % topics);
		int r = MQTTAsync_send(client, topic, size, payload, 1, 1, &response);
		if (r != MQTTASYNC_SUCCESS) {
			fprintf(stderr, "bare_publish: message %ld: %s\n", i, MQTTAsync_strerror(r));
			return 1;
		}
		if (spread)
			sleep_ns(&next, NS_PER_S / topics);
		else if ((i + 1) % topics == 0)
			sleep_ns(&next, NS_PER_S);
	}
	printf("%ld\n", (long)acknowledged);
	free(payload);
	return 0;
}
