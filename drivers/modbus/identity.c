#include "drivers/modbus/identity.h"

#include "drivers/modbus/schedule.h"
#include "drivers/os/log.h"

#include <stdio.h>

static const struct profile_identities none = { 0 };

static const struct profile_identities *identities_of(const struct device_config *c)
{
	return c->profile ? &c->profile->identify : &none;
}

static struct modbus_request request_for(const struct device_config *c, const struct profile_identity *p)
{
	return (struct modbus_request){ (uint8_t)c->unit, p->reg.table, p->reg.address, 1 };
}

void identity_open(struct identity *i, const struct device_config *c)
{
	i->verdict = identities_of(c)->count > 0 ? IDENTITY_OPEN : IDENTITY_RIGHT;
	i->next = 0;
	i->due_ns = 0;
}

int64_t identity_due(const struct identity *i, int64_t due)
{
	if (i->verdict == IDENTITY_OPEN)
		return i->due_ns > due ? i->due_ns : due;
	if (i->verdict == IDENTITY_WRONG)
		return i->due_ns < due ? i->due_ns : due;
	return due;
}

bool identity_is_due(const struct identity *i, int64_t now)
{
	return i->verdict == IDENTITY_OPEN || (i->verdict == IDENTITY_WRONG && i->due_ns <= now);
}

const struct profile_identity *identity_ask(struct identity *i, const struct device_config *c,
    struct modbus_link *l, int64_t now, struct modbus_request *ret)
{
	const struct profile_identity *asked = &c->profile->identify.items[i->next];
	*ret = request_for(c, asked);
	int64_t free_at = modbus_link_free_at(l, ret, now);
	if (modbus_link_is_strange(l, now) && l->strange_until_ns > free_at)
		free_at = l->strange_until_ns;
	if (free_at <= now)
		return asked;
	i->due_ns = free_at;
	return NULL;
}

bool identity_is_like(const struct device_config *c, const struct modbus_request *q)
{
	const struct profile_identities *all = identities_of(c);
	for (size_t i = 0; i < all->count; i++) {
		struct modbus_request own = request_for(c, &all->items[i]);
		if (own.table == q->table && modbus_reply_bytes(&own) == modbus_reply_bytes(q) &&
		    !modbus_same_request(&own, q))
			return true;
	}
	return false;
}

static struct log_fields fields_of(const struct device_config *c)
{
	return (
	    struct log_fields){ .message_id = LOG_ID_WRONG_DEVICE, .bus = c->bus_name, .device = c->name };
}

static void tell_wrong(const struct device_config *c, const struct profile_identity *asked,
    enum exchange_result result, const struct modbus_reply *r)
{
	char what[80];
	if (result == EXCHANGE_EXCEPTION)
		snprintf(what, sizeof(what), "is refused with exception %d (%s)", r->exception,
		    modbus_exception_word(r->exception));
	else
		snprintf(what, sizeof(what), "is 0x%04x", r->values[0]);
	log_event(LOG_WARNING, fields_of(c),
	    "device %s on bus %s, unit %lld, is not what profile %s describes: %s:%u %s, not 0x%04x; its "
	    "values "
	    "are invalid until the right one answers",
	    c->name, c->bus_name, (long long)c->unit, c->profile_name, point_table_word(asked->reg.table),
	    asked->reg.address, what, asked->value);
}

bool identity_take(struct identity *i, const struct device_config *c, const struct profile_identity *asked,
    enum exchange_result result, const struct modbus_reply *r, int64_t max_backoff, int64_t now)
{
	bool was_told = i->told;
	if (result != EXCHANGE_OK || r->values[0] != asked->value) {
		int64_t wait = schedule_backoff(i->wait_ns, max_backoff);
		*i = (struct identity){ IDENTITY_WRONG, .due_ns = now + wait, .wait_ns = wait, .told = true };
		if (!was_told)
			tell_wrong(c, asked, result, r);
		return false;
	}
	if (++i->next < identities_of(c)->count)
		return false;
	*i = (struct identity){ IDENTITY_RIGHT };
	if (was_told)
		log_event(LOG_NOTICE, fields_of(c), "device %s on bus %s is now what profile %s describes",
		    c->name, c->bus_name, c->profile_name);
	return true;
}

void identity_add_invalid(const struct device_config *c, struct batch *batch, int64_t now)
{
	for (uint32_t i = 0; i < c->point_count; i++)
		batch->samples[batch->count++] =
		    (struct sample){ .point = i, .quality = QUALITY_INVALID, .time_ns = now };
}
