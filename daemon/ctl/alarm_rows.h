/* alarm_rows: alarms as rows, the most urgent first (pure). */
#pragma once

#include "daemon/ctl/table.h"

#include <jansson.h>

struct alarm_row {
	const char *name;
	const json_t *alarm;
	int urgency; /* the lower the more urgent */
};

/* Those of a document of GET /v1/alarms, sorted; how many there are. */
size_t alarm_rows_of(struct arena *a, const json_t *alarms, struct alarm_row **ret);

bool alarm_row_is_normal(const struct alarm_row *r);
enum table_style alarm_row_style(const struct alarm_row *r);

/* Its message, and what else its state has to say. */
const char *alarm_row_message(struct arena *a, const struct alarm_row *r);
