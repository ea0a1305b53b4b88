/* survey: which units answer on a bus, at which settings of its line, and what they are (mover, blocks its
 * thread).
 *
 * First all units are asked at all settings, each for one response time-out; when replies come after theirs,
 * which a gateway's do that waits longer for a unit than we do, the time-out is doubled and those that did
 * not answer are asked again. Then each that answered is asked what it is.
 */
#pragma once

#include "daemon/ctl/models.h"
#include "daemon/ctl/port.h"
#include "drivers/modbus/scan.h"

#define SURVEY_UNITS 256
/* From so many units on that are all there, it is one device that does not look at its unit id: a gateway has
 * some that are not. */
#define SURVEY_EVERY 8
#define SURVEY_SETTINGS_MAX 11
/* Of several settings of a line, with each unit of them. */
#define SURVEY_FOUND_MAX 1024

/* What is asked; of a TCP bus, and of one that is asked through coolantd, the line is as it is. */
struct survey_plan {
	bool units[SURVEY_UNITS];
	int bauds[SURVEY_SETTINGS_MAX];
	size_t baud_count; /* 0 = the bus's own */
	enum bus_parity parities[3];
	size_t parity_count; /* likewise */
};

struct survey_unit {
	struct scan_finding finding;
	int baud;
	enum bus_parity parity;
	const char *profile;	      /* NULL = no profile knows it */
	char alike[MODELS_GUESS_MAX]; /* of one that no profile knows: those whose registers it gives */
	struct identification is;     /* what it says of itself */
	bool has_register;
	struct point_register reg; /* one that it gives, of a unit that no profile knows */
};

struct survey {
	struct survey_unit *units; /* malloc'd; those that are there, and those of which something came */
	size_t count;
	unsigned asked;		  /* units at any setting */
	bool every;		  /* all are one device, of which only the first was asked what it is */
	int64_t response_timeout; /* that was needed */
	bool stopped;		  /* by the user: not all were asked */
};

/* Asks; progress goes to stderr when that is a terminal. 0, or -EIO when the bus cannot be opened, said. */
int survey_run(const struct ctl *ctl, struct port *p, const struct survey_plan *plan, const struct models *m,
    struct survey *ret);
void survey_deinit(struct survey *s);
