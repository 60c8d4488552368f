/*
 * A host that is killed in the middle of a call, and a supervisor that is: nothing of the call survives, whatever the
 * program did to survive, and a living host goes on.
 *     killed FOLDER TIER
 */
#include "host.h"

static char mark[64], config[256], arguments_text[128];
static const char *folder, *tier;
static pid_t host, supervisor;

/* How often a supervisor is killed in the middle of a call and a new one wanted at once. */
enum { ROUNDS = 20 };

/* The program, its child and its grandchild in a session of its own. */
static bool is_family_complete(void *nothing) {
    (void)nothing;
    return host_marked(mark) >= 3;
}

static bool is_nothing_left(void *nothing) {
    (void)nothing;
    return host_marked(mark) == 0 && !host_is_alive(supervisor) && host_groups(supervisor) == 0 && host_folders(host) == 0;
}

static skl_call *family(skl_engine *engine) {
    skl_call *call = host_call(engine, "behaviour__stays-with-family", arguments_text, "");
    CHECK(host_eventually(is_family_complete, NULL, 20000));
    return call;
}

static void tell_what_is_left(const char *whose) {
    CHECK_THAT(host_marked(mark) == 0, "%s: %d processes survive", whose, host_marked(mark));
    CHECK_THAT(!host_is_alive(supervisor), "%s: the supervisor survives", whose);
    CHECK_THAT(host_groups(supervisor) == 0, "%s: %d control groups are left", whose, host_groups(supervisor));
    CHECK_THAT(host_folders(host) == 0, "%s: %d folders are left", whose, host_folders(host));
}

static void host_is_killed(bool has_child) {
    int ready[2], keep[2], status;
    pid_t told[2] = { 0, 0 };
    double start;
    CHECK(pipe(ready) == 0 && pipe(keep) == 0);
    host = host_fork();
    if (host == 0) {
        skl_engine *engine = host_engine(config, folder);
        close(ready[0]);
        family(engine);
        if (host_supervisors(told, 1) != 1) _exit(1);
        if (has_child && (told[1] = fork()) == 0) {
            /* A child of the host that knows nothing of it all, holds what it inherited and lives on. */
            char byte;
            close(ready[1]);
            close(keep[1]);
            _exit(read(keep[0], &byte, 1) == 0 ? 0 : 1);
        }
        if (write(ready[1], told, sizeof told) != sizeof told) _exit(1);
        for (;;) pause();
    }
    close(ready[1]);
    close(keep[0]);
    REQUIRE(read(ready[0], told, sizeof told) == sizeof told);
    supervisor = told[0];
    CHECK(host_is_alive(supervisor) && host_marked(mark) >= 3);
    start = host_now_ms();
    CHECK(kill(host, SIGKILL) == 0 && waitpid(host, &status, 0) == host);
    CHECK_THAT(host_eventually(is_nothing_left, NULL, 2000), "after two seconds something of a killed host is left");
    host_note("%s%.0f ms", has_child ? "with a child that lives on " : "a killed host's calls are gone after ", host_now_ms() - start);
    tell_what_is_left("killed host");
    if (has_child) CHECK(host_is_alive(told[1]));
    close(keep[1]);
    close(ready[0]);
}

static bool is_family_gone(void *nothing) {
    (void)nothing;
    return host_marked(mark) == 0;
}

static bool is_supervisor_gone(void *nothing) {
    (void)nothing;
    return !host_is_alive(supervisor);
}

