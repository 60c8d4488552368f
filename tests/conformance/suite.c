/*
 * The cases of this folder for one language: reads them, prepares each one's folder, lets the language perform its steps,
 * and judges what they came to. See README.md, which this file does as it says.
 */
#define _XOPEN_SOURCE 700
#include "suite.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "pattern.h"

static const char default_config[] = "{\"policy\":{\"min_tier\":\"landlock\"}}";

/* What each step takes. A key that is not among them, or a step that is not here, fails the case. */
static const struct { const char *action, *keys; } actions[] = {
    { "version", "" }, { "has_feature", "name" }, { "probe", "" },
    { "new", "config" }, { "load", "dir" }, { "reload", "" }, { "prepare", "skill" },
    { "remove", "skill" }, { "enable", "skill is_enabled" }, { "skills", "" },
    { "tools", "dialect" }, { "instructions", "skill" }, { "resources", "skill" },
    { "read_resource", "skill path max_bytes" }, { "manifest", "skill" }, { "scan", "skill" }, { "validate", "dir" },
    { "plan", "tool arguments arguments_text options" }, { "execute", "tool arguments arguments_text options" },
    { "start", "tool arguments arguments_text options call" }, { "wait", "call timeout_ms" }, { "cancel", "call" },
    { "read_file", "call path max_bytes" }, { "keep", "call path dest" }, { "output", "call stream until" }, { "free", "call" },
    { "handle", "dialect response response_text options" }, { "respond", "dialect response response_text options call" },
    { "stream", "dialect text cut" }, { "close", "" },
    { "agent", "config" }, { "agent_ask", "words messages" }, { "agent_next", "timeout_ms" },
    { "agent_feed", "response text cut is_end" }, { "agent_approve", "call_id is_allowed reason" }, { "agent_events", "" },
    { "agent_cancel", "" }, { "agent_transcript", "" }, { "write", "path text mode" }, { "delete", "path" },
};
static const char common_keys[] = "do expect error message save";

struct suite_outcome {
    json_t *output;
    char status[64], message[4096], trouble[512];
};

typedef struct {
    json_t *content, *saved;
    char folder[4096], why[4096];
    suite_session *session;
} running;

/* Outcomes */

void suite_json(suite_outcome *outcome, const char *data, size_t length) {
    outcome->output = pattern_parse(data, length);
    if (!outcome->output) suite_trouble(outcome, "the output is no JSON");
}

void suite_streamed(suite_outcome *outcome, bool is_complete, const char *response, size_t length) {
    outcome->output = json_pack("{s:b, s:o?}", "is_complete", is_complete, "response", pattern_parse(response, length));
    if (!outcome->output) suite_trouble(outcome, "the response is no JSON");
}

void suite_string(suite_outcome *outcome, const char *data, size_t length) {
    outcome->output = json_stringn(data, length);
    if (!outcome->output) suite_trouble(outcome, "the output is no UTF-8");
}

void suite_bytes(suite_outcome *outcome, const char *data, size_t length) {
    json_t *text = json_stringn(data, length);
    char *digits = malloc(2 * length + 1);
    size_t at;
    if (!digits) exit(2);
    digits[0] = 0;
    for (at = 0; at < length; at++) sprintf(digits + 2 * at, "%02x", (unsigned char)data[at]);
    outcome->output = json_pack("{s:I, s:o, s:s}", "size", (json_int_t)length, "text", text ? text : json_null(), "hex", digits);
    free(digits);
}

void suite_bool(suite_outcome *outcome, bool value) { outcome->output = json_boolean(value); }

void suite_failure(suite_outcome *outcome, const char *status, const char *message) {
    snprintf(outcome->status, sizeof outcome->status, "%s", status);
    snprintf(outcome->message, sizeof outcome->message, "%s", message);
}

void suite_trouble(suite_outcome *outcome, const char *why) { snprintf(outcome->trouble, sizeof outcome->trouble, "%s", why); }

bool suite_is(suite_text one, const char *other) { return one.length == strlen(other) && memcmp(one.data, other, one.length) == 0; }

/* Steps */

static bool is_listed(const char *list, const char *word) {
    size_t length = strlen(word);
    for (; *list; list += strcspn(list, " "), list += strspn(list, " ")) {
        if (strcspn(list, " ") == length && memcmp(list, word, length) == 0) return true;
    }
    return false;
}

static suite_text text_at(const json_t *step, const char *key, const char *absent) {
    const json_t *value = json_object_get(step, key);
    suite_text text = { absent, absent ? strlen(absent) : 0 };
    if (value) text = (suite_text){ json_string_value(value), json_string_length(value) };
    return text;
}

