/* credential: a secret from a file (main thread). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Where such a file is, or would be; "" of none. */
void credential_path(const char *file, const char *beside, char *path, size_t size);

/* Why a file cannot be used, in words; NULL = it can be read and is not empty, and is PEM where it has to be.
 */
const char *credential_fault(const char *path, bool is_pem);

/* Reads the first line of `file` into `secret`. A relative path is looked up in $CREDENTIALS_DIRECTORY (the
 * service's credentials), then beside `beside`. 0 or negative errno. */
int credential_read(const char *file, const char *beside, char *secret, size_t size);
