/* The host's state around twenty calls of every kind: read before, read after, and the same to the letter. */
#include "host.h"

#include <dirent.h>
#include <sched.h>
#include <sys/sysinfo.h>

extern char **environ;

static char *end;

static void add(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    end += vsprintf(end, format, arguments);
    va_end(arguments);
}

static void add_file(const char *path, const char *const *keys) {
    FILE *file = fopen(path, "r");
    char line[4096];
    while (file && fgets(line, sizeof line, file)) {
        const char *const *key = keys;
        while (key && *key && strncmp(line, *key, strlen(*key)) != 0) key++;
        if (!key || *key) add("%s", line);
    }
    if (file) fclose(file);
}

static void add_descriptors(void) {
    int file;
    for (file = 0; file < 1024; file++) {
        char path[64], target[512];
        ssize_t length;
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
        length = readlink(path, target, sizeof target - 1);
        if (length < 0) continue;
        target[length] = 0;
        add("fd %d -> %s flags %x %x\n", file, target, (unsigned)fcntl(file, F_GETFD), (unsigned)fcntl(file, F_GETFL));
    }
}

/* Everything a library could change of the process around it. */
static char *snapshot(void) {
    static const char *const keys[] = { "Umask", "State", "Tgid", "PPid", "TracerPid", "Uid", "Gid", "FDSize", "Groups", "NStgid",
        "Threads", "SigQ", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "Cap", "NoNewPrivs", "Seccomp", "Speculation",
        "Cpus_allowed:", "Mems_allowed:", "CoreDumping", "THP_enabled", NULL };
    char *text = malloc(1 << 20), path[4096], **variable;
    int number;
    sigset_t mask;
    mode_t bits;
    end = text;
    add_file("/proc/self/status", keys);
    add_file("/proc/self/limits", NULL);
    add_file("/proc/self/mountinfo", NULL);
    add_file("/proc/self/cgroup", NULL);
    add_file("/proc/self/uid_map", NULL);
    add_file("/proc/self/oom_score_adj", NULL);
    for (number = 1; number < NSIG; number++) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        if (sigaction(number, NULL, &action) == 0)
            add("signal %d: %p %x\n", number, (void *)(uintptr_t)action.sa_handler, (unsigned)action.sa_flags);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    for (number = 1; number < NSIG; number++) add("%d", sigismember(&mask, number));
    add("\ncwd %s\n", getcwd(path, sizeof path));
    bits = umask(0);
    umask(bits);
    add("umask %o\n", (unsigned)bits);
    for (variable = environ; *variable; variable++) add("%s\n", *variable);
    number = -1;
    prctl(PR_GET_CHILD_SUBREAPER, &number);
    add("subreaper %d dumpable %d keepcaps %d no_new_privs %d securebits %d slack %d\n", number, prctl(PR_GET_DUMPABLE),
        prctl(PR_GET_KEEPCAPS), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_SECUREBITS), prctl(PR_GET_TIMERSLACK));
    prctl(PR_GET_PDEATHSIG, &number);
    add("pdeathsig %d nice %d session %d group %d scheduler %d tasks %d\n", number, getpriority(PRIO_PROCESS, 0), (int)getsid(0),
        (int)getpgrp(), sched_getscheduler(0), host_entries("/proc/self/task"));
    for (number = 0; number < 10; number++) {
        static const char *spaces[] = { "mnt", "pid", "net", "ipc", "uts", "user", "cgroup", "time", "pid_for_children", "exe" };
        char link[64];
        ssize_t length;
        snprintf(link, sizeof link, number == 9 ? "/proc/self/%s" : "/proc/self/ns/%s", spaces[number]);
        length = readlink(link, path, sizeof path - 1);
        add("%s %.*s\n", spaces[number], (int)(length < 0 ? 0 : length), path);
    }
    add_descriptors();
    return text;
}

static void same(const char *before, const char *after) {
    while (*before && *before == *after) {
        const char *line = strchr(before, '\n');
        size_t length = line ? (size_t)(line - before) + 1 : strlen(before);
        if (strncmp(before, after, length) != 0) break;
        before += length;
        after += length;
    }
    CHECK_THAT(strcmp(before, after) == 0, "before: %.150s\n after: %.150s", before, after);
}

static void twenty_calls(const char *folder) {
    static const char *const tiers[] = { "full", "namespaces", "landlock" };
    size_t tier;
    for (tier = 0; tier < sizeof tiers / sizeof *tiers; tier++) {
        static const char *const tools[] = { "works", "exits-3", "segfaults", "writes-files", "becomes-daemon", "prints-garbage" };
        char config[128];
        skl_engine *engine;
        size_t tool;
        snprintf(config, sizeof config, "{\"policy\":{\"max_tier\":\"%s\",\"min_tier\":\"landlock\"}}", tiers[tier]);
        engine = host_engine(config, folder);
        for (tool = 0; tool < sizeof tools / sizeof *tools; tool++) {
            char name[64];
            snprintf(name, sizeof name, "behaviour__%s", tools[tool]);
            skl_buffer_free(host_execute(engine, name, "", ""));
        }
        if (tier == 0) {
            skl_call *call = host_call(engine, "behaviour__never-ends", "", "");
            CHECK(skl_call_fd(call) >= 0);
            CHECK(skl_call_cancel(call) == SKL_OK);
            skl_buffer_free(host_wait(call, -1));
            skl_call_free(call);
            skl_buffer_free(host_execute(engine, "behaviour__never-ends", "", "{\"limits\":{\"wall_ms\":100}}"));
        }
        skl_engine_free(engine);
    }
}

static void on_signal(int number) { (void)number; }

static void *nothing(void *argument) { return argument; }

int main(int count, char **arguments) {
    struct sigaction action;
    sigset_t mask;
    char *before, *after;
    pid_t supervisors[4];
    pthread_t thread;
    REQUIRE(count == 2);
    /* A state that differs from the usual one in as many places as can be, so that a reset would show as well. */
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART | SA_NODEFER;
    sigaction(SIGUSR1, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGPIPE, &action, NULL);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigaddset(&mask, SIGRTMIN + 3);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    umask(013);
    setenv("HOST_STATE", "kept", 1);
    CHECK(chdir("/usr") == 0);

    /* The C library takes a signal for itself when a process makes its first thread. */
    CHECK(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);

    CHECK(host_settles_at(1));
    before = snapshot();
    twenty_calls(arguments[1]);
    CHECK(host_settles_at(1));
    after = snapshot();
    same(before, after);
    CHECK(host_supervisors(supervisors, 4) == 0);
    free(before);
    free(after);
    return host_end();
}
