/* profile: what is known of a device model: its points and the limits of one request (holder).
 *
 * Profiles are files NAME.ini in the folders of $COOLANTD_PROFILE_PATH (colon separated), by default
 * /etc/coolantd/profiles, then the installed ones. Everything lives in the caller's arena.
 */
#pragma once

#include "config/ini/schema.h"
#include "config/point.h"

#define PROFILE_POINTS_MAX 4096
#define PROFILE_HOLES_MAX 64
#define PROFILE_IDENTITIES_MAX 16

/* Addresses that the device does not have: they are never read, not even along with others. */
struct profile_hole {
	enum register_table table;
	uint16_t first, last;
};

struct profile_holes {
	const struct profile_hole *items;
	size_t count;
};

/* A register, or bit, that has this value in a device of this model, and in hardly any other. */
struct profile_identity {
	struct point_register reg;
	uint16_t value;
};

struct profile_identities {
	const struct profile_identity *items;
	size_t count;
};

struct profile {
	const char *path;
	const char *vendor, *model, *source;
	enum point_order word_order, byte_order;
	int64_t max_registers; /* in one request; for coils and discrete inputs 16 times as many */
	int64_t max_gap;       /* registers that may be read along to join two points */
	struct profile_holes holes;
	struct profile_identities identify;
	bool tested;	       /* on a device, not only written from its manual */
	int64_t default_unit;  /* -1 = none */
	double accuracy_class; /* of a meter, in percent; NAN = not known */
	const struct point *points;
	size_t point_count;
	struct name_index point_names;
	uint64_t fingerprint; /* of all its sections, see ini_section_fingerprint */
};

/* The rows of [profile]. */
extern const struct schema_key profile_keys[];

/* Loads NAME.ini. NULL with findings in `d`: the place is then `asked` for a file that is not there. */
const struct profile *profile_load(
    const char *name, struct arena *a, struct diag *d, struct diag_place asked);

/* The same from a file wherever it lies. */
const struct profile *profile_load_file(const char *path, struct arena *a, struct diag *d);

/* The names of all profiles that can be loaded, sorted, each once. Returns how many. */
size_t profile_names(struct arena *a, const char ***ret);
/* Where profiles are looked for, colon separated. */
const char *profile_path(void);

/* What its points have in common; NULL = of a device without a profile. */
struct point_defaults profile_point_defaults(const struct profile *p);
