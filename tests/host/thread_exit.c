/* The thread that made a call, and the engine's supervisor with it, ends while the call runs: the call goes on. */
#include "host.h"

struct made {
    skl_engine *engine;
    skl_call *call;
};

static void *make(void *argument) {
    struct made *made = argument;
    made->call = host_call(made->engine, "behaviour__counts-stdin", "{\"stdin\":\"1234567\"}", "");
    return NULL;
}

static void *make_long(void *argument) {
    struct made *made = argument;
    made->call = host_call(made->engine, "behaviour__never-ends", "", "{\"limits\":{\"wall_ms\":1000}}");
    return NULL;
}

static bool is_alone(void *nothing) {
    (void)nothing;
    return host_entries("/proc/self/task") == 2; /* this thread and the engine's */
}

int main(int count, char **arguments) {
    struct made made = { NULL, NULL };
    pthread_t thread;
    skl_buffer *result;
    REQUIRE(count == 2);
    made.engine = host_engine("", arguments[1]);
    /* The first call starts the supervisor, from a thread that is gone at once. */
    CHECK(pthread_create(&thread, NULL, make_long, &made) == 0 && pthread_join(thread, NULL) == 0);
    CHECK(host_eventually(is_alone, NULL, 5000));
    result = host_wait(made.call, -1);
    /* It ran to its own deadline and was not ended with its maker. */
    CHECK_IS(skl_buffer_data(result), "status", "\"timeout\"");
    CHECK_IS(skl_buffer_data(result), "text", "\"on and on\\n\"");
    CHECK(host_number(skl_buffer_data(result), "usage.wall_ms") >= 1000);
    skl_buffer_free(result);
    skl_call_free(made.call);
    CHECK(pthread_create(&thread, NULL, make, &made) == 0 && pthread_join(thread, NULL) == 0);
    result = host_wait(made.call, -1);
    CHECK_IS(skl_buffer_data(result), "output", "7");
    skl_buffer_free(result);
    skl_call_free(made.call);
    skl_engine_free(made.engine);
    return host_end();
}
