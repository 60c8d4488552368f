/*
 * Calls that wait for their turn: refused beyond the bound, cancelled, timed out, failing all at once when their skill has
 * gone, and freed unseen; places are never lost.
 *     queue FOLDER SCRATCH-FOLDER
 */
#include "host.h"

enum { WAITING = 1000 };

static skl_call *calls[WAITING];
static const char works[] = "waits__works";

static void *cancel_all(void *from) {
    int index = from ? 0 : WAITING - 1, step = from ? 1 : -1;
    for (; index >= 0 && index < WAITING; index += step) skl_call_cancel(calls[index]);
    return NULL;
}

/* The engine has one place, and it is free. */
static void has_its_place(skl_engine *engine) {
    skl_buffer *result = host_execute(engine, "behaviour__works", "", "{\"limits\":{\"wall_ms\":10000}}");
    CHECK_IS(skl_buffer_data(result), "output.works", "true");
    skl_buffer_free(result);
}

static int count_of(const char *status) {
    int index, found = 0;
    for (index = 0; index < WAITING; index++) {
        skl_buffer *result = calls[index] ? host_wait(calls[index], 20000) : NULL;
        size_t length = 0;
        const char *text = result ? host_at(skl_buffer_data(result), "status", &length) : NULL;
        found += text && length == strlen(status) && memcmp(text, status, length) == 0;
        skl_buffer_free(result);
    }
    return found;
}

static void fill(skl_engine *engine, const char *options) {
    int index;
    for (index = 0; index < WAITING; index++) calls[index] = host_call(engine, works, "", options);
}

static void empty(void) {
    int index;
    for (index = 0; index < WAITING; index++) skl_call_free(calls[index]);
}

static void put(const char *folder, const char *name, const char *text, mode_t mode) {
    char path[4096];
    FILE *file;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "w");
    REQUIRE(file != NULL);
    fputs(text, file);
    fclose(file);
    chmod(path, mode);
}

int main(int count, char **arguments) {
    char folder[2048], path[4096], away[4096];
    skl_engine *engine;
    skl_buffer *report = NULL;
    skl_call *blocker, *refused = NULL;
    skl_error *err = NULL;
    pthread_t threads[2];
    int found, index;
    REQUIRE(count == 3);
    snprintf(folder, sizeof folder, "%s/waits", arguments[2]);
    REQUIRE(mkdir(folder, 0755) == 0);
    snprintf(path, sizeof path, "%s/scripts", folder);
    REQUIRE(mkdir(path, 0755) == 0);
    put(folder, "SKILL.md", "---\nname: waits\ndescription: Waits for its turn.\n---\n", 0644);
    put(path, "works.sh", "#!/bin/sh\necho works\n", 0755);
    put(path, "other.sh", "#!/bin/sh\necho other\n", 0755);
    engine = host_engine("{\"max_running\":1,\"max_queued\":1000,\"policy\":{\"min_tier\":\"landlock\"}}", arguments[1]);
    REQUIRE(skl_engine_load(engine, folder, strlen(folder), &report, NULL) == SKL_OK);
    skl_buffer_free(report);

    /* Full: refused, at once and for a reason. */
    blocker = host_call(engine, "behaviour__never-ends", "", "");
    fill(engine, "");
    CHECK(skl_engine_call(engine, works, strlen(works), "", 0, "", 0, &refused, &err) == SKL_ERR_QUEUE_FULL && refused == NULL);
    CHECK(strstr(skl_error_message(err), "max_queued") != NULL);
    skl_error_free(err);

    /* Cancelled from two threads and both ends while the first place becomes free. */
    CHECK(pthread_create(&threads[0], NULL, cancel_all, NULL) == 0 && pthread_create(&threads[1], NULL, cancel_all, engine) == 0);
    CHECK(skl_call_cancel(blocker) == SKL_OK);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    found = count_of("\"cancelled\"");
    CHECK_THAT(found > 0 && found + count_of("\"ok\"") == WAITING, "%d of %d are cancelled, and not all others ran", found, WAITING);
    empty();
    skl_call_free(blocker);
    has_its_place(engine);

    /* Timed out while they wait, and in the moment of their start. */
    blocker = host_call(engine, "behaviour__never-ends", "", "");
    fill(engine, "{\"limits\":{\"wall_ms\":50}}");
    found = count_of("\"timeout\"");
    CHECK_THAT(found == WAITING, "%d of %d timed out", found, WAITING);
    empty();
    CHECK(skl_call_cancel(blocker) == SKL_OK);
    skl_buffer_free(host_wait(blocker, -1));
    skl_call_free(blocker);
    for (index = 0; index < 100; index++) skl_buffer_free(host_execute(engine, works, "", "{\"limits\":{\"wall_ms\":1}}"));
    has_its_place(engine);

    /* Freed by a host that lost interest. */
    blocker = host_call(engine, "behaviour__never-ends", "", "");
    fill(engine, "");
    empty();
    skl_call_free(blocker);
    has_its_place(engine);

    /* Their skill goes away: every one of them fails when its turn comes. */
    blocker = host_call(engine, "behaviour__never-ends", "", "");
    fill(engine, "");
    snprintf(away, sizeof away, "%s/gone", arguments[2]);
    CHECK(rename(folder, away) == 0);
    CHECK(skl_call_cancel(blocker) == SKL_OK);
    found = count_of("\"error\"");
    CHECK_THAT(found == WAITING, "%d of %d failed", found, WAITING);
    empty();
    skl_call_free(blocker);
    has_its_place(engine);
    skl_engine_free(engine);
    return host_end();
}
