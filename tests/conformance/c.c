/* Performs the steps of conformance cases by the C API alone. */
#include <stdlib.h>
#include <string.h>

#include <skilllite.h>

#include "suite.h"

#define TEXT(text) (text).data, (text).length
enum { MOST_CALLS = 8 };

struct suite_session {
    skl_engine *engine;
    skl_agent *agent;
    struct { char name[32]; skl_call *call; } calls[MOST_CALLS];
};

const char suite_language[] = "C";
static long live;

long suite_live_handles(void) { return live; }

suite_session *suite_session_new(void) { return calloc(1, sizeof(suite_session)); }

/* Counts a handle that was made. */
static void made(const void *handle) { live += handle != NULL; }

static void end_call(skl_call **call) {
    live -= *call != NULL;
    skl_call_free(*call);
    *call = NULL;
}

static void end_engine(suite_session *session) {
    live -= session->engine != NULL;
    if (session->engine) skl_engine_close(session->engine, NULL);
    skl_engine_free(session->engine);
    session->engine = NULL;
}

static void end_agent(suite_session *session) {
    live -= session->agent != NULL;
    skl_agent_free(session->agent);
    session->agent = NULL;
}

void suite_session_end(suite_session *session) {
    size_t index;
    end_agent(session);
    for (index = 0; index < MOST_CALLS; index++) end_call(&session->calls[index].call);
    end_engine(session);
    free(session);
}

/* The place of the call of this name, or a free one if there is none; NULL if there is neither. */
static skl_call **place_of(suite_session *session, suite_text name, bool is_new) {
    size_t index;
    for (index = 0; index < MOST_CALLS; index++) {
        if (session->calls[index].call && suite_is(name, session->calls[index].name)) {
            if (is_new) end_call(&session->calls[index].call);
            return &session->calls[index].call;
        }
    }
    for (index = 0; is_new && index < MOST_CALLS; index++) {
        if (!session->calls[index].call && name.length < sizeof session->calls[index].name) {
            memcpy(session->calls[index].name, name.data, name.length);
            session->calls[index].name[name.length] = 0;
            return &session->calls[index].call;
        }
    }
    return NULL;
}

/* Frees the error of a failure and tells it. Whether there was none. By address: the order of arguments is nobody's. */
static bool went_well(skl_status status, skl_error **err, suite_outcome *outcome) {
    if (status == SKL_OK) return true;
    suite_failure(outcome, skl_status_name(status), skl_error_message(*err));
    skl_error_free(*err);
    *err = NULL;
    return false;
}

typedef void tell(suite_outcome *, const char *, size_t);

/* Frees a buffer and tells what it holds. */
static void answer(skl_status status, skl_buffer *buffer, skl_error *err, tell *tell, suite_outcome *outcome) {
    if (!went_well(status, &err, outcome)) return;
    made(buffer);
    tell(outcome, skl_buffer_data(buffer), skl_buffer_len(buffer));
    live -= buffer != NULL;
    skl_buffer_free(buffer);
}

static void stream_it(const suite_step *step, suite_outcome *outcome) {
    skl_stream *stream = NULL;
    skl_buffer *response = NULL;
    skl_error *err = NULL;
    size_t at = 0, piece;
    bool is_fine = went_well(skl_stream_new(TEXT(step->dialect), &stream, &err), &err, outcome), is_complete;
    made(stream);
    for (; is_fine && at < step->text.length; at += piece) {
        piece = step->text.length - at;
        if (step->cut && step->cut < piece) piece = step->cut;
        is_fine = went_well(skl_stream_feed(stream, step->text.data + at, piece, &err), &err, outcome);
    }
    if (is_fine) {
        is_complete = skl_stream_is_complete(stream);
        if (went_well(skl_stream_response(stream, &response, &err), &err, outcome)) {
            suite_streamed(outcome, is_complete, skl_buffer_data(response), skl_buffer_len(response));
            skl_buffer_free(response);
        }
    }
    live -= stream != NULL;
    skl_stream_free(stream);
}

