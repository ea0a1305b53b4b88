/* unit_folder: a folder of its own for a unit test of what is on the disk. */
#pragma once

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char folder[] = "/tmp/coolantd-unit-XXXXXX";
static char ini[64], file[64]; /* its coolantd.ini and state.db */

static int make_folder(void **state)
{
	assert_non_null(mkdtemp(folder));
	snprintf(ini, sizeof(ini), "%s/coolantd.ini", folder);
	snprintf(file, sizeof(file), "%s/state.db", folder);
	return 0;
}

/* A test that leaves its state.db or anything else there is a fault: then this fails. */
static int remove_folder(void **state)
{
	(void)unlink(ini);
	return rmdir(folder);
}
