/*
 * A host at its limits: of descriptors, of processes. A call says so, leaves nothing behind, and works again when there
 * is room.
 */
#include "host.h"

#include <grp.h>

static const char works[] = "behaviour__works";

/* An engine's whole life with a limit; what went wrong first, SKL_OK for nothing. */
static skl_status attempt(const char *folder, char *message, size_t size) {
    skl_engine *engine = NULL;
    skl_buffer *report = NULL, *result = NULL;
    skl_error *err = NULL;
    static const char config[] = "{\"search_path\":[\"/usr/bin\"],\"policy\":{\"min_tier\":\"landlock\"}}";
    skl_status status = skl_engine_new(config, strlen(config), &engine, &err);
    if (status == SKL_OK) status = skl_engine_load(engine, folder, strlen(folder), &report, &err);
    if (status == SKL_OK) status = skl_engine_execute(engine, works, strlen(works), "", 0, "", 0, &result, &err);
    if (status == SKL_OK) {
        /* What fails after the call was taken in is in its result. */
        const char *document = skl_buffer_data(result);
        if (host_at(document, "error.code", NULL)) status = (skl_status)host_number(document, "error.code");
        snprintf(message, size, "%.600s", document);
        if (status == SKL_OK && host_number(document, "exit_code") != 0) status = SKL_ERR_INTERNAL;
    } else {
        snprintf(message, size, "%s", skl_error_message(err));
    }
    skl_error_free(err);
    skl_buffer_free(result);
    skl_buffer_free(report);
    skl_engine_free(engine);
    return status;
}

static void descriptors(const char *folder) {
    struct rlimit before, scarce;
    int free_ones, fds = host_entries("/proc/self/fd"), refused = 0, enough = -1;
    pid_t pids[4];
    char message[1024];
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    scarce = before;
    for (free_ones = 0; free_ones < 40; free_ones++) {
        skl_status status;
        scarce.rlim_cur = (rlim_t)(fds + free_ones);
        CHECK(setrlimit(RLIMIT_NOFILE, &scarce) == 0);
        status = attempt(folder, message, sizeof message);
        CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
        CHECK_THAT(host_entries("/proc/self/fd") == fds, "%d descriptors more after a failure with %d", host_entries("/proc/self/fd") - fds, free_ones);
        CHECK(host_supervisors(pids, 4) == 0);
        if (status == SKL_OK) {
            if (enough < 0) enough = free_ones;
            continue;
        }
        refused++;
        CHECK_THAT(enough < 0, "%d descriptors were enough and %d are not: %s", enough, free_ones, message);
        CHECK_THAT(status == SKL_ERR_RESOURCES || status == SKL_ERR_SUPERVISOR || status == SKL_ERR_IO || status == SKL_ERR_SKILL_DIRECTORY ||
                       status == SKL_ERR_TOOL_NOT_FOUND || status == SKL_ERR_SKILL_CHANGED || status == SKL_ERR_INTERPRETER_NOT_FOUND ||
                       status == SKL_ERR_ISOLATION_UNAVAILABLE,
                   "with %d descriptors: %s: %s", free_ones, skl_status_name(status), message);
        CHECK_THAT(strlen(message) > 10, "with %d descriptors the message is \"%s\"", free_ones, message);
    }
    CHECK(refused > 3 && enough > 3);
    CHECK_THAT(attempt(folder, message, sizeof message) == SKL_OK, "%s", message);
    host_note("an engine and a call need %d descriptors", enough);
}

/* An engine that runs meets the limit in the middle. */
static void descriptors_of_a_running_engine(const char *folder) {
    struct rlimit before, scarce;
    skl_engine *engine = host_engine("", folder);
    int free_ones, fds, refused = 0;
    host_works(engine, works);
    fds = host_entries("/proc/self/fd");
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    scarce = before;
    for (free_ones = 0; free_ones < 16; free_ones++) {
        skl_buffer *result = NULL;
        skl_error *err = NULL;
        skl_status status;
        scarce.rlim_cur = (rlim_t)(fds + free_ones);
        CHECK(setrlimit(RLIMIT_NOFILE, &scarce) == 0);
        status = skl_engine_execute(engine, works, strlen(works), "", 0, "", 0, &result, &err);
        CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
        if (status != SKL_OK || host_at(skl_buffer_data(result), "error.code", NULL)) {
            double code = status != SKL_OK ? status : host_number(skl_buffer_data(result), "error.code");
            refused++;
            CHECK_THAT(code == SKL_ERR_RESOURCES || code == SKL_ERR_IO || code == SKL_ERR_SKILL_CHANGED, "with %d: %g %s %s", free_ones, code,
                       skl_error_message(err), result ? skl_buffer_data(result) : "");
        }
        skl_error_free(err);
        skl_buffer_free(result);
        CHECK_THAT(host_entries("/proc/self/fd") == fds, "%d descriptors left with %d", host_entries("/proc/self/fd") - fds, free_ones);
    }
    CHECK(refused > 3);
    host_works(engine, works);
    skl_engine_free(engine);
}

/* An ordinary user whose processes are used up: RLIMIT_NPROC does not bind root. */
static void processes(const char *folder) {
    pid_t child = host_fork();
    int status = -1;
    if (child == 0) {
        struct rlimit limit;
        char message[1024];
        skl_status found;
        if (geteuid() == 0) {
            /* An id that runs nothing else. */
            uid_t own = 1500000000u + (uid_t)(getpid() & 0xffff);
            if (setgroups(0, NULL) != 0 || setgid(own) != 0 || setuid(own) != 0) _exit(0);
        }
        getrlimit(RLIMIT_NPROC, &limit);
        limit.rlim_cur = 0;
        CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0);
        found = attempt(folder, message, sizeof message);
        CHECK_THAT(found == SKL_ERR_SUPERVISOR || found == SKL_ERR_RESOURCES, "without processes: %s: %s", skl_status_name(found), message);
        CHECK_THAT(strstr(message, "RLIMIT_NPROC") != NULL, "no remedy in: %s", message);
        CHECK(host_settles_at(1));
        limit.rlim_cur = limit.rlim_max;
        CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0);
        found = attempt(folder, message, sizeof message);
        CHECK_THAT(found == SKL_OK, "with processes again: %s: %s", skl_status_name(found), message);
        _exit(host_verdict());
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
}

int main(int count, char **arguments) {
    REQUIRE(count == 2);
    descriptors(arguments[1]);
    descriptors_of_a_running_engine(arguments[1]);
    processes(arguments[1]);
    return host_end();
}
