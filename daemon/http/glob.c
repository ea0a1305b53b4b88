#include "daemon/http/glob.h"

#include <stddef.h>

bool glob_matches(const char *pattern, const char *name)
{
	/* where the last star is, and the first character that it does not stand for: what fails behind it
	 * is tried again one further. An earlier star never has to take more. */
	const char *star = NULL, *rest = NULL;
	while (*name != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			rest = name;
		} else if (*pattern == '?' || *pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++rest;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
