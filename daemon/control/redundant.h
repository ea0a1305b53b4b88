/* redundant: one figure from several sensors of the same thing (pure).
 *
 * A sensor that is further from the median of all than its tolerance deviates: its value is left out, and
 * whoever asked shows it as suspect. It comes back when it is within 80 % of the tolerance. Of two sensors
 * that disagree nobody knows which is right: both deviate, and the figure is suspect.
 */
#pragma once

#include "daemon/control/figure.h"

struct redundant_sensor {
	struct figure figure;
	double tolerance;	/* in the figure's unit; NAN = tolerance_share counts */
	double tolerance_share; /* of the median */
	bool deviates;		/* as judged last; judged anew */
};

/* The median, mean or sum. Medians and means are good while more than half of all sensors agree, estimated
 * while others cannot be read; a sum needs all of its parts. The reason is left to whoever knows the names.
 */
struct figure redundant_combine(enum combination how, struct redundant_sensor *sensors, size_t n);
