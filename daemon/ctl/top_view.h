/* top_view: a frame of coolantctl top (pure, but for the screen). */
#pragma once

#include "daemon/ctl/screen.h"

#include <jansson.h>

enum top_document { TOP_STATUS, TOP_PUE, TOP_LOOPS, TOP_ALARMS, TOP_BUSES, TOP_POINTS, TOP_DOCUMENT_COUNT };

struct top_view {
	struct arena *arena; /* of the frame */
	struct screen *screen;
	const json_t *documents[TOP_DOCUMENT_COUNT]; /* NULL = not there */
	size_t scroll;				     /* the first point that is shown; bounded by the frame */
	int page;				     /* points that were shown */
};

void top_view_draw(struct top_view *v);
