/* json_trend: the last day of a figure as a JSON object (pure). */
#pragma once

#include "daemon/live/trends.h"
#include "daemon/publish/json_writer.h"

/* B/trend/KIND/NAME. */
void json_trend(struct json_writer *w, const struct trends_row *row, const struct trend *t);
