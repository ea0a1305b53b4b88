/* json_writer: JSON text into a growing buffer (holder).
 *
 * Not jansson, whose one precision is for a whole document: here each number is written with the digits that
 * its source has, so a register of 425 with scale 0.1 is 42.5 and a float of 21.3 is 21.3. Calls nest as the
 * document does; the comma is the writer's business. Text must be UTF-8. Without memory the writer goes quiet
 * and json_finish tells.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum json_digits {
	JSON_DECIMAL, /* 15 digits: integers that were scaled */
	JSON_FIGURE,  /* six significant digits: computed values */
	JSON_ENERGY,  /* a millionth: computed kWh */
	JSON_FLOAT,   /* as many as tell a float from its neighbours */
	JSON_DOUBLE,  /* as many as tell a double from its neighbours */
};

struct json_writer {
	FILE *out;
	char *text;
	size_t size;
	bool need_comma;
};

void json_begin(struct json_writer *w);
/* Ends the document: malloc'd text, or NULL without memory. */
char *json_finish(struct json_writer *w);

void json_open(struct json_writer *w, const char *key); /* {, under a key or (NULL) as an item */
void json_close(struct json_writer *w);			/* } */
void json_open_list(struct json_writer *w, const char *key);
void json_close_list(struct json_writer *w);

/* A finite number as text, as short as it reads back. */
#define JSON_NUMBER_MAX 40
void json_number_text(char text[static JSON_NUMBER_MAX], double v, enum json_digits digits);

/* `key` is NULL in a list. A number that is not finite is null. */
void json_text(struct json_writer *w, const char *key, const char *s);
/* The symbols of the marked ones have names of their own: jansson, which coolantctl has too, has these. */
void json_integer(struct json_writer *w, const char *key, int64_t v) __asm__("json_writer_integer");
void json_unsigned(struct json_writer *w, const char *key, uint64_t v);
void json_number(struct json_writer *w, const char *key, double v, enum json_digits digits);
void json_bool(struct json_writer *w, const char *key, bool v);
void json_null(struct json_writer *w, const char *key) __asm__("json_writer_null");
/* What is JSON already. */
void json_raw(struct json_writer *w, const char *key, const char *json);
