/* utf8: is this text valid UTF-8 (pure)? */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* True when the n bytes are UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, at most U+10FFFF. */
bool utf8_is_valid(const char *s, size_t n);
