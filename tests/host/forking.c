/*
 * A host that forks with the library loaded: handles of the parent are refused in the child and freed there without harm
 * to the parent's calls; the child makes engines of its own.
 */
#include "host.h"

static char mark[64];

#define ANSWER "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Yes.\"}}]}"

static bool is_running(void *nothing) {
    (void)nothing;
    return host_marked(mark) > 0;
}

static int status_of(pid_t child) {
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void uses(skl_engine *engine, skl_call *call, skl_agent *agent, skl_buffer *result, const char *folder) {
    skl_buffer *out = NULL;
    skl_call *other = NULL;
    skl_agent *another = NULL;
    skl_error *err = NULL;
    static const char tool[] = "behaviour__works";
    CHECK(skl_engine_skills(engine, &out, &err) == SKL_ERR_FORKED && out == NULL);
    CHECK(skl_error_status(err) == SKL_ERR_FORKED && *skl_error_message(err));
    skl_error_free(err);
    CHECK(skl_engine_tools(engine, "openai", 6, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_engine_instructions(engine, "behaviour", 9, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_engine_resources(engine, "behaviour", 9, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_engine_read_resource(engine, "behaviour", 9, "x", 1, 9, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_engine_manifest(engine, "behaviour", 9, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_engine_scan(engine, "behaviour", 9, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_engine_load(engine, folder, strlen(folder), &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_engine_call(engine, tool, strlen(tool), "", 0, "", 0, &other, NULL) == SKL_ERR_FORKED);
    CHECK(skl_engine_execute(engine, tool, strlen(tool), "", 0, "", 0, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_engine_handle(engine, "openai", 6, "{}", 2, "", 0, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_engine_respond(engine, "openai", 6, "{}", 2, "", 0, &other, NULL) == SKL_ERR_FORKED);
    CHECK(skl_engine_close(engine, NULL) == SKL_ERR_FORKED);
    CHECK(skl_call_wait(call, 0, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_call_wait(call, -1, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_call_cancel(call) == SKL_ERR_FORKED);
    CHECK(skl_call_fd(call) == -1 && skl_call_output_fd(call) == -1);
    CHECK(skl_call_read(call, 1, 0, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_call_read_file(call, "x", 1, 9, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_call_keep(call, "x", 1, "/tmp", 4, NULL) == SKL_ERR_FORKED);
    CHECK(skl_agent_new(engine, "{\"dialect\":\"openai\"}", 20, &another, NULL) == SKL_ERR_FORKED);
    CHECK(skl_agent_ask(agent, "x", 1, NULL, 0, NULL) == SKL_ERR_FORKED);
    CHECK(skl_agent_next(agent, -1, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_agent_feed(agent, "{}", 2, true, NULL) == SKL_ERR_FORKED);
    CHECK(skl_agent_approve(agent, "x", 1, true, NULL, 0, NULL) == SKL_ERR_FORKED);
    CHECK(skl_agent_events(agent, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_agent_transcript(agent, &out, NULL) == SKL_ERR_FORKED);
    CHECK(skl_agent_cancel(agent) == SKL_ERR_FORKED);
    CHECK(skl_agent_fd(agent) == -1);
    skl_agent_free(agent);
    /* Plain memory is as good as before. */
    CHECK_IS(skl_buffer_data(result), "output.works", "true");
    skl_buffer_free(result);
    skl_call_free(call);
    skl_engine_free(engine);
}

static void makes_its_own(const char *folder) {
    skl_engine *engine = host_engine("", folder);
    host_works(engine, "behaviour__works");
    skl_engine_free(engine);
}

int main(int count, char **arguments) {
    skl_engine *engine;
    skl_call *call;
    skl_agent *agent = NULL;
    skl_buffer *result;
    char text[128];
    int ready[2];
    pid_t child;
    char byte;
    REQUIRE(count == 2);
    snprintf(mark, sizeof mark, "mark-forking-%d", (int)getpid());
    snprintf(text, sizeof text, "{\"args\":[\"%s\"]}", mark);

    /* Before the library was used at all. */
    child = host_fork();
    if (child == 0) {
        makes_its_own(arguments[1]);
        _exit(host_verdict());
    }
    CHECK(status_of(child) == 0);

    engine = host_engine("", arguments[1]);
    result = host_execute(engine, "behaviour__works", "", "");
    call = host_call(engine, "behaviour__stays-with-family", text, "");
    CHECK(host_eventually(is_running, NULL, 10000));
    CHECK(skl_agent_new(engine, "{\"dialect\":\"openai\"}", 20, &agent, NULL) == SKL_OK && skl_agent_fd(agent) >= 0);
    CHECK(skl_agent_ask(agent, "Go.", 3, NULL, 0, NULL) == SKL_OK);

    /* While a call runs: refused, freed, and its own engine works; then it exits the long way, through atexit. */
    child = host_fork();
    if (child == 0) {
        uses(engine, call, agent, result, arguments[1]);
        makes_its_own(arguments[1]);
        exit(host_verdict());
    }
    CHECK(status_of(child) == 0);
    CHECK(skl_call_wait(call, 0, NULL, NULL) == SKL_ERR_NULL_ARGUMENT);
    /* The parent's agent is as it was. */
    CHECK(skl_agent_feed(agent, ANSWER, strlen(ANSWER), true, NULL) == SKL_OK);
    skl_agent_free(agent);
    CHECK(skl_call_cancel(call) == SKL_OK);
    skl_buffer_free(result);
    result = host_wait(call, -1);
    CHECK_IS(skl_buffer_data(result), "status", "\"cancelled\"");
    skl_buffer_free(result);
    skl_call_free(call);
    host_works(engine, "behaviour__works");

    /* A child that lives on holds copies of the parent's sockets: closing must end everything all the same. */
    CHECK(pipe(ready) == 0);
    child = host_fork();
    if (child == 0) {
        close(ready[1]);
        _exit(read(ready[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(ready[0]);
    call = host_call(engine, "behaviour__stays-with-family", text, "");
    CHECK(host_eventually(is_running, NULL, 10000));
    CHECK(skl_engine_close(engine, NULL) == SKL_OK);
    result = host_wait(call, -1);
    CHECK_IS(skl_buffer_data(result), "status", "\"cancelled\"");
    skl_buffer_free(result);
    CHECK(host_marked(mark) == 0);
    skl_call_free(call);
    skl_engine_free(engine);
    close(ready[1]);
    CHECK(status_of(child) == 0);
    return host_end();
}
