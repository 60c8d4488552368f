/* See pattern.h. */
#define _POSIX_C_SOURCE 200809L
#include "pattern.h"

#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char place[512];
    char *why;
    size_t size;
} judge;

static bool fits(const json_t *pattern, const json_t *value, judge *judge);

json_t *pattern_parse(const char *data, size_t length) {
    json_t *value = json_loadb(data, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    return value ? value : json_loadb(data, length, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
}

const char *pattern_shown(const json_t *value) {
    static char shown[2][512];
    static int turn;
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    turn = !turn;
    snprintf(shown[turn], sizeof shown[turn], "%s", text ? text : "nothing");
    free(text);
    return shown[turn];
}

static bool no(judge *judge, const char *relation, const json_t *pattern, const json_t *value) {
    if (judge->why) {
        snprintf(judge->why, judge->size, "at %s: %s %s %s", *judge->place ? judge->place : "the top", pattern_shown(value), relation, pattern_shown(pattern));
    }
    return false;
}

/* Judges a part of a value, whose place is that of the whole and `key`. */
static bool fits_at(const json_t *pattern, const json_t *value, judge *judge, const char *key) {
    size_t used = strlen(judge->place);
    bool is_fit;
    snprintf(judge->place + used, sizeof judge->place - used, "%s%s", used ? "." : "", key);
    is_fit = fits(pattern, value, judge);
    judge->place[used] = 0;
    return is_fit;
}

static bool fits_quietly(const json_t *pattern, const json_t *value) {
    judge quiet = { "", NULL, 0 };
    return fits(pattern, value, &quiet);
}

static bool same(const json_t *one, const json_t *other) {
    const char *key;
    json_t *inner;
    size_t index;
    if (json_is_number(one) && json_is_number(other)) return json_number_value(one) == json_number_value(other);
    if (json_typeof(one) != json_typeof(other)) return false;
    if (json_is_object(one)) {
        if (json_object_size(one) != json_object_size(other)) return false;
        json_object_foreach((json_t *)one, key, inner) {
            json_t *counterpart = json_object_get(other, key);
            if (!counterpart || !same(inner, counterpart)) return false;
        }
        return true;
    }
    if (json_is_array(one)) {
        if (json_array_size(one) != json_array_size(other)) return false;
        json_array_foreach(one, index, inner) {
            if (!same(inner, json_array_get(other, index))) return false;
        }
        return true;
    }
    return json_equal(one, other);
}

static bool is_of_type(const json_t *value, const char *type) {
    double number = json_number_value(value);
    return (strcmp(type, "null") == 0 && json_is_null(value)) || (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value)) || (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) || (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "integer") == 0 && json_is_number(value) && floor(number) == number);
}

static bool holds(const char *data, size_t length, const char *part, size_t part_length) {
    for (; length >= part_length; data++, length--) {
        if (memcmp(data, part, part_length) == 0) return true;
    }
    return false;
}

static bool is_found(const char *expression, const char *text) {
    regex_t compiled;
    bool found;
    if (regcomp(&compiled, expression, REG_EXTENDED | REG_NOSUB) != 0) return false;
    found = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return found;
}

/* One `$` key of a pattern. */
static bool matches(const char *key, const json_t *inner, const json_t *value, judge *judge) {
    json_t *item;
    size_t index;
    bool is_fit = false;
    if (strcmp(key, "$any") == 0) return true;
    if (strcmp(key, "$type") == 0) {
        is_fit = is_of_type(value, json_string_value(inner));
    } else if (strcmp(key, "$exact") == 0) {
        is_fit = same(inner, value);
    } else if (strcmp(key, "$min") == 0) {
        is_fit = json_is_number(value) && json_number_value(value) >= json_number_value(inner);
    } else if (strcmp(key, "$max") == 0) {
        is_fit = json_is_number(value) && json_number_value(value) <= json_number_value(inner);
    } else if (strcmp(key, "$length") == 0) {
        size_t length = json_is_array(value) ? json_array_size(value) : json_string_length(value);
        is_fit = (json_is_array(value) || json_is_string(value)) && (json_int_t)length == json_integer_value(inner);
    } else if (strcmp(key, "$contains") == 0) {
        if (json_is_string(value)) {
            is_fit = json_is_string(inner) && holds(json_string_value(value), json_string_length(value), json_string_value(inner), json_string_length(inner));
        }
        json_array_foreach(value, index, item) is_fit = is_fit || fits_quietly(inner, item);
    } else if (strcmp(key, "$regex") == 0) {
        is_fit = json_is_string(value) && is_found(json_string_value(inner), json_string_value(value));
    } else if (strcmp(key, "$json") == 0) {
        json_t *parsed = json_is_string(value) ? pattern_parse(json_string_value(value), json_string_length(value)) : NULL;
        if (!parsed) return no(judge, "is no JSON text that fits", inner, value);
        is_fit = fits_at(inner, parsed, judge, "($json)");
        json_decref(parsed);
        return is_fit;
    } else if (strcmp(key, "$not") == 0) {
        is_fit = !fits_quietly(inner, value);
    } else if (strcmp(key, "$all") == 0) {
        json_array_foreach(inner, index, item) {
            if (!fits(item, value, judge)) return false;
        }
        return true;
    } else if (strcmp(key, "$one_of") == 0) {
        json_array_foreach(inner, index, item) is_fit = is_fit || fits_quietly(item, value);
    } else {
        if (judge->why) snprintf(judge->why, judge->size, "no such matcher: %s", key);
        return false;
    }
    return is_fit || no(judge, key, inner, value);
}

static bool fits_object(const json_t *pattern, const json_t *value, judge *judge) {
    const char *key;
    json_t *inner;
    json_object_foreach((json_t *)pattern, key, inner) {
        json_t *found = json_object_get(value, key);
        bool is_unwanted = json_is_object(inner) && json_object_get(inner, "$absent") != NULL;
        if (is_unwanted && !found) continue;
        if (is_unwanted || !found) {
            if (judge->why) snprintf(judge->why, judge->size, "at %s: %s is %s in %s", *judge->place ? judge->place : "the top", key, found ? "there" : "absent", pattern_shown(value));
            return false;
        }
        if (!fits_at(inner, found, judge, key)) return false;
    }
    return true;
}

static bool fits(const json_t *pattern, const json_t *value, judge *judge) {
    const char *key;
    json_t *inner;
    size_t index;
    bool has_matcher = false;
    if (json_is_object(pattern)) {
        json_object_foreach((json_t *)pattern, key, inner) has_matcher = has_matcher || *key == '$';
        if (has_matcher) {
            json_object_foreach((json_t *)pattern, key, inner) {
                if (!matches(key, inner, value, judge)) return false;
            }
            return true;
        }
        return json_is_object(value) ? fits_object(pattern, value, judge) : no(judge, "is not", pattern, value);
    }
    if (json_is_array(pattern)) {
        if (!json_is_array(value) || json_array_size(pattern) != json_array_size(value)) return no(judge, "is not", pattern, value);
        json_array_foreach(pattern, index, inner) {
            char place[24];
            snprintf(place, sizeof place, "%zu", index);
            if (!fits_at(inner, json_array_get(value, index), judge, place)) return false;
        }
        return true;
    }
    return same(pattern, value) || no(judge, "is not", pattern, value);
}

bool pattern_fits(const json_t *pattern, const json_t *value, char *why, size_t size) {
    judge judge = { "", why, size };
    return fits(pattern, value, &judge);
}
