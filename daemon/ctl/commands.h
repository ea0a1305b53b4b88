/* commands: the table of all commands of coolantctl (pure). */
#pragma once

#include "daemon/ctl/ctl.h"

/* A file each. */
extern const struct command init_command;
extern const struct command check_command;
extern const struct command status_command;
extern const struct command points_command;
extern const struct command top_command;
extern const struct command alarms_command;
extern const struct command alarms_ack_command;
extern const struct command alarms_shelve_command;
extern const struct command alarms_unshelve_command;
extern const struct command alarms_history_command;
extern const struct command spool_command;
extern const struct command explain_command;
extern const struct command report_command;
extern const struct command profiles_command;
extern const struct command profiles_lint_command;
extern const struct command capture_command;
extern const struct command read_command;
extern const struct command scan_command;

/* All, in the order of the help; ends with NULL. */
extern const struct command *const commands[];

/* The options that every command has; --json only has an effect with one that has a schema. */
extern const struct command_option command_common_options[];

/* The command of that name; NULL = there is none. `below` is the second word of one below another, or NULL.
 */
const struct command *commands_find(const char *name, const char *below);

/* ", did you mean 'WORD'?" or "": for a first word, or for the second behind `name`. */
const char *commands_suggest(struct arena *a, const char *name, const char *typed);

/* The same for an option: its dashes included. */
const char *commands_suggest_option(struct arena *a, const struct command *c, const char *typed);
