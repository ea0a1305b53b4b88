/* verdict: what an answer, or none, says about a device and its blocks (no I/O but the journal; changes the
 * device; one thread).
 *
 * A block that fails is not believed at once: the device may be gone, or be starting. It is split when it has
 * failed, then something else of the device was answered, and then it failed again. Its halves are searched
 * on beside the cycles, in pauses of the bus, so that what is read stays read in time. For a refusal that
 * something must have come with values: a device that refuses all that it is asked has no holes. What cannot
 * be split and is never answered is left out. Findings have an end, the
 * sooner when nothing of them fails any more: the plan is then tried whole.
 */
#pragma once

#include "drivers/modbus/device.h"

/* Findings last so long, and twice as long each time that they are made again. */
#define VERDICT_MIN_NS (600 * NS_PER_S)
#define VERDICT_MAX_NS (86400 * NS_PER_S)

/* A device that says that it is busy is asked again after so long, then after twice the time, up to the bus's
 * max_backoff; its cycle waits for no more than a few of these. */
#define VERDICT_BUSY_NS (50 * NS_PER_MS)
#define VERDICT_BUSY_CYCLE_NS (200 * NS_PER_MS)

/* Takes what came of a question that was asked at `asked`: any result but EXCHANGE_STOPPED. Values go into
 * the batch of the cycle. */
void verdict_take(struct device *d, const struct device_question *q, enum exchange_result result,
    const struct modbus_reply *r, struct modbus_link *l, int64_t asked);

/* Nothing can be asked of the device, for the reason `why`: it is silent, and probed after `backoff`. */
void verdict_silence(struct device *d, int64_t backoff, const char *why);
