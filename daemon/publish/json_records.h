/* json_records: the records of a report, as JSON (pure). */
#pragma once

#include "config/config.h"
#include "daemon/control/record_period.h"
#include "daemon/publish/json_writer.h"

struct json_records {
	const struct config *config;
	const struct record_periods *periods;
	struct record_batch *rows; /* by number of the record; brought in order */
	int64_t until_ms, now_ms;  /* UTC up to which energies are counted; and now */
};

/* The document; a record that nothing is known of is left out, and the one that is running ends with the
 * newest energies. */
void json_records_write(struct json_writer *w, const struct json_records *r);