/* A document: the value under `key` as JSON, or the text under `raw`. `kept` keeps what is borrowed alive. */
static suite_text document_at(const json_t *step, const char *key, const char *raw, json_t *kept) {
    json_t *value = json_object_get(step, key);
    char *dumped;
    if (raw && json_object_get(step, raw)) return text_at(step, raw, NULL);
    if (!value) return (suite_text){ NULL, 0 };
    dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    value = json_string_nocheck(dumped);
    free(dumped);
    json_array_append_new(kept, value);
    return (suite_text){ json_string_value(value), json_string_length(value) };
}

/* Puts what was saved into the place of `{"$saved": "name.key"}`. */
static bool bring_saved(running *run, json_t *step) {
    static const char *const keys[] = { "response", "arguments", "messages", "text" };
    size_t index;
    for (index = 0; index < sizeof keys / sizeof *keys; index++) {
        const char *named = json_string_value(json_object_get(json_object_get(step, keys[index]), "$saved")), *dot;
        char name[128];
        json_t *value;
        if (!named) continue;
        dot = strchr(named, '.');
        snprintf(name, sizeof name, "%.*s", (int)(dot ? dot - named : (long)strlen(named)), named);
        value = json_object_get(run->saved, name);
        if (dot) value = json_object_get(value, dot + 1);
        if (!value) {
            snprintf(run->why, sizeof run->why, "nothing is saved as %.100s", named);
            return false;
        }
        json_object_set(step, keys[index], value);
    }
    return true;
}

static bool keys_are_known(running *run, const json_t *step) {
    const char *action = json_string_value(json_object_get(step, "do")), *keys = NULL, *key;
    json_t *value;
    size_t index;
    for (index = 0; action && index < sizeof actions / sizeof *actions; index++) {
        if (strcmp(actions[index].action, action) == 0) keys = actions[index].keys;
    }
    if (!keys) {
        snprintf(run->why, sizeof run->why, "no such step");
        return false;
    }
    json_object_foreach((json_t *)step, key, value) {
        if (!is_listed(keys, key) && !is_listed(common_keys, key)) {
            snprintf(run->why, sizeof run->why, "no such key: %.100s", key);
            return false;
        }
    }
    return true;
}

static void act(running *run, const json_t *step, json_t *kept, suite_outcome *outcome) {
    const json_t *config = json_object_get(step, "config") ? step : run->content;
    const json_t *bytes = json_object_get(step, "max_bytes"), *timeout = json_object_get(step, "timeout_ms");
    const json_t *stream = json_object_get(step, "stream");
    json_t *text = json_object_get(step, "text") ? folder_text(json_object_get(step, "text")) : NULL;
    suite_step inputs = { 0 };
    inputs.action = json_string_value(json_object_get(step, "do"));
    if (text) json_array_append_new(kept, text);
    if (strcmp(inputs.action, "write") == 0) {
        suite_text mode = text_at(step, "mode", "0644");
        if (!folder_put(run->folder, json_string_value(json_object_get(step, "path")), text, mode.data)) suite_trouble(outcome, strerror(errno));
        return;
    }
    if (strcmp(inputs.action, "delete") == 0) {
        char path[8192];
        snprintf(path, sizeof path, "%s/%s", run->folder, json_string_value(json_object_get(step, "path")));
        if (!folder_delete(path)) suite_trouble(outcome, "cannot delete it");
        return;
    }
    inputs.name = text_at(step, "name", NULL);
    inputs.dir = text_at(step, "dir", NULL);
    inputs.skill = text_at(step, "skill", NULL);
    inputs.dialect = text_at(step, "dialect", NULL);
    inputs.path = text_at(step, "path", NULL);
    inputs.dest = text_at(step, "dest", NULL);
    inputs.tool = text_at(step, "tool", NULL);
    inputs.call = text_at(step, "call", "call");
    inputs.until = text_at(step, "until", NULL);
    inputs.text = (suite_text){ json_string_value(text), json_string_length(text) };
    inputs.config = json_object_get(config, "config") ? document_at(config, "config", NULL, kept) : (suite_text){ default_config, strlen(default_config) };
    inputs.arguments = document_at(step, "arguments", "arguments_text", kept);
    inputs.response = document_at(step, "response", "response_text", kept);
    inputs.options = document_at(step, "options", NULL, kept);
    inputs.messages = document_at(step, "messages", NULL, kept);
    inputs.words = text_at(step, "words", NULL);
    inputs.call_id = text_at(step, "call_id", NULL);
    inputs.reason = text_at(step, "reason", NULL);
    inputs.is_enabled = !json_is_false(json_object_get(step, "is_enabled"));
    inputs.is_allowed = !json_is_false(json_object_get(step, "is_allowed"));
    inputs.is_end = !json_is_false(json_object_get(step, "is_end"));
    inputs.max_bytes = bytes ? (uint64_t)json_integer_value(bytes) : 1048576;
    inputs.timeout_ms = timeout ? json_integer_value(timeout) : -1;
    inputs.cut = (size_t)json_integer_value(json_object_get(step, "cut"));
    inputs.stream = stream ? (uint32_t)json_integer_value(stream) : 1;
    suite_perform(run->session, &inputs, outcome);
}

