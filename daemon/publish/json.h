/* json: our own format, JSON under B = PREFIX/SITE/RACK (holder, see output.h). */
#pragma once

#include "daemon/publish/output.h"

/* The longest base, with its NUL: a prefix of 200 bytes, site and rack. */
#define JSON_BASE_MAX 340

extern const struct output_format json_format;

/* B of a configuration. */
void json_base(const struct config *c, char base[static JSON_BASE_MAX]);
