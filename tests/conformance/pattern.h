/* Patterns of expectations, as README.md says. */
#ifndef PATTERN_H
#define PATTERN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether the value fits; where it does not, `why` says at which place, cut to `size` bytes. */
bool pattern_fits(const json_t *pattern, const json_t *value, char *why, size_t size);
/* JSON text as a value, NULL where it is none. Whole numbers that are too large for an integer become reals. */
json_t *pattern_parse(const char *data, size_t length);
/* One line of a value for a person, in a buffer that the next call uses again. */
const char *pattern_shown(const json_t *value);

#endif
