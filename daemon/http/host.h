/* host: which names a request may come under (pure).
 *
 * A page in a browser behind the firewall may let its own name point at our address (DNS rebinding) and then
 * read what we answer. Its name stands in the Host of the request: who knows us by our address, as localhost,
 * or by the very name that this machine has, is none such.
 */
#pragma once

#include <stdbool.h>

/* `host` is the header's value, with or without a port; NULL = it has none: no browser. `own` is the name of
 * the machine. */
bool host_is_ours(const char *host, const char *own);
