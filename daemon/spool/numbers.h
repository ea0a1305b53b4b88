/* numbers: the numbers of texts taken out and put back (pure apart from allocation).
 *
 * What telemetry repeats is its words, what it brings are small changes of numbers: a block of messages packs
 * to half the size when the words stand by themselves and each number is the difference to the one that stood
 * behind the same words before. What comes back is the same text, byte for byte.
 *
 * In the text a byte of 1..8 stands for a number with that many decimals less one; so a text with such bytes
 * cannot be taken apart. A run of digits that would not come back as it is ("007", 19 digits, 8 decimals)
 * stays in the text.
 */
#pragma once

#include "daemon/control/bytes.h"

#include <stddef.h>

bool numbers_can_leave(const void *text, size_t size);

/* Writes the size of the text without its numbers, that text, and the differences as integers. */
void numbers_take_out(const void *text, size_t size, struct bytes_writer *w);

/* Reads that and adds the text; more than `most` bytes of it, or nonsense, make the reader bad. */
void numbers_put_back(struct bytes_reader *r, size_t most, struct bytes_writer *text);
