/*
 * What the runners in C and in C++ share: cases are read, prepared and judged in suite.c and pattern.c; a language's own
 * file (c.c, cpp.cpp) performs single steps by its public API and knows nothing of JSON.
 */
#ifndef SUITE_H
#define SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that are borrowed; NULL and 0 where an input is absent. */
typedef struct { const char *data; size_t length; } suite_text;

/* The inputs of one step, documents as their text, absent numbers as README.md says. */
typedef struct {
    const char *action;
    suite_text name, dir, skill, dialect, path, dest, tool, config, arguments, options, response, text, call, until;
    suite_text words, messages, call_id, reason;
    bool is_enabled, is_allowed, is_end;
    uint64_t max_bytes;
    int64_t timeout_ms;
    size_t cut;
    uint32_t stream;
} suite_step;

/* What a step came to; filled by exactly one of the functions below, otherwise it is a success without output. */
typedef struct suite_outcome suite_outcome;

void suite_json(suite_outcome *outcome, const char *data, size_t length);
/* `{"is_complete", "response"}` of a stream. */
void suite_streamed(suite_outcome *outcome, bool is_complete, const char *response, size_t length);
void suite_string(suite_outcome *outcome, const char *data, size_t length);
void suite_bytes(suite_outcome *outcome, const char *data, size_t length);
void suite_bool(suite_outcome *outcome, bool value);
/* A failure with the status of this name, such as "SKL_ERR_CLOSED". */
void suite_failure(suite_outcome *outcome, const char *status, const char *message);
/* The step cannot be performed at all: why. */
void suite_trouble(suite_outcome *outcome, const char *why);

/* Whether two texts are the same; for names of actions and calls. */
bool suite_is(suite_text one, const char *other);

/* The language's own. A session is the state of one case; it is released whatever happened. */
typedef struct suite_session suite_session;
extern const char suite_language[];
suite_session *suite_session_new(void);
void suite_perform(suite_session *session, const suite_step *step, suite_outcome *outcome);
void suite_session_end(suite_session *session);
/* How many handles were made and not freed. */
long suite_live_handles(void);

#ifdef __cplusplus
}
#endif
#endif
