/* report_text: a report for people, with the method in words (stdout). */
#pragma once

#include "daemon/ctl/report_view.h"

void report_text_print(const struct report *r);
