/* report_csv: a report as CSV, RFC 4180: a line for each figure of each record (stdout). */
#pragma once

#include "daemon/ctl/report_view.h"

void report_csv_print(const struct report *r);
