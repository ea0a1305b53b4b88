/* hash: FNV-1a of 64 bits, of what nobody chooses to collide (pure).
 *
 * Fingerprints of it are saved: what comes out for some bytes stays the same.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_BASIS UINT64_C(14695981039346656037)

/* The hash goes on, from HASH_BASIS at first. */
uint64_t hash_bytes(uint64_t hash, const void *data, size_t size);

/* The same with the text and its NUL, so that texts one behind the other are told apart. */
uint64_t hash_text(uint64_t hash, const char *text);
