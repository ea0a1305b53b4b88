/* pue_metrics: the PUE figures as metrics (main thread). */
#pragma once

#include "daemon/http/openmetrics.h"
#include "daemon/live/live.h"

void pue_metrics_put(struct metrics_writer *w, const struct live *l);
