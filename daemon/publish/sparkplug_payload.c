#include "daemon/publish/sparkplug_payload.h"

#include "config/ini/cleanup.h"
#include "daemon/publish/sparkplug_b.pb-c.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PROPERTY_INT32 3
#define PROPERTIES_MAX 2
/* Doubles hold whole numbers exactly up to here. */
#define WHOLE_MAX 9007199254740992.0

/* Quality codes of the specification, 6.4.7. */
static uint32_t quality_code(enum quality q)
{
	static const uint32_t codes[] = { [QUALITY_GOOD] = 192,
		[QUALITY_ESTIMATED] = 192,
		[QUALITY_SUSPECT] = 0,
		[QUALITY_STALE] = 500,
		[QUALITY_BAD] = 0,
		[QUALITY_INVALID] = 0,
		[QUALITY_OUT_OF_SERVICE] = 0 };
	return codes[q];
}

static struct value whole_value(enum sparkplug_type type, const struct value *v)
{
	double number = v->number;
	if (v->kind == VALUE_NUMBER && fabs(number) <= WHOLE_MAX && number == trunc(number))
		return sparkplug_value(
		    type, &(struct value){ .kind = VALUE_INTEGER, .integer = (int64_t)number });
	if (type == SPARKPLUG_INT64) {
		if (v->kind == VALUE_UNSIGNED && v->unsigned_integer <= INT64_MAX)
			return (
			    struct value){ .kind = VALUE_INTEGER, .integer = (int64_t)v->unsigned_integer };
		return v->kind == VALUE_INTEGER ? *v : (struct value){ .kind = VALUE_NONE };
	}
	if (v->kind == VALUE_INTEGER && v->integer >= 0)
		return (struct value){ .kind = VALUE_UNSIGNED, .unsigned_integer = (uint64_t)v->integer };
	return v->kind == VALUE_UNSIGNED ? *v : (struct value){ .kind = VALUE_NONE };
}

struct value sparkplug_value(enum sparkplug_type type, const struct value *v)
{
	double number = value_number(v);
	switch (type) {
	case SPARKPLUG_INT64:
	case SPARKPLUG_UINT64:
		return whole_value(type, v);
	case SPARKPLUG_DOUBLE:
		return isfinite(number) ? (struct value){ .kind = VALUE_NUMBER, .number = number }
					: (struct value){ .kind = VALUE_NONE };
	case SPARKPLUG_BOOLEAN:
		return isfinite(number) ? (struct value){ .kind = VALUE_BOOL, .truth = number != 0 }
					: (struct value){ .kind = VALUE_NONE };
	case SPARKPLUG_STRING:
		return v->kind == VALUE_TEXT ? *v : (struct value){ .kind = VALUE_NONE };
	}
	return (struct value){ .kind = VALUE_NONE };
}

/* All that the library wants of one metric, in one place. */
struct parts {
	Sparkplug__Payload__Metric metric;
	Sparkplug__Payload__PropertySet set;
	Sparkplug__Payload__PropertyValue values[PROPERTIES_MAX], *value_refs[PROPERTIES_MAX];
	char *keys[PROPERTIES_MAX];
};

static Sparkplug__Payload__PropertyValue *add_property(struct parts *p, const char *key, uint32_t type)
{
	size_t i = p->set.n_keys++;
	Sparkplug__Payload__PropertyValue *v = &p->values[i];
	sparkplug__payload__property_value__init(v);
	v->has_type = true;
	v->type = type;
	p->keys[i] = (char *)key;
	p->value_refs[i] = v;
	p->set.n_values = p->set.n_keys;
	return v;
}

static void put_properties(struct parts *p, const struct sparkplug_metric *m, enum sparkplug_form form)
{
	sparkplug__payload__property_set__init(&p->set);
	p->set.keys = p->keys;
	p->set.values = p->value_refs;
	if (quality_code(m->quality) != quality_code(QUALITY_GOOD) || m->tells_quality) {
		Sparkplug__Payload__PropertyValue *v = add_property(p, "Quality", PROPERTY_INT32);
		v->value_case = SPARKPLUG__PAYLOAD__PROPERTY_VALUE__VALUE_INT_VALUE;
		v->int_value = quality_code(m->quality);
	}
	if (form == SPARKPLUG_BIRTH && m->unit && m->unit[0]) {
		Sparkplug__Payload__PropertyValue *v = add_property(p, "engUnit", SPARKPLUG_STRING);
		v->value_case = SPARKPLUG__PAYLOAD__PROPERTY_VALUE__VALUE_STRING_VALUE;
		v->string_value = (char *)m->unit;
	}
	if (p->set.n_keys > 0)
		p->metric.properties = &p->set;
}

