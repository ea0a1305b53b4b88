#include "daemon/publish/json_trend.h"

void json_trend(struct json_writer *w, const struct trends_row *row, const struct trend *t)
{
	json_open(w, NULL);
	json_integer(w, "step_s", TREND_STEP_S);
	json_integer(w, "end", trend_end_ms(t));
	json_open(w, "figures");
	for (unsigned f = 0; f < row->figure_count; f++) {
		json_open_list(w, row->figures[f]);
		for (unsigned i = 0; i < TREND_STEPS; i++)
			json_number(w, NULL, trend_mean(t, f, i), JSON_FIGURE);
		json_close_list(w);
	}
	json_close(w);
	json_close(w);
}
