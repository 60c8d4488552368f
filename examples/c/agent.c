/*
 * An agent in C99 with libcurl for the connection and jansson for JSON: asks a model, runs the calls that it makes, and prints
 * its answer as it comes.
 *
 *     BASE_URL=https://api.openai.com/v1 API_KEY=… MODEL=gpt-5-mini ./agent ../../skills "What is 15 times 27?"
 *     ./agent -a SKILLS QUESTION        asks on the terminal before each call
 *
 * The library bounds, starts and answers the calls (docs/agent.md); this program posts what it is told to post.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <jansson.h>
#include <skilllite.h>

/* A string argument of the library is a pointer and a length. */
#define TEXT(string) (string), strlen(string)

struct host {
    const char *base_url, *model;
    skl_engine *engine;
    skl_agent *agent;
    skl_error *err;
    CURL *curl;
    struct curl_slist *headers;
    bool has_shown; /* something of the response that came last */
};

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* A document of the library as a value; the buffer is freed. */
static json_t *parsed(skl_buffer *document)
{
    json_t *value = json_loadb(skl_buffer_data(document), skl_buffer_len(document), JSON_ALLOW_NUL, NULL);
    skl_buffer_free(document);
    return value;
}

/* Shows what happened since the last time. */
static void show_events(struct host *host)
{
    skl_buffer *document = NULL;
    json_t *events, *event;
    size_t index;

    if (skl_agent_events(host->agent, &document, NULL) != SKL_OK) {
        return;
    }
    events = parsed(document);
    json_array_foreach(events, index, event) {
        const char *kind = text_at(event, "event");
        if (strcmp(kind, "answer_delta") == 0) {
            fputs(text_at(event, "text"), stdout);
            host->has_shown = true;
        } else if (strcmp(kind, "call_started") == 0) {
            fprintf(stderr, "[%s ...]\n", text_at(event, "tool"));
        } else if (strcmp(kind, "call_finished") == 0) {
            fprintf(stderr, "[%s: %s]\n", text_at(event, "tool"), text_at(event, "status"));
        }
    }
    fflush(stdout);
    json_decref(events);
}

/* Feeds the response as it comes from the network, in whatever pieces. */
static size_t receive(char *data, size_t size, size_t count, void *user)
{
    struct host *host = user;
    skl_status status = skl_agent_feed(host->agent, data, size * count, false, &host->err);

    show_events(host);
    return status == SKL_OK ? size * count : 0;
}

