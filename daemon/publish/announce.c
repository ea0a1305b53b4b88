#include "daemon/publish/announce.h"

#include "config/ini/text.h"
#include "drivers/os/clock.h"

#include <stdio.h>
#include <string.h>

/* A retained message under KIND/NAME. */
static void publish_named(
    struct publisher *p, const char *kind, const char *name, char *payload, unsigned flags, int64_t ts_ms)
{
	char topic[3 * (NAME_LENGTH_MAX + 1)]; /* a default alarm has two names in one */
	snprintf(topic, sizeof(topic), "%s/%s", kind, name);
	publisher_send(p, topic, payload, PUBLISH_RETAIN | flags, ts_ms);
}

void announce_no_alarm(struct publisher *p, const char *name)
{
	publish_named(p, "alarm", name, strdup(""), 0, clock_utc_ms());
}

void announce_alarm(struct publisher *p, const struct alarm *a)
{
	publish_named(p, "alarm", a->config->name, encode_alarm(a, clock_utc_ms()),
	    PUBLISH_KEEP | PUBLISH_URGENT, a->changed_ms);
}

void announce_loops(struct publisher *p, const struct live *l)
{
	int64_t now = clock_utc_ms();
	for (size_t i = 0; i < l->config->loop_count; i++) {
		const struct loop_config *c = &l->config->loops[i];
		publish_named(p, "loop", c->name, encode_loop(c, loops_figures(l->loops, i), now),
		    PUBLISH_KEEP | PUBLISH_EXPIRES, now);
	}
}

void announce_pues(struct publisher *p, const struct live *l)
{
	int64_t now = clock_utc_ms();
	for (size_t i = 0; i < l->config->pue_count; i++) {
		const struct pue_config *c = &l->config->pues[i];
		char *payload = encode_pue(c, pues_at(l->pues, i), clock_realtime_offset(), now);
		publish_named(p, "pue", c->name, payload, PUBLISH_KEEP | PUBLISH_EXPIRES, now);
	}
}

void announce_info(struct publisher *p, const struct config *c, int64_t started_ms)
{
	struct info info = { COOLANTD_VERSION, started_ms };
	publisher_send(p, "info", encode_info(c, &info), PUBLISH_RETAIN, clock_utc_ms());
}

void announce_health(struct publisher *p, const struct health *h)
{
	publisher_send(p, "health", encode_health(h), PUBLISH_RETAIN, h->ts_ms);
}
