/* say: what goes wrong, on stderr as "coolantctl: what, where, and what to do next" (main thread).
 *
 * Each returns the exit code that belongs to it, for the caller to return. All text is made printable.
 */
#pragma once

#include "daemon/ctl/ctl.h"

/* CTL_FAILED. */
int say_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* CTL_USAGE, with where the help of the command is. */
int say_usage(const struct command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* CTL_CONFIG. */
int say_config(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For diag_each: what is wrong with a configuration, without its notes. */
void say_finding(bool is_error, const char *text, void *user);

/* A line that changes nothing about how it ends. */
void say_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
