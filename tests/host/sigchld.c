/*
 * The host's dealings with its children are its own: ignoring SIGCHLD, counting it, or waiting for every child neither
 * disturbs a call nor sees one, and the host's own children are lost to nobody.
 */
#include "host.h"

static volatile sig_atomic_t signals;
static volatile int stop, reaped, own;

static void on_child(int number) {
    (void)number;
    signals++;
}

static void dispose(void (*handler)(int), int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = flags;
    CHECK(sigaction(SIGCHLD, &action, NULL) == 0);
}

/* One engine from the start of its supervisor to its end. */
static void whole_life(const char *folder) {
    skl_engine *engine = host_engine("{\"policy\":{\"min_tier\":\"landlock\"}}", folder);
    skl_buffer *result, *report = NULL;
    host_works(engine, "behaviour__works");
    result = host_execute(engine, "behaviour__exits-3", "", "");
    CHECK_IS(skl_buffer_data(result), "exit_code", "3");
    skl_buffer_free(result);
    result = host_execute(engine, "behaviour__kills-itself", "", "");
    CHECK_IS(skl_buffer_data(result), "signal", "9");
    skl_buffer_free(result);
    skl_engine_free(engine);
    CHECK(skl_probe(&report, NULL) == SKL_OK);
    skl_buffer_free(report);
}

static void *wait_for_all(void *nothing) {
    (void)nothing;
    while (!stop) {
        int status;
        pid_t child = waitpid(-1, &status, 0);
        if (child > 0) {
            __sync_fetch_and_add(&reaped, 1);
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 7) CHECK_THAT(false, "reaped %d: %x", (int)child, status);
        } else {
            sched_yield();
        }
    }
    return NULL;
}

static void *have_children(void *nothing) {
    (void)nothing;
    while (!stop) {
        pid_t child = vfork();
        if (child == 0) _exit(7);
        if (child > 0) __sync_fetch_and_add(&own, 1);
    }
    return NULL;
}

static void fifty_at_once(const char *folder) {
    skl_engine *engine = host_engine("{\"max_running\":8,\"policy\":{\"min_tier\":\"landlock\"}}", folder);
    skl_call *calls[50];
    int index;
    for (index = 0; index < 50; index++) calls[index] = host_call(engine, "behaviour__exits-3", "", "");
    for (index = 0; index < 50; index++) {
        skl_buffer *result = host_wait(calls[index], -1);
        CHECK_IS(skl_buffer_data(result), "exit_code", "3");
        skl_buffer_free(result);
        skl_call_free(calls[index]);
    }
    skl_engine_free(engine);
}

int main(int count, char **arguments) {
    pthread_t waiter, parent;
    int status;
    REQUIRE(count == 2);

    dispose(SIG_IGN, 0);
    whole_life(arguments[1]);
    dispose(SIG_DFL, SA_NOCLDWAIT);
    whole_life(arguments[1]);
    dispose(on_child, SA_RESTART);
    whole_life(arguments[1]);
    CHECK_THAT(signals == 0, "the host saw %d SIGCHLD", (int)signals);

    /* A thread that waits for any child, while the host has none: it must find none. */
    CHECK(pthread_create(&waiter, NULL, wait_for_all, NULL) == 0);
    whole_life(arguments[1]);
    stop = 1;
    pthread_join(waiter, NULL);
    CHECK_THAT(reaped == 0, "the host waited for %d of the library's children", reaped);
    CHECK_THAT(signals == 0, "the host saw %d SIGCHLD", (int)signals);

    /* The host's children, made while fifty calls run: each exit arrives, and arrives once. */
    stop = 0;
    CHECK(pthread_create(&waiter, NULL, wait_for_all, NULL) == 0);
    CHECK(pthread_create(&parent, NULL, have_children, NULL) == 0);
    fifty_at_once(arguments[1]);
    stop = 1;
    pthread_join(parent, NULL);
    pthread_join(waiter, NULL);
    while (waitpid(-1, &status, 0) > 0) reaped++;
    CHECK_THAT(own > 0 && reaped == own, "%d of %d exits arrived", reaped, own);
    host_note("%d children of the host beside 50 calls", own);
    return host_end();
}
