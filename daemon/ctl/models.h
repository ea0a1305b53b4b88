/* models: which profile describes a unit that answers (mover, blocks its thread).
 *
 * A profile's `identify` registers tell its model; without a match, the vendor's name of Read Device
 * Identification says which profiles may be worth a look.
 */
#pragma once

#include "config/profile.h"
#include "daemon/ctl/port.h"

struct models;

/* All profiles of the path that are good; what is wrong with others is said on stderr. */
struct models *models_load(void);
void models_free(struct models *m);

/* The name of the profile whose registers the unit answers as it says; NULL = none, or stopped. */
const char *models_find(const struct models *m, struct port *p, uint8_t unit);

/* Its vendor and model as a profile has them. */
const struct profile *models_profile(const struct models *m, const char *name);

#define MODELS_GUESS_MAX 200
/* Names of the profiles without `identify` whose registers the unit gives, with values that could be
 * readings, with commas between them; "" = none. No proof: other models may have something there too. */
void models_alike(const struct models *m, struct port *p, uint8_t unit, char alike[static MODELS_GUESS_MAX]);

/* Names of the profiles of the vendor that a device says it is of, with commas between them; "" = none. */
void models_guess(
    const struct models *m, const struct identification *is, char guess[static MODELS_GUESS_MAX]);