static void supervisor_is_killed(void) {
    skl_engine *engine = host_engine(config, folder);
    skl_call *call = family(engine);
    skl_buffer *result;
    pid_t pids[4] = {0}, first;
    int count, round;
    double start;
    host = getpid();
    REQUIRE(host_supervisors(&supervisor, 1) == 1);
    start = host_now_ms();
    CHECK(kill(supervisor, SIGKILL) == 0);
    result = host_wait(call, 10000);
    host_note("a killed supervisor is noticed after %.0f ms", host_now_ms() - start);
    CHECK_IS(skl_buffer_data(result), "status", "\"error\"");
    CHECK(host_number(skl_buffer_data(result), "error.code") == SKL_ERR_SUPERVISOR);
    CHECK(strstr(skl_buffer_data(result), "killed") != NULL);
    skl_buffer_free(result);
    skl_call_free(call);
    CHECK_THAT(host_eventually(is_family_gone, NULL, 2000), "%d processes survive the supervisor", host_marked(mark));
    /* The next call has a new one. */
    host_works(engine, "behaviour__works");
    count = host_supervisors(pids, 4);
    CHECK_THAT(count == 1 && pids[0] != supervisor, "%d supervisors, %d where %d was killed", count, (int)pids[0], (int)supervisor);
    REQUIRE(count == 1);
    /* Nor is the new one taken for the old one, however close they are. */
    for (round = 0; round < ROUNDS; round++) {
        call = host_call(engine, "behaviour__stays-with-family", arguments_text, "");
        CHECK(host_eventually(is_family_complete, NULL, 20000));
        CHECK(kill(pids[0], SIGKILL) == 0);
        skl_buffer_free(host_wait(call, 10000));
        skl_call_free(call);
        host_works(engine, "behaviour__works");
        REQUIRE(host_supervisors(pids, 4) == 1);
        CHECK(host_eventually(is_family_gone, NULL, 2000));
    }
    /* Killed while nothing runs. */
    first = supervisor;
    supervisor = pids[0];
    CHECK(kill(supervisor, SIGKILL) == 0);
    CHECK(host_eventually(is_supervisor_gone, NULL, 2000));
    host_works(engine, "behaviour__works");
    /* The last one clears up after those before it. */
    skl_engine_free(engine);
    CHECK(host_eventually(is_nothing_left, NULL, 2000));
    tell_what_is_left("second supervisor");
    supervisor = first;
    tell_what_is_left("first supervisor");
}

/* Closing or freeing everything is as thorough. */
static void engine_is_closed(void) {
    skl_engine *engine = host_engine(config, folder);
    skl_call *call = family(engine);
    host = getpid();
    REQUIRE(host_supervisors(&supervisor, 1) == 1);
    skl_engine_free(engine);
    CHECK(host_marked(mark) >= 3);
    skl_call_free(call);
    CHECK(host_eventually(is_nothing_left, NULL, 2000));
    tell_what_is_left("freed call");
    engine = host_engine(config, folder);
    call = family(engine);
    REQUIRE(host_supervisors(&supervisor, 1) == 1);
    CHECK(skl_engine_close(engine, NULL) == SKL_OK);
    tell_what_is_left("closed engine");
    skl_call_free(call);
    skl_engine_free(engine);
}

int main(int count, char **arguments) {
    skl_engine *engine;
    skl_call *call = NULL;
    REQUIRE(count == 3);
    folder = arguments[1];
    tier = arguments[2];
    snprintf(mark, sizeof mark, "mark-killed-%d", (int)getpid());
    snprintf(arguments_text, sizeof arguments_text, "{\"args\":[\"%s\"]}", mark);
    snprintf(config, sizeof config, "{\"search_path\":[\"/usr/bin\",\"/bin\"],\"policy\":{\"max_tier\":\"%s\",\"min_tier\":\"%s\"}}", tier, tier);
    host = host_fork();
    if (host == 0) {
        engine = host_engine(config, folder);
        _exit(skl_engine_call(engine, "behaviour__works", 16, "", 0, "", 0, &call, NULL) == SKL_ERR_ISOLATION_UNAVAILABLE);
    }
    {
        int status = 0;
        REQUIRE(waitpid(host, &status, 0) == host);
        if (status != 0) host_skip("this host does not give the tier %s", tier);
    }
    host_is_killed(false);
    host_is_killed(true);
    supervisor_is_killed();
    engine_is_closed();
    return host_end();
}
