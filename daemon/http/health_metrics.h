/* health_metrics: the daemon's own figures as metrics (main thread). */
#pragma once

#include "daemon/http/openmetrics.h"
#include "daemon/publish/health.h"

void health_metrics_put(struct metrics_writer *w, const struct health *h);