static void put_value(Sparkplug__Payload__Metric *to, const struct value *v)
{
	switch (v->kind) {
	case VALUE_NONE:
		to->has_is_null = to->is_null = true;
		break;
	case VALUE_NUMBER:
		to->value_case = SPARKPLUG__PAYLOAD__METRIC__VALUE_DOUBLE_VALUE;
		to->double_value = v->number;
		break;
	case VALUE_INTEGER: /* in two's complement */
		to->value_case = SPARKPLUG__PAYLOAD__METRIC__VALUE_LONG_VALUE;
		to->long_value = (uint64_t)v->integer;
		break;
	case VALUE_UNSIGNED:
		to->value_case = SPARKPLUG__PAYLOAD__METRIC__VALUE_LONG_VALUE;
		to->long_value = v->unsigned_integer;
		break;
	case VALUE_BOOL:
		to->value_case = SPARKPLUG__PAYLOAD__METRIC__VALUE_BOOLEAN_VALUE;
		to->boolean_value = v->truth;
		break;
	case VALUE_TEXT:
		to->value_case = SPARKPLUG__PAYLOAD__METRIC__VALUE_STRING_VALUE;
		to->string_value = v->text;
		break;
	}
}

static void put_metric(struct parts *p, const struct sparkplug_metric *m, enum sparkplug_form form)
{
	Sparkplug__Payload__Metric *to = &p->metric;
	sparkplug__payload__metric__init(to);
	if (form == SPARKPLUG_BIRTH || m->alias == 0)
		to->name = (char *)m->name;
	to->has_alias = m->alias != 0;
	to->alias = m->alias;
	to->has_timestamp = true;
	to->timestamp = (uint64_t)m->ts_ms;
	/* data need not have it, but there are readers that cannot read a value without */
	to->has_datatype = true;
	to->datatype = m->type;
	to->has_is_historical = to->is_historical = form == SPARKPLUG_HISTORY;
	put_value(to, &m->value);
	put_properties(p, m, form);
}

/* Those of one time stay in their order. */
static int by_time(const void *a, const void *b)
{
	const struct parts *x = *(struct parts *const *)a, *y = *(struct parts *const *)b;
	if (x->metric.timestamp != y->metric.timestamp)
		return x->metric.timestamp < y->metric.timestamp ? -1 : 1;
	return x < y ? -1 : x > y;
}

void *sparkplug_pack(const struct sparkplug_metric *metrics, size_t count, enum sparkplug_form form,
    int64_t ts_ms, size_t *size)
{
	Sparkplug__Payload payload;
	_cleanup_free_ struct parts *parts = calloc(count + 1, sizeof(*parts));
	/* a metric is the first of its parts, so that what is sorted is what the library takes */
	_cleanup_free_ Sparkplug__Payload__Metric **refs = calloc(count + 1, sizeof(*refs));
	if (!parts || !refs)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		put_metric(&parts[i], &metrics[i], form);
		refs[i] = &parts[i].metric;
	}
	qsort(refs, count, sizeof(*refs), by_time);
	sparkplug__payload__init(&payload);
	payload.has_timestamp = true;
	payload.timestamp = (uint64_t)ts_ms;
	payload.n_metrics = count;
	payload.metrics = refs;
	*size = sparkplug__payload__get_packed_size(&payload);
	void *bytes = malloc(*size);
	if (bytes)
		(void)sparkplug__payload__pack(&payload, bytes);
	return bytes;
}

size_t sparkplug_put_seq(uint8_t seq, uint8_t to[static SPARKPLUG_SEQ_MAX])
{
	/* field 3, a varint of seven bits a byte */
	to[0] = 3 << 3;
	to[1] = seq < 128 ? seq : (uint8_t)(seq | 0x80);
	to[2] = 1;
	return seq < 128 ? 2 : 3;
}

bool sparkplug_commands(const char *metric, const void *payload, size_t size)
{
	Sparkplug__Payload *p = sparkplug__payload__unpack(NULL, size, payload);
	bool found = false;
	for (size_t i = 0; p && i < p->n_metrics; i++) {
		const Sparkplug__Payload__Metric *m = p->metrics[i];
		found |= m->name && strcmp(m->name, metric) == 0 &&
			 m->value_case == SPARKPLUG__PAYLOAD__METRIC__VALUE_BOOLEAN_VALUE && m->boolean_value;
	}
	sparkplug__payload__free_unpacked(p, NULL);
	return found;
}
