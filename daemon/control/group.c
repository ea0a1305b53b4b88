#include "daemon/control/group.h"

#include <math.h>

static const char *const critical = "a critical alarm is active";

bool group_is_known(const struct group_member *m)
{
	/* without flow there is no heat to be known */
	const struct figure *flow = &m->figures[LOOP_FLOW];
	return quality_has_value(flow->quality) &&
	       (flow->value <= 0 || quality_has_value(m->figures[LOOP_HEAT].quality));
}

const char *group_unfit(const struct group_member *m)
{
	const struct figure *flow = &m->figures[LOOP_FLOW];
	if (m->waits && !group_is_known(m))
		return m->critical ? critical : m->before;
	if (!quality_has_value(flow->quality))
		return "the flow is not known";
	if (!(flow->value > 0))
		return "there is no flow";
	if (flow->value < m->flow_low)
		return "the flow is low";
	if (!quality_has_value(m->figures[LOOP_HEAT].quality))
		return "the heat is not known";
	return m->critical ? critical : NULL;
}

static struct figure sum(const struct group_member *members, size_t n, enum loop_value v)
{
	struct figure f = { NAN, QUALITY_GOOD, NULL };
	double total = 0;
	for (size_t i = 0; i < n; i++) {
		const struct figure *one = &members[i].figures[v];
		figure_worsen(&f, one->quality, one->reason);
		total += one->value;
	}
	if (!quality_has_value(f.quality))
		f.quality = QUALITY_INVALID;
	return figure_set(f, total, "not a number");
}

void group_compute(
    const struct group_member *members, size_t n, size_t needed, struct figure out[GROUP_VALUE_COUNT])
{
	struct figure fit = { 0, QUALITY_GOOD, NULL };
	for (size_t i = 0; i < n; i++)
		fit.value += group_unfit(&members[i]) == NULL;
	for (size_t i = 0; i < n; i++)
		if (!members[i].heard)
			fit = figure_invalid("of one of its loops nothing was heard yet");
	out[GROUP_HEAT] = sum(members, n, LOOP_HEAT);
	out[GROUP_FLOW] = sum(members, n, LOOP_FLOW);
	out[GROUP_FIT] = fit;
	out[GROUP_NEEDED] = (struct figure){ (double)needed, QUALITY_GOOD, NULL };
	out[GROUP_REDUNDANCY] = figure_set(FIGURE_OF(&fit), fit.value - (double)needed, NULL);
}

const char *group_redundancy_word(const struct figure *redundancy)
{
	if (!quality_has_value(redundancy->quality))
		return NULL;
	return redundancy->value > 0 ? "n+1" : redundancy->value < 0 ? "lost" : "n";
}
