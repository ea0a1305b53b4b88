#include "drivers/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const quality_words[] = {
	[QUALITY_GOOD] = "good",
	[QUALITY_ESTIMATED] = "estimated",
	[QUALITY_SUSPECT] = "suspect",
	[QUALITY_STALE] = "stale",
	[QUALITY_BAD] = "bad",
	[QUALITY_INVALID] = "invalid",
	[QUALITY_OUT_OF_SERVICE] = "out_of_service",
};

const char *quality_word(enum quality q)
{
	return quality_words[q];
}

double value_number(const struct value *v)
{
	switch (v->kind) {
	case VALUE_NUMBER:
		return v->number;
	case VALUE_INTEGER:
		return (double)v->integer;
	case VALUE_UNSIGNED:
		return (double)v->unsigned_integer;
	case VALUE_BOOL:
		return v->truth ? 1 : 0;
	case VALUE_NONE:
	case VALUE_TEXT:
		break;
	}
	return NAN;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case VALUE_NUMBER:
		return a->number == b->number;
	case VALUE_INTEGER:
		return a->integer == b->integer;
	case VALUE_UNSIGNED:
		return a->unsigned_integer == b->unsigned_integer;
	case VALUE_BOOL:
		return a->truth == b->truth;
	case VALUE_TEXT:
		return strcmp(a->text, b->text) == 0;
	case VALUE_NONE:
		break;
	}
	return true;
}

void value_clear(struct value *v)
{
	if (v->kind == VALUE_TEXT)
		free(v->text);
	v->kind = VALUE_NONE;
}

void sample_check_range(struct sample *s, const struct point *p)
{
	double v = value_number(&s->value);
	/* written so that an unset (NaN) bound never counts */
	if (quality_has_value(s->quality) && (v < p->min || v > p->max))
		s->quality = quality_worst(s->quality, QUALITY_SUSPECT);
}

void sample_scale(struct sample *s, const struct point *p, const struct sample *power)
{
	double n = quality_has_value(power->quality) ? value_number(&power->value) : 0;
	double offset = p->has_minus ? 0 : p->offset; /* which a difference has lost */
	s->quality = quality_worst(s->quality, power->quality);
	if (n != trunc(n) || fabs(n) > SAMPLE_POWER_MAX)
		s->quality = quality_worst(s->quality, QUALITY_BAD);
	if (!quality_has_value(s->quality)) {
		value_clear(&s->value);
		return;
	}
	double v = value_number(&s->value) - offset, power_of_ten = pow(10, fabs(n));
	v = (n < 0 ? v / power_of_ten : v * power_of_ten) + offset;
	s->value = (struct value){ .kind = VALUE_NUMBER, .number = v };
	if (!isfinite(v)) {
		s->quality = QUALITY_BAD;
		s->value.kind = VALUE_NONE;
	}
	sample_check_range(s, p);
}

struct batch *batch_new(struct config *c, size_t device, size_t capacity)
{
	struct batch *b = calloc(1, sizeof(*b) + capacity * sizeof(b->samples[0]));
	if (!b)
		return NULL;
	b->config = config_ref(c);
	b->device = device;
	return b;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->count; i++)
		value_clear(&b->samples[i].value);
	config_unref(b->config);
	free(b);
}

static void free_item(struct inbox_item *item)
{
	batch_free((struct batch *)item);
}

struct inbox *batch_inbox_new(void)
{
	return inbox_new(BATCHES_WAITING_MAX, free_item);
}
