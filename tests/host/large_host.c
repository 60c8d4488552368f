/*
 * A host with 1 GiB of touched memory pays for a call what it paid before, and its supervisor starts no slower. Small and
 * large alternate in pairs, so that what else the machine does meets both alike.
 */
#include "host.h"

#include <sys/mman.h>

enum { PAIRS = 5, CALLS = 9, GIB = 1 << 30 };

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

static double call_ms(skl_engine *engine) {
    double times[CALLS];
    int index;
    for (index = 0; index < CALLS; index++) {
        double start = host_now_ms();
        host_works(engine, "behaviour__works");
        times[index] = host_now_ms() - start;
    }
    return median(times, CALLS);
}

/* A whole engine: thread and supervisor started, one call, ended. */
static double engine_ms(const char *folder) {
    double times[3];
    int index;
    for (index = 0; index < 3; index++) {
        double start = host_now_ms();
        skl_engine *engine = host_engine("", folder);
        host_works(engine, "behaviour__works");
        skl_engine_free(engine);
        times[index] = host_now_ms() - start;
    }
    return median(times, 3);
}

static char *touched(void) {
    char *memory = mmap(NULL, GIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t at;
    if (memory == MAP_FAILED) host_skip("no gibibyte of memory here");
    /* Pages of 4 KiB, as an ordinary heap has them; with large pages a copy of the tables would cost nothing. */
    madvise(memory, GIB, MADV_NOHUGEPAGE);
    for (at = 0; at < GIB; at += 4096) memory[at] = 1;
    return memory;
}

int main(int count, char **arguments) {
    double calls[PAIRS], engines[PAIRS], small = 0, large = 0;
    skl_engine *engine;
    int pair;
    REQUIRE(count == 2);
    engine = host_engine("", arguments[1]);
    call_ms(engine);
    for (pair = 0; pair < PAIRS; pair++) {
        char *memory;
        double small_call = call_ms(engine), small_engine = engine_ms(arguments[1]), large_call, large_engine;
        memory = touched();
        CHECK(host_status("VmRSS:") > 1000 << 10);
        large_call = call_ms(engine);
        large_engine = engine_ms(arguments[1]);
        munmap(memory, GIB);
        calls[pair] = large_call / small_call;
        engines[pair] = large_engine / small_engine;
        small += small_call / PAIRS;
        large += large_call / PAIRS;
    }
    CHECK_THAT(median(calls, PAIRS) < 2, "calls are %.2f times slower", median(calls, PAIRS));
    CHECK_THAT(median(engines, PAIRS) < 2, "engines are %.2f times slower", median(engines, PAIRS));
    host_note("call %.1f ms, with 1 GiB %.1f ms, ratio %.2f; engine ratio %.2f", small, large, median(calls, PAIRS), median(engines, PAIRS));
    skl_engine_free(engine);
    return host_end();
}
