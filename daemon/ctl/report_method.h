/* report_method: how the PUE figures of a report came to be, in words (stdout). */
#pragma once

#include "daemon/ctl/report_view.h"

void report_method_print(const struct report *r);
