/*
 * Thousands of calls leave the host as they found it: descriptors, threads, memory, zombies, mounts, control groups,
 * folders, supervisors.
 *     growth FOLDER TIER [network]      with `network`, each call has a way out, and the host a thread more
 */
#include "host.h"

enum { WARM_UP = 100, SEQUENTIAL = 2000, CONCURRENT = 200 };

static const char tool[] = "languages__in-native";
static skl_engine *engine;
/* Of this host, while calls run. */
static int threads = 2;

struct figures {
    int fds, tasks, zombies, mounts, folders, supervisors, supervisor_fds, supervisor_zombies;
    long memory;
    pid_t supervisor;
};

static int lines(const char *path) {
    FILE *file = fopen(path, "r");
    int count = 0, byte;
    while (file && (byte = getc(file)) != EOF) count += byte == '\n';
    if (file) fclose(file);
    return count;
}

static struct figures look(void) {
    struct figures now;
    pid_t pids[8];
    char path[64];
    now.fds = host_entries("/proc/self/fd");
    now.tasks = host_entries("/proc/self/task");
    now.zombies = host_zombies(getpid());
    now.mounts = lines("/proc/self/mounts");
    now.folders = host_folders(getpid());
    now.supervisors = host_supervisors(pids, 8);
    now.supervisor = now.supervisors ? pids[0] : 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)now.supervisor);
    now.supervisor_fds = host_entries(path);
    now.supervisor_zombies = now.supervisor ? host_zombies(now.supervisor) : 0;
    now.memory = host_status("RssAnon:");
    return now;
}

/* What calls used is released when they have ended, which is a moment after they were freed. */
static bool is_at_rest(void *before) {
    const struct figures *was = before;
    struct figures now = look();
    return now.fds == was->fds && now.folders == 0 && now.supervisor_zombies == 0 && now.supervisor_fds <= was->supervisor_fds;
}

/* The supervisor keeps the descriptors of its control groups, of which there are as many as calls ever ran at once. */
enum { GROUP_FDS = 5 };

static void same(const char *when, struct figures *was, long more_kib) {
    struct figures now;
    CHECK_THAT(host_eventually(is_at_rest, was, 10000), "%s: not at rest", when);
    now = look();
    CHECK_THAT(now.fds == was->fds, "%s: %d descriptors were %d", when, now.fds, was->fds);
    CHECK_THAT(now.tasks == was->tasks, "%s: %d threads were %d", when, now.tasks, was->tasks);
    CHECK_THAT(now.zombies == 0, "%s: %d zombies", when, now.zombies);
    CHECK_THAT(now.mounts == was->mounts, "%s: %d mounts were %d", when, now.mounts, was->mounts);
    CHECK_THAT(now.folders == 0, "%s: %d folders in /tmp", when, now.folders);
    CHECK_THAT(now.supervisors == 1, "%s: %d supervisors", when, now.supervisors);
    CHECK_THAT(now.supervisor == was->supervisor, "%s: another supervisor", when);
    CHECK_THAT(now.supervisor_fds <= was->supervisor_fds, "%s: the supervisor's descriptors are %d and were %d", when, now.supervisor_fds,
               was->supervisor_fds);
    CHECK_THAT(now.supervisor_zombies == 0, "%s: the supervisor has %d zombies", when, now.supervisor_zombies);
    CHECK_THAT(now.memory - was->memory < more_kib, "%s: %ld KiB more", when, now.memory - was->memory);
    host_note("%s %+ld KiB", when, now.memory - was->memory);
}

static void one_after_the_other(int count) {
    int index, good = 0;
    for (index = 0; index < count; index++) {
        skl_buffer *result = host_execute(engine, tool, "", "");
        if (host_number(skl_buffer_data(result), "output.arguments") == 0) good++;
        else CHECK_THAT(false, "call %d: %.1500s", index, skl_buffer_data(result));
        skl_buffer_free(result);
    }
    CHECK_THAT(good == count, "%d of %d calls worked", good, count);
}

static void all_at_once(void) {
    skl_call *calls[CONCURRENT];
    int index, good = 0;
    for (index = 0; index < CONCURRENT; index++) calls[index] = host_call(engine, tool, "{\"args\":[\"a\"]}", "");
    CHECK(host_settles_at(threads));
    for (index = 0; index < CONCURRENT; index++) {
        struct pollfd ended;
        skl_buffer *result;
        ended.fd = skl_call_fd(calls[index]);
        ended.events = POLLIN;
        CHECK(poll(&ended, 1, 60000) == 1);
        result = host_wait(calls[index], 0);
        good += host_number(skl_buffer_data(result), "output.arguments") == 1;
        skl_buffer_free(result);
    }
    for (index = 0; index < CONCURRENT; index++) skl_call_free(calls[index]);
    CHECK_THAT(good == CONCURRENT, "%d of %d calls worked", good, CONCURRENT);
}

