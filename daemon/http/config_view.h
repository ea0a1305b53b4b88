/* config_view: the configuration that is in force, without secrets (pure).
 *
 * Sections with the values of their keys as they are written in the files, a later one over an earlier; where
 * nothing is written, the default. Passwords are in files of their own and never here; of a URL what stands
 * before an @ is left out.
 */
#pragma once

#include "config/config.h"
#include "daemon/publish/json_writer.h"

/* Each section under its title. */
void config_view_put(struct json_writer *w, const struct config *c);

/* Takes user and password out of each URL of a text, in place. */
void config_view_redact(char *text);