/* A call, or the calls of a response. */
static void start_it(suite_session *session, const suite_step *step, suite_outcome *outcome) {
    skl_call **place = place_of(session, step->call, true);
    skl_error *err = NULL;
    skl_status status;
    if (!place) {
        suite_trouble(outcome, "there are too many calls");
        return;
    }
    if (strcmp(step->action, "respond") == 0) {
        status = skl_engine_respond(session->engine, TEXT(step->dialect), TEXT(step->response), TEXT(step->options), place, &err);
    } else {
        status = skl_engine_call(session->engine, TEXT(step->tool), TEXT(step->arguments), TEXT(step->options), place, &err);
    }
    went_well(status, &err, outcome);
    made(*place);
}

/* Whether the bytes hold the text. */
static bool holds(const char *data, size_t length, suite_text text) {
    for (; length >= text.length; data++, length--) {
        if (memcmp(data, text.data, text.length) == 0) return true;
    }
    return false;
}

static void read_it(skl_call *call, const suite_step *step, suite_outcome *outcome) {
    skl_buffer *chunk = NULL;
    skl_error *err = NULL;
    char *all = NULL;
    size_t length = 0;
    bool is_end = false, is_fine = true;
    while (is_fine && !is_end && (step->until.length == 0 || !holds(all, length, step->until))) {
        is_fine = went_well(skl_call_read(call, step->stream, -1, &chunk, &err), &err, outcome);
        is_end = chunk == NULL;
        if (is_end) continue;
        all = realloc(all, length + skl_buffer_len(chunk) + 1);
        if (!all) exit(2);
        memcpy(all + length, skl_buffer_data(chunk), skl_buffer_len(chunk));
        length += skl_buffer_len(chunk);
        skl_buffer_free(chunk);
    }
    if (is_fine && is_end && step->until.length > 0) suite_trouble(outcome, "the stream ended before that");
    else if (is_fine) suite_bytes(outcome, length ? all : "", length);
    free(all);
}

static bool on_a_call(skl_call **place, const suite_step *step, suite_outcome *outcome) {
    skl_buffer *out = NULL;
    skl_error *err = NULL;
    skl_status status;
#define DOES(name) (strcmp(step->action, name) == 0)
    if (!DOES("wait") && !DOES("cancel") && !DOES("read_file") && !DOES("keep") && !DOES("output") && !DOES("free")) return false;
    if (!place) {
        suite_trouble(outcome, "there is no such call");
    } else if (DOES("wait")) {
        status = skl_call_wait(*place, step->timeout_ms, &out, &err);
        answer(status, out, err, suite_json, outcome);
    } else if (DOES("cancel")) {
        went_well(skl_call_cancel(*place), &err, outcome);
    } else if (DOES("read_file")) {
        status = skl_call_read_file(*place, TEXT(step->path), step->max_bytes, &out, &err);
        answer(status, out, err, suite_bytes, outcome);
    } else if (DOES("keep")) {
        went_well(skl_call_keep(*place, TEXT(step->path), TEXT(step->dest), &err), &err, outcome);
    } else if (DOES("output")) {
        read_it(*place, step, outcome);
    } else {
        end_call(place);
    }
    return true;
}

static void feed_it(skl_agent *agent, const suite_step *step, suite_outcome *outcome) {
    suite_text whole = step->response.data ? step->response : step->text;
    skl_error *err = NULL;
    size_t at = 0, piece;
    bool is_fine;
    do {
        piece = whole.length - at;
        if (step->cut && step->cut < piece) piece = step->cut;
        is_fine = went_well(skl_agent_feed(agent, whole.data + at, piece, step->is_end && at + piece == whole.length, &err), &err, outcome);
        at += piece;
    } while (is_fine && at < whole.length);
}

static bool on_the_agent(suite_session *session, const suite_step *step, suite_outcome *outcome) {
    skl_buffer *out = NULL;
    skl_error *err = NULL;
    skl_status status;
    if (DOES("agent")) {
        end_agent(session);
        went_well(skl_agent_new(session->engine, TEXT(step->config), &session->agent, &err), &err, outcome);
        made(session->agent);
    } else if (DOES("agent_ask")) {
        went_well(skl_agent_ask(session->agent, TEXT(step->words), TEXT(step->messages), &err), &err, outcome);
    } else if (DOES("agent_next")) {
        status = skl_agent_next(session->agent, step->timeout_ms, &out, &err);
        answer(status, out, err, suite_json, outcome);
    } else if (DOES("agent_feed")) {
        feed_it(session->agent, step, outcome);
    } else if (DOES("agent_approve")) {
        went_well(skl_agent_approve(session->agent, TEXT(step->call_id), step->is_allowed, TEXT(step->reason), &err), &err, outcome);
    } else if (DOES("agent_events")) {
        status = skl_agent_events(session->agent, &out, &err);
        answer(status, out, err, suite_json, outcome);
    } else if (DOES("agent_cancel")) {
        went_well(skl_agent_cancel(session->agent), &err, outcome);
    } else if (DOES("agent_transcript")) {
        status = skl_agent_transcript(session->agent, &out, &err);
        answer(status, out, err, suite_json, outcome);
    } else {
        return false;
    }
    return true;
}

