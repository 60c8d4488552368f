/*
 * A host without standard descriptors: the library's own land in their places, and still calls work; whatever the host
 * opens there later is its own.
 */
#include "host.h"

static void close_standard(void) {
    int file;
    for (file = 0; file < 3; file++) close(file);
}

static void works(skl_engine *engine, const char **problem) {
    static const char tool[] = "behaviour__counts-stdin", args[] = "{\"stdin\":\"12345\"}";
    skl_buffer *result = NULL;
    skl_error *err = NULL;
    static char text[2000];
    if (*problem) return;
    if (skl_engine_execute(engine, tool, strlen(tool), args, strlen(args), "", 0, &result, &err) != SKL_OK) {
        snprintf(text, sizeof text, "%s", skl_error_message(err));
        *problem = text;
        skl_error_free(err);
    } else if (host_number(skl_buffer_data(result), "output") != 5) {
        snprintf(text, sizeof text, "%s", skl_buffer_data(result));
        *problem = text;
    }
    skl_buffer_free(result);
}

int main(int count, char **arguments) {
    int saved[3], file;
    const char *problem = NULL;
    skl_engine *early, *late = NULL;
    skl_buffer *report = NULL;
    REQUIRE(count == 2);
    for (file = 0; file < 3; file++) saved[file] = fcntl(file, F_DUPFD_CLOEXEC, 100);

    /* Nothing may be printed from here on: there is nowhere to print to. */
    early = host_engine("", arguments[1]);
    close_standard();
    works(early, &problem);
    if (skl_engine_new("", 0, &late, NULL) != SKL_OK) problem = "no engine without standard descriptors";
    if (late && skl_engine_load(late, arguments[1], strlen(arguments[1]), &report, NULL) != SKL_OK) problem = "no load";
    skl_buffer_free(report);
    if (late) works(late, &problem);
    /* Now descriptors 0 to 2 are in part the library's; opening takes what is free and leaves the rest. */
    while ((file = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && file < 3) continue;
    close(file);
    works(late, &problem);
    works(early, &problem);
    skl_engine_free(late);
    skl_engine_free(early);
    for (file = 0; file < 3; file++) dup2(saved[file], file);
    CHECK_THAT(problem == NULL, "%s", problem);

    /* And with them back, once more. */
    early = host_engine("", arguments[1]);
    works(early, &problem);
    CHECK_THAT(problem == NULL, "%s", problem);
    skl_engine_free(early);
    return host_end();
}
