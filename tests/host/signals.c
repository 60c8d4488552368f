/* A host whose timers interrupt every system call, as Go's runtime does, and one that is stopped and continued. */
#include "host.h"

#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t interruptions;

static void on_timer(int number) {
    (void)number;
    interruptions++;
}

static void every_millisecond(bool is_on) {
    struct itimerval interval;
    struct sigaction action;
    memset(&interval, 0, sizeof interval);
    memset(&action, 0, sizeof action);
    action.sa_handler = on_timer; /* no SA_RESTART: every slow system call ends with EINTR */
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGURG, &action, NULL);
    if (is_on) interval.it_interval.tv_usec = interval.it_value.tv_usec = 1000;
    setitimer(ITIMER_REAL, &interval, NULL);
}

static void *urge(void *target) {
    int round;
    struct timespec pause = { 0, 1000000 };
    for (round = 0; round < 1500; round++) {
        pthread_kill(*(pthread_t *)target, SIGURG);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void interrupted(const char *folder) {
    pthread_t self = pthread_self(), other;
    skl_engine *engine;
    skl_buffer *result, *report = NULL;
    int index;
    every_millisecond(true);
    CHECK(pthread_create(&other, NULL, urge, &self) == 0);
    CHECK(skl_probe(&report, NULL) == SKL_OK);
    skl_buffer_free(report);
    engine = host_engine("", folder);
    for (index = 0; index < 10; index++) host_works(engine, "behaviour__works");
    result = host_execute(engine, "behaviour__writes-files", "", "");
    CHECK(host_count(skl_buffer_data(result), "files") == 2);
    skl_buffer_free(result);
    result = host_execute(engine, "behaviour__prints-100-mib", "", "");
    CHECK_IS(skl_buffer_data(result), "total_bytes.stdout", "104857630");
    skl_buffer_free(result);
    result = host_execute(engine, "behaviour__never-ends", "", "{\"limits\":{\"wall_ms\":300}}");
    CHECK_IS(skl_buffer_data(result), "status", "\"timeout\"");
    CHECK(host_number(skl_buffer_data(result), "usage.wall_ms") >= 300);
    skl_buffer_free(result);
    skl_engine_free(engine);
    pthread_join(other, NULL);
    every_millisecond(false);
    CHECK(interruptions > 100);
    host_note("%d interruptions", (int)interruptions);
}

/* Another process stops this one for a while in the middle of a call. */
static void stopped(const char *folder) {
    skl_engine *engine = host_engine("", folder);
    skl_call *long_call, *short_call;
    skl_buffer *result;
    pid_t self = getpid(), other;
    int status;
    host_works(engine, "behaviour__works");
    long_call = host_call(engine, "behaviour__never-ends", "", "{\"limits\":{\"wall_ms\":300}}");
    short_call = host_call(engine, "behaviour__counts-stdin", "{\"stdin\":\"123\"}", "");
    other = fork();
    if (other == 0) {
        /* Stopped for longer than the call may run: it is ended in time by its own init, and told about later. */
        struct timespec pause = { 0, 800000000 };
        kill(self, SIGSTOP);
        nanosleep(&pause, NULL);
        kill(self, SIGCONT);
        _exit(0);
    }
    result = host_wait(long_call, -1);
    CHECK_IS(skl_buffer_data(result), "status", "\"timeout\"");
    CHECK_IS(skl_buffer_data(result), "error", "null");
    skl_buffer_free(result);
    result = host_wait(short_call, -1);
    CHECK_IS(skl_buffer_data(result), "output", "3");
    skl_buffer_free(result);
    CHECK(waitpid(other, &status, 0) == other && status == 0);
    skl_call_free(long_call);
    skl_call_free(short_call);
    skl_engine_free(engine);
}

int main(int count, char **arguments) {
    REQUIRE(count == 2);
    interrupted(arguments[1]);
    stopped(arguments[1]);
    return host_end();
}