void suite_perform(suite_session *session, const suite_step *step, suite_outcome *outcome) {
    skl_engine *engine = session->engine;
    skl_buffer *out = NULL;
    skl_error *err = NULL;
    skl_status status;
    tell *tell = suite_json;

    if (on_a_call(place_of(session, step->call, false), step, outcome) || on_the_agent(session, step, outcome)) return;
    if (DOES("start") || DOES("respond")) {
        start_it(session, step, outcome);
        return;
    } else if (DOES("stream")) {
        stream_it(step, outcome);
        return;
    } else if (DOES("version")) {
        suite_string(outcome, skl_version(), strlen(skl_version()));
        return;
    } else if (DOES("has_feature")) {
        suite_bool(outcome, skl_has_feature(TEXT(step->name)));
        return;
    } else if (DOES("new")) {
        end_engine(session);
        went_well(skl_engine_new(TEXT(step->config), &session->engine, &err), &err, outcome);
        made(session->engine);
        return;
    } else if (DOES("close")) {
        went_well(skl_engine_close(engine, &err), &err, outcome);
        return;
    } else if (DOES("remove")) {
        went_well(skl_engine_remove(engine, TEXT(step->skill), &err), &err, outcome);
        return;
    } else if (DOES("enable")) {
        went_well(skl_engine_enable(engine, TEXT(step->skill), step->is_enabled, &err), &err, outcome);
        return;
    }

    if (DOES("probe")) {
        status = skl_probe(&out, &err);
    } else if (DOES("load")) {
        status = skl_engine_load(engine, TEXT(step->dir), &out, &err);
    } else if (DOES("reload")) {
        status = skl_engine_reload(engine, &out, &err);
    } else if (DOES("prepare")) {
        status = skl_engine_prepare(engine, TEXT(step->skill), &out, &err);
    } else if (DOES("skills")) {
        status = skl_engine_skills(engine, &out, &err);
    } else if (DOES("tools")) {
        status = skl_engine_tools(engine, TEXT(step->dialect), &out, &err);
    } else if (DOES("instructions")) {
        status = skl_engine_instructions(engine, TEXT(step->skill), &out, &err);
        tell = suite_string;
    } else if (DOES("resources")) {
        status = skl_engine_resources(engine, TEXT(step->skill), &out, &err);
    } else if (DOES("read_resource")) {
        status = skl_engine_read_resource(engine, TEXT(step->skill), TEXT(step->path), step->max_bytes, &out, &err);
        tell = suite_bytes;
    } else if (DOES("manifest")) {
        status = skl_engine_manifest(engine, TEXT(step->skill), &out, &err);
    } else if (DOES("scan")) {
        status = skl_engine_scan(engine, TEXT(step->skill), &out, &err);
    } else if (DOES("validate")) {
        status = skl_skill_validate(TEXT(step->dir), &out, &err);
    } else if (DOES("plan")) {
        status = skl_engine_plan(engine, TEXT(step->tool), TEXT(step->arguments), TEXT(step->options), &out, &err);
        tell = suite_string;
    } else if (DOES("execute")) {
        status = skl_engine_execute(engine, TEXT(step->tool), TEXT(step->arguments), TEXT(step->options), &out, &err);
    } else if (DOES("handle")) {
        status = skl_engine_handle(engine, TEXT(step->dialect), TEXT(step->response), TEXT(step->options), &out, &err);
    } else {
        suite_trouble(outcome, "this runner cannot do that");
        return;
    }
    answer(status, out, err, tell, outcome);
}
