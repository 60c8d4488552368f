/* One call of a tool for each line on standard input; on standard output how long it took, and the time of processors that this
 * process used for it, in milliseconds: what a binding in another process compares itself with, turn by turn. Usage: call SKILLS TOOL ARGUMENTS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "skilllite.h"

static void fail(const char *what, skl_error *error) {
    fprintf(stderr, "call: %s: %s\n", what, skl_error_message(error));
    exit(1);
}

static double now_ms(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

int main(int count, char **arguments) {
    skl_engine *engine = NULL;
    skl_buffer *buffer = NULL;
    skl_error *error = NULL;
    char line[8];
    if (count != 4) {
        fprintf(stderr, "usage: call SKILLS TOOL ARGUMENTS\n");
        return 2;
    }
    if (skl_engine_new(NULL, 0, &engine, &error) != SKL_OK) fail("engine", error);
    if (skl_engine_load(engine, arguments[1], strlen(arguments[1]), &buffer, &error) != SKL_OK) fail("load", error);
    skl_buffer_free(buffer);
    while (fgets(line, sizeof line, stdin)) {
        double start = now_ms(CLOCK_MONOTONIC), used = now_ms(CLOCK_PROCESS_CPUTIME_ID);
        if (skl_engine_execute(engine, arguments[2], strlen(arguments[2]), arguments[3], strlen(arguments[3]), NULL, 0, &buffer, &error) != SKL_OK)
            fail("execute", error);
        skl_buffer_free(buffer);
        printf("%.4f %.4f\n", now_ms(CLOCK_MONOTONIC) - start, now_ms(CLOCK_PROCESS_CPUTIME_ID) - used);
        fflush(stdout);
    }
    skl_engine_free(engine);
    return 0;
}