/* Posts the body of a "request" step. Without an answer the agent's request stays open; this program gives up. */
static bool post(struct host *host, const json_t *step)
{
    char url[2048], *body = json_dumps(json_object_get(step, "body"), JSON_COMPACT);
    CURLcode code;

    host->has_shown = false;
    snprintf(url, sizeof url, "%s%s", host->base_url, text_at(step, "path"));
    curl_easy_setopt(host->curl, CURLOPT_URL, url);
    curl_easy_setopt(host->curl, CURLOPT_HTTPHEADER, host->headers);
    curl_easy_setopt(host->curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(host->curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(host->curl, CURLOPT_WRITEDATA, host);
    code = curl_easy_perform(host->curl);
    free(body);
    if (host->err != NULL) {
        return false;
    }
    if (code != CURLE_OK) {
        fprintf(stderr, "%s: %s\n", url, curl_easy_strerror(code));
        return false;
    }
    /* Nothing more to come: an error of the vendor, or half a response, is one now. */
    return skl_agent_feed(host->agent, NULL, 0, true, &host->err) == SKL_OK;
}

/* Asks the person at the terminal about each call that waits. */
static bool approve(struct host *host, const json_t *step)
{
    json_t *call;
    size_t index;

    json_array_foreach(json_object_get(step, "calls"), index, call) {
        char *arguments = json_dumps(json_object_get(call, "arguments"), JSON_COMPACT | JSON_ENCODE_ANY), line[16] = "";
        bool is_allowed;
        fprintf(stderr, "%s %s: run it? [y/N] ", text_at(call, "tool"), arguments);
        is_allowed = fgets(line, sizeof line, stdin) != NULL && (line[0] == 'y' || line[0] == 'Y');
        free(arguments);
        if (skl_agent_approve(host->agent, TEXT(text_at(call, "call_id")), is_allowed, NULL, 0, &host->err) != SKL_OK) {
            return false;
        }
    }
    return true;
}

/* Does what the agent says until the turn is over. Whether it ended with an answer. */
static bool run(struct host *host)
{
    for (;;) {
        skl_buffer *document = NULL;
        json_t *step;
        const char *kind;
        bool goes_on = false, is_answered = false;

        if (skl_agent_next(host->agent, -1, &document, &host->err) != SKL_OK) {
            return false;
        }
        step = parsed(document);
        kind = text_at(step, "step");
        show_events(host);
        if (strcmp(kind, "request") == 0) {
            goes_on = post(host, step);
        } else if (strcmp(kind, "approval") == 0) {
            goes_on = approve(host, step);
        } else if (strcmp(kind, "answer") == 0) {
            /* A stream was shown as it came. */
            printf("%s%s\n", host->has_shown ? "" : text_at(step, "text"), json_is_true(json_object_get(step, "is_cut")) ? " [cut]" : "");
            is_answered = true;
        } else {
            fprintf(stderr, "stopped: %s\n", text_at(step, "reason"));
        }
        json_decref(step);
        if (!goes_on) {
            return is_answered;
        }
    }
}

/* Makes the engine and the agent and asks the question. */
static bool begin(struct host *host, const char *skills, const char *question, bool is_asking)
{
    skl_buffer *report = NULL;
    json_t *config = json_pack("{s:s, s:s, s:b, s:s}", "dialect", "openai", "model", host->model, "stream", true, "approval", is_asking ? "ask" : "allow");
    char *text = json_dumps(config, JSON_COMPACT);
    bool has_begun = skl_engine_new(NULL, 0, &host->engine, &host->err) == SKL_OK
        && skl_engine_load(host->engine, TEXT(skills), &report, &host->err) == SKL_OK
        && skl_agent_new(host->engine, TEXT(text), &host->agent, &host->err) == SKL_OK
        && skl_agent_ask(host->agent, TEXT(question), NULL, 0, &host->err) == SKL_OK;

    skl_buffer_free(report);
    free(text);
    json_decref(config);
    return has_begun;
}

static const char *variable(const char *name, const char *absent)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : absent;
}

int main(int argc, char **argv)
{
    struct host host = { 0 };
    bool is_asking = argc > 1 && strcmp(argv[1], "-a") == 0, is_answered;
    char authorization[1024];

    if (argc != 3 + is_asking) {
        fprintf(stderr, "usage: %s [-a] SKILLS QUESTION\n", argv[0]);
        return 2;
    }
    host.base_url = variable("BASE_URL", "https://api.openai.com/v1");
    host.model = variable("MODEL", "gpt-5-mini");
    snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", variable("API_KEY", ""));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    host.curl = curl_easy_init();
    host.headers = curl_slist_append(curl_slist_append(NULL, "Content-Type: application/json"), authorization);

    is_answered = begin(&host, argv[1 + is_asking], argv[2 + is_asking], is_asking) && run(&host);
    if (host.err != NULL) {
        fprintf(stderr, "%s: %s\n", skl_status_name(skl_error_status(host.err)), skl_error_message(host.err));
    }
    skl_error_free(host.err);
    skl_agent_free(host.agent);
    skl_engine_free(host.engine);
    curl_slist_free_all(host.headers);
    curl_easy_cleanup(host.curl);
    curl_global_cleanup();
    return is_answered ? EXIT_SUCCESS : EXIT_FAILURE;
}
