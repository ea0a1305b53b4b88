/* explain_point: a reading of a device, taken apart to its registers (main thread). */
#pragma once

#include "daemon/http/explanation.h"

void explain_point(struct explanation *e, struct point_ref r);
