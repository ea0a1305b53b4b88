/* explain_alarm: why an alarm is as it is (main thread). */
#pragma once

#include "daemon/http/explanation.h"

void explain_alarm(struct explanation *e, const struct alarm *a);