/* Whether the outcome is as the step expects. */
static bool judge(running *run, const json_t *step, suite_outcome *outcome) {
    const char *error = json_string_value(json_object_get(step, "error"));
    const json_t *message = json_object_get(step, "message"), *expect = json_object_get(step, "expect");
    bool fits = true;
    if (*outcome->trouble) {
        snprintf(run->why, sizeof run->why, "%s", outcome->trouble);
        return false;
    }
    if (*outcome->status) {
        json_t *text = json_string(outcome->message);
        if (!error || strcmp(error, outcome->status) != 0) {
            snprintf(run->why, sizeof run->why, "%s: %.3900s", outcome->status, outcome->message);
            fits = false;
        } else if (message) {
            fits = pattern_fits(message, text, run->why, sizeof run->why);
        }
        json_decref(text);
        return fits;
    }
    if (error) {
        snprintf(run->why, sizeof run->why, "it is no failure: %s", pattern_shown(outcome->output));
        return false;
    }
    return !expect || pattern_fits(expect, outcome->output, run->why, sizeof run->why);
}

static bool perform(running *run, const json_t *written) {
    suite_outcome outcome = { 0 };
    json_t *step = json_copy((json_t *)written), *kept = json_array();
    const char *save = json_string_value(json_object_get(step, "save"));
    bool is_done = keys_are_known(run, step) && bring_saved(run, step);
    if (is_done) {
        act(run, step, kept, &outcome);
        if (!outcome.output) outcome.output = json_null();
        is_done = judge(run, step, &outcome);
        if (is_done && save) json_object_set(run->saved, save, outcome.output);
        json_decref(outcome.output);
    }
    json_decref(kept);
    json_decref(step);
    return is_done;
}

static bool perform_all(running *run) {
    json_t *steps = json_object_get(run->content, "steps"), *step, *files = json_object_get(run->content, "files"), *content, *first;
    const char *name, *action = json_string_value(json_object_get(json_array_get(steps, 0), "do"));
    size_t index;
    bool is_done = true;
    struct stat about;
    char path[8192];
    json_object_foreach(files, name, content) {
        suite_text mode = text_at(content, "mode", "0644");
        if (!folder_put(run->folder, name, json_is_object(content) ? json_object_get(content, "text") : content, mode.data)) {
            snprintf(run->why, sizeof run->why, "cannot write %.200s: %s", name, strerror(errno));
            return false;
        }
    }
    if (!action || strcmp(action, "new") != 0) {
        snprintf(path, sizeof path, "%s/skills", run->folder);
        first = json_pack("[{s:s}]", "do", "new");
        if (stat(path, &about) == 0) json_array_append_new(first, json_pack("{s:s, s:s}", "do", "load", "dir", path));
        json_array_foreach(first, index, step) is_done = is_done && perform(run, step);
        json_decref(first);
    }
    json_array_foreach(steps, index, step) {
        char why[sizeof run->why];
        is_done = is_done && perform(run, step);
        if (is_done) continue;
        snprintf(why, sizeof why, "(step %zu, %.40s): %.3900s", index + 1, json_string_value(json_object_get(step, "do")), run->why);
        memcpy(run->why, why, sizeof why);
        break;
    }
    return is_done;
}

/* Cases */

static bool run_case(const json_t *content, char *why, size_t size) {
    const char *temporary = getenv("TMPDIR");
    char made[4096];
    running run = { 0 };
    bool is_done;
    snprintf(made, sizeof made, "%.3000s/conformance.XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(made) || !realpath(made, run.folder) || chmod(made, 0755) != 0) {
        snprintf(why, size, "cannot make the folder %.200s: %s", made, strerror(errno));
        return false;
    }
    run.content = folder_replace(content, run.folder);
    run.saved = json_object();
    run.session = suite_session_new();
    is_done = perform_all(&run);
    suite_session_end(run.session);
    snprintf(why, size, "%s", run.why);
    json_decref(run.saved);
    json_decref(run.content);
    folder_delete(run.folder);
    return is_done;
}

