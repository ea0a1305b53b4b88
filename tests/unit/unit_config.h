/* unit_config: a configuration from a text, for the unit tests that need one. */
#pragma once

#include "unit.h"

#include "config/config.h"

#include <stdio.h>

/* Written to the file at `path`; it must be good. */
static struct config *load_config(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	struct diag *diag = diag_new();
	struct config *c = config_load(path, diag);
	diag_free(diag);
	assert_non_null(c);
	return c;
}
