/* json: our own format, JSON under B = PREFIX/SITE/RACK (holder, see output.h). */
#pragma once

#include "daemon/publish/output.h"

/* The longest topic, with its NUL: a prefix of 200 bytes, and names. */
#define JSON_TOPIC_MAX 640

extern const struct output_format json_format;

/* B of a configuration. */
void json_base(const struct config *c, char base[static JSON_TOPIC_MAX]);