/* Performs a step without a case, for what a case needs. The caller owns the output. */
static json_t *ask(const char *action, const char *name) {
    suite_session *session = suite_session_new();
    suite_outcome outcome = { 0 };
    suite_step step = { 0 };
    step.action = action;
    step.name = (suite_text){ name, name ? strlen(name) : 0 };
    suite_perform(session, &step, &outcome);
    suite_session_end(session);
    return outcome.output;
}

static bool is_program(const char *name) {
    const char *place = getenv("PATH");
    char path[8192];
    for (; place && *place; place += strcspn(place, ":"), place += *place == ':') {
        snprintf(path, sizeof path, "%.*s/%s", (int)strcspn(place, ":"), place, name);
        if (access(path, X_OK) == 0) return true;
    }
    return false;
}

/* What the case needs and this host does not have; "" if nothing. */
static void lacking(const json_t *needs, char *what, size_t size) {
    json_t *item, *answer;
    size_t index;
    const char *key, *tier = json_string_value(json_object_get(needs, "tier"));
    *what = 0;
    json_object_foreach((json_t *)needs, key, item) {
        if (!is_listed("programs features tier", key)) snprintf(what, size, "nobody knows what %s is", key);
    }
    json_array_foreach(json_object_get(needs, "programs"), index, item) {
        if (!is_program(json_string_value(item))) snprintf(what, size, "%s is not installed", json_string_value(item));
    }
    json_array_foreach(json_object_get(needs, "features"), index, item) {
        answer = ask("has_feature", json_string_value(item));
        if (!json_is_true(answer)) snprintf(what, size, "the library has no feature %s", json_string_value(item));
        json_decref(answer);
    }
    if (tier) {
        bool is_there = false;
        answer = ask("probe", NULL);
        json_array_foreach(json_object_get(answer, "tiers"), index, item) {
            is_there = is_there || (strcmp(json_string_value(json_object_get(item, "tier")), tier) == 0 && json_is_true(json_object_get(item, "is_available")));
        }
        if (!is_there) snprintf(what, size, "this host does not give the tier %s", tier);
        json_decref(answer);
    }
}

static int descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = -3; /* two dots and the folder itself */
    while (folder && readdir(folder)) count++;
    if (folder) closedir(folder);
    return count;
}

static bool has_children(void) {
    char path[64];
    FILE *file;
    int first;
    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    file = fopen(path, "r");
    first = file ? fgetc(file) : EOF;
    if (file) fclose(file);
    return first != EOF;
}

static int is_json_file(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".json") == 0;
}

int main(int count, char **arguments) {
    struct dirent **files = NULL;
    int passed = 0, failed = 0, skipped = 0, open_at_first = -1, index, file, found;
    if (count < 2 || (found = scandir(arguments[1], &files, is_json_file, alphasort)) < 0) {
        fprintf(stderr, "usage: %s FOLDER [NAME...]\n", arguments[0]);
        return 2;
    }
    for (file = 0; file < found; file++) {
        char path[8192], why[4096];
        json_error_t error;
        json_t *cases, *content;
        size_t number;
        snprintf(path, sizeof path, "%s/%s", arguments[1], files[file]->d_name);
        cases = json_load_file(path, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
        if (!cases) {
            fprintf(stderr, "FAILED %s: line %d: %s\n", path, error.line, error.text);
            failed++;
        }
        json_array_foreach(cases, number, content) {
            const char *name = json_string_value(json_object_get(content, "name"));
            bool is_wanted = count == 2;
            for (index = 2; index < count; index++) is_wanted = is_wanted || strncmp(name, arguments[index], strlen(arguments[index])) == 0;
            if (!is_wanted) continue;
            lacking(json_object_get(content, "needs"), why, sizeof why);
            if (*why) {
                skipped++;
                fprintf(stderr, "skipped %s: %s\n", name, why);
                continue;
            }
            if (run_case(content, why, sizeof why)) {
                passed++;
            } else {
                failed++;
                fprintf(stderr, "FAILED %s %s\n", name, why);
            }
            if (open_at_first < 0) open_at_first = descriptors();
        }
        json_decref(cases);
        free(files[file]);
    }
    free(files);
    if (suite_live_handles() != 0 || has_children() || (open_at_first >= 0 && descriptors() != open_at_first)) {
        failed++;
        fprintf(stderr, "FAILED leaks: %ld handles are not freed, %d descriptors are open, %d were, %s\n", suite_live_handles(), descriptors(), open_at_first,
                has_children() ? "there are children" : "there are no children");
    }
    printf("%s: %d passed, %d failed", suite_language, passed, failed);
    if (skipped) printf(", %d skipped", skipped);
    printf("\n");
    return failed > 0 || passed == 0;
}
