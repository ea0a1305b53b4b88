/* records: [records], how long the hours are kept (pure). */
#pragma once

#include "config/sections/section.h"

struct records_config {
	int64_t keep; /* 0 = there are none */
};

extern const struct config_section records_section;
