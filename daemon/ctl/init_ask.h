/* init_ask: what a configuration is to be made of, asked on a terminal (stdin, stderr). */
#pragma once

#include "daemon/ctl/init_text.h"

/* Asks for what is not told yet; each answer is checked at once, and asked for again with what is wrong.
 * False when the input has ended. */
bool init_ask(struct init_answers *x, struct arena *a);
