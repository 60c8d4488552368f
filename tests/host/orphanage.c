/*
 * A host that becomes the parent of orphans: a subreaper, or process 1 of a process namespace. The supervisor is its
 * child then, and must not stay with it as a zombie.
 *     orphanage FOLDER subreaper|init
 */
#include "host.h"

static void lives(const char *folder) {
    skl_engine *engine = host_engine("{\"policy\":{\"min_tier\":\"landlock\"}}", folder);
    skl_buffer *report = NULL, *result;
    host_works(engine, "behaviour__works");
    result = host_execute(engine, "behaviour__becomes-daemon", "", "");
    CHECK_IS(skl_buffer_data(result), "status", "\"ok\"");
    skl_buffer_free(result);
    skl_engine_free(engine);
    CHECK(skl_probe(&report, NULL) == SKL_OK);
    skl_buffer_free(report);
}

int main(int count, char **arguments) {
    int round, status;
    REQUIRE(count == 3);
    if (strcmp(arguments[2], "init") == 0) {
        if (getpid() != 1) host_skip("not process 1: this user may not make process namespaces");
    } else {
        REQUIRE(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    }
    for (round = 0; round < 3; round++) {
        lives(arguments[1]);
        CHECK_THAT(host_zombies(getpid()) == 0, "round %d left %d zombies", round, host_zombies(getpid()));
        CHECK(waitpid(-1, &status, WNOHANG | __WALL) == -1 && errno == ECHILD);
    }
    return host_end();
}