/* The calls of a response, as one. */
static void in_rounds(int count) {
    char response[512];
    const char *ask = "{\"id\":\"a\",\"function\":{\"name\":\"%s\",\"arguments\":\"{}\"}}";
    int index, good = 0, length = sprintf(response, "[");
    for (index = 0; index < 3; index++) {
        if (index) length += sprintf(response + length, ",");
        length += sprintf(response + length, ask, tool);
    }
    length += sprintf(response + length, "]");
    for (index = 0; index < count; index++) {
        struct pollfd ended = { .events = POLLIN };
        skl_call *call = NULL;
        skl_buffer *messages;
        CHECK(skl_engine_respond(engine, "openai", 6, response, (size_t)length, "", 0, &call, NULL) == SKL_OK);
        ended.fd = skl_call_fd(call);
        /* Every other one is left while it runs. */
        if (index % 2 == 0) {
            CHECK(poll(&ended, 1, 60000) == 1);
            messages = host_wait(call, 0);
            good += host_count(skl_buffer_data(messages), "") == 3;
            skl_buffer_free(messages);
        }
        skl_call_free(call);
    }
    CHECK_THAT(good == (count + 1) / 2, "%d of %d rounds worked", good, (count + 1) / 2);
    CHECK(host_settles_at(threads));
}

int main(int count, char **arguments) {
    char config[512];
    const char *network = "false";
    struct figures before, start;
    int fds, round;
    double begin;
    REQUIRE(count == 3 || count == 4);
    if (count == 4) {
        network = "{\"allow\":[\"*:443\"],\"accept_port_only\":true}";
        threads++;
    }
    fds = host_entries("/proc/self/fd");
    snprintf(config, sizeof config, "{\"max_running\":%d,\"policy\":{\"max_tier\":\"%s\",\"min_tier\":\"%s\",\"network\":%s}}", CONCURRENT, arguments[2],
             arguments[2], network);
    engine = host_engine(config, arguments[1]);
    if (skl_engine_call(engine, tool, strlen(tool), "", 0, "", 0, NULL, NULL) != SKL_ERR_NULL_ARGUMENT) CHECK(false);
    {
        skl_call *call = NULL;
        if (skl_engine_call(engine, tool, strlen(tool), "", 0, "", 0, &call, NULL) == SKL_ERR_ISOLATION_UNAVAILABLE)
            host_skip("this host does not give the tier %s", arguments[2]);
        skl_call_free(call);
    }
    one_after_the_other(WARM_UP);
    all_at_once();
    in_rounds(WARM_UP);
    one_after_the_other(WARM_UP);
    host_eventually(is_at_rest, &(struct figures){ .fds = fds + (count == 4 ? 8 : 6) }, 200);
    before = start = look();
    begin = host_now_ms();
    one_after_the_other(SEQUENTIAL);
    host_note("%.2f ms a call", (host_now_ms() - begin) / SEQUENTIAL);
    same("2000 calls", &before, 2048);
    in_rounds(2 * WARM_UP);
    same("200 rounds of 3", &before, 2048);
    begin = host_now_ms();
    for (round = 0; round < 3; round++) all_at_once();
    host_note("200 at once in %.0f ms", (host_now_ms() - begin) / 3);
    if (strcmp(arguments[2], "full") == 0) before.supervisor_fds += GROUP_FDS * CONCURRENT;
    same("3 times 200 at once", &before, 8192);
    CHECK(strcmp(arguments[2], "full") != 0 || host_groups(start.supervisor) > 0);
    skl_engine_free(engine);
    CHECK(host_entries("/proc/self/fd") == fds);
    CHECK(host_settles_at(1));
    CHECK(!host_is_alive(start.supervisor));
    CHECK(host_groups(start.supervisor) == 0);
    CHECK(host_folders(getpid()) == 0);

    /* And engines, which each have a thread and a supervisor. */
    for (round = 0; round < 20; round++) {
        skl_engine *other = host_engine(config, arguments[1]);
        skl_buffer_free(host_execute(other, tool, "", ""));
        skl_engine_free(other);
    }
    CHECK(host_entries("/proc/self/fd") == fds);
    CHECK(host_settles_at(1));
    CHECK_THAT(host_status("RssAnon:") - start.memory < 4096, "20 engines cost %ld KiB", host_status("RssAnon:") - start.memory);
    return host_end();
}
