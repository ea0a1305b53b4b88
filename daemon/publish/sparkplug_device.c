#include "daemon/publish/sparkplug_device.h"

#include "config/ini/hash.h"

#include <stdlib.h>
#include <string.h>

/* So many names collide hardly ever, and no reader takes them for something that it rounds. */
#define ALIAS_BITS 48

uint64_t sparkplug_alias(const char *device, const char *metric)
{
	uint64_t hash = hash_text(hash_text(HASH_BASIS, device), metric);
	return (hash ^ hash >> ALIAS_BITS) & ((UINT64_C(1) << ALIAS_BITS) - 1);
}

bool sparkplug_device_init(struct sparkplug_device *d, const char *id, const struct sparkplug_list *l)
{
	*d = (struct sparkplug_device){ .id = strdup(id),
		.count = l->count,
		.names = calloc(l->count + 1, sizeof(d->names[0])),
		.aliases = calloc(l->count + 1, sizeof(d->aliases[0])),
		.told = calloc(l->count + 1, sizeof(d->told[0])),
		.texts = calloc(l->count + 1, sizeof(d->texts[0])) };
	if (!d->id || !d->names || !d->aliases || !d->told || !d->texts)
		return false;
	bool good = true;
	for (size_t i = 0; i < l->count; i++) {
		d->names[i] = strdup(l->metrics[i].name);
		d->aliases[i] = sparkplug_alias(id, l->metrics[i].name);
		good &= d->names[i] != NULL;
	}
	return good;
}

void sparkplug_device_deinit(struct sparkplug_device *d)
{
	for (size_t i = 0; d->names && i < d->count; i++)
		free(d->names[i]);
	free(d->names);
	free(d->aliases);
	free(d->told);
	free(d->texts);
	free(d->id);
	*d = (struct sparkplug_device){ 0 };
}

static uint64_t text_of(const struct sparkplug_metric *m)
{
	return m->value.kind == VALUE_TEXT ? hash_text(HASH_BASIS, m->value.text) : 0;
}

static bool is_news(const struct sparkplug_device *d, size_t i, const struct sparkplug_metric *m)
{
	const struct sparkplug_metric *told = &d->told[i];
	if (m->quality != told->quality || m->value.kind != told->value.kind)
		return true;
	return m->value.kind == VALUE_TEXT ? text_of(m) != d->texts[i]
					   : !value_equal(&m->value, &told->value);
}

void sparkplug_device_choose(struct sparkplug_device *d, struct sparkplug_list *l, const bool *chosen)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->count && i < d->count; i++) {
		struct sparkplug_metric *m = &l->metrics[i];
		m->alias = d->aliases[i];
		if (d->born && (chosen ? !chosen[i] : !is_news(d, i, m)))
			continue;
		m->tells_quality = d->born && d->told[i].quality != QUALITY_GOOD;
		d->told[i] = *m;
		d->texts[i] = text_of(m);
		l->metrics[kept++] = *m;
	}
	l->count = kept;
}
