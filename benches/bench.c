/* What a call costs, against its baselines, in one run.
 *
 * Every round runs every variant once, so that a machine whose speed drifts slows all of them alike; the ratios are what
 * counts. Usage: bench SKILLS BENCH_SKILLS TRUE PYTHON CALCULATOR ROUNDS REPORT.json REPORT.md
 * CLIENT LOADED CACHE [BWRAP]
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "relay.h"
#include "server.h"
#include "skilllite.h"

#define MAX_ROUNDS 2000
#define MAX_VARIANTS 20
#define REQUEST "{\"operation\":\"multiply\",\"a\":15,\"b\":27}"

struct variant {
    const char *name;
    const char *note;
    const char *baseline; /* name of the variant that the ratio is against, or NULL */
    const char *target;   /* what the project promises, for the reader */
    char *const *argv;    /* a bare program, or NULL for a call */
    const char *tool;
    const char *arguments;
    skl_engine *engine;
    const char *loaded; /* a folder of skills that a new engine loads, or NULL */
    const char *config; /* of that engine */
    bool reads_ms; /* it prints what it measured; otherwise the time around it counts */
    double ms[MAX_ROUNDS];
};

static struct variant variants[MAX_VARIANTS];
static int variant_count;
static char *no_variables[] = {NULL};

static void fail(const char *what, skl_error *error) {
    fprintf(stderr, "bench: %s: %s\n", what, error ? skl_error_message(error) : strerror(errno));
    exit(1);
}

static double now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* Runs a bare program with REQUEST on its stdin and its stdout in a pipe that is read to the end; gives a number that it
 * prints. */
static double run_program(char *const *argv) {
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) fail("pipe", NULL);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    if (write(in[1], REQUEST, strlen(REQUEST)) < 0) fail("write", NULL);
    close(in[1]);
    pid_t pid;
    errno = posix_spawn(&pid, argv[0], &actions, NULL, argv, no_variables);
    if (errno) fail(argv[0], NULL);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    char buffer[4096] = "", rest[4096];
    ssize_t bytes = read(out[0], buffer, sizeof buffer - 1);
    while (bytes > 0 && read(out[0], rest, sizeof rest) > 0) {
    }
    close(out[0]);
    int status;
    if (waitpid(pid, &status, 0) < 0 || status != 0) {
        fprintf(stderr, "bench: %s ended with %d\n", argv[0], status);
        exit(1);
    }
    return atof(buffer);
}

/* Gives the number that the call prints, if that is all it prints. */
static double run_call(struct variant *v) {
    skl_error *error = NULL;
    skl_buffer *result = NULL;
    if (skl_engine_execute(v->engine, v->tool, strlen(v->tool), v->arguments, strlen(v->arguments), "", 0, &result,
                           &error) != SKL_OK)
        fail(v->tool, error);
    const char *output = strstr(skl_buffer_data(result), "\"output\":");
    if (!strstr(skl_buffer_data(result), "\"status\":\"ok\"") || !strstr(skl_buffer_data(result), "\"exit_code\":0")) {
        fprintf(stderr, "bench: %s: %s\n", v->tool, skl_buffer_data(result));
        exit(1);
    }
    double number = output ? atof(output + strlen("\"output\":")) : 0;
    skl_buffer_free(result);
    return number;
}

static skl_engine *engine(const char *config, const char *skills) {
    skl_engine *made = NULL;
    skl_error *error = NULL;
    skl_buffer *report = NULL;
    if (skl_engine_new(config, strlen(config), &made, &error) != SKL_OK) fail("engine", error);
    if (skl_engine_load(made, skills, strlen(skills), &report, &error) != SKL_OK) fail(skills, error);
    skl_buffer_free(report);
    return made;
}

/* A new engine loads a folder, and goes. */
static void run_load(const struct variant *v) {
    skl_engine_free(engine(v->config, v->loaded));
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const double *ms, int rounds, double q) {
    static double sorted[MAX_ROUNDS];
    memcpy(sorted, ms, sizeof(double) * (size_t)rounds);
    qsort(sorted, (size_t)rounds, sizeof(double), by_value);
    int index = (int)(q * (rounds - 1) + 0.5);
    return sorted[index];
}

static struct variant *find(const char *name) {
    for (int i = 0; i < variant_count; i++)
        if (strcmp(variants[i].name, name) == 0) return &variants[i];
    return NULL;
}

static void add(struct variant v) {
    variants[variant_count++] = v;
}

static void report(const char *json_path, const char *md_path, int rounds) {
    FILE *json = fopen(json_path, "w"), *md = fopen(md_path, "w");
    if (!json || !md) fail("report", NULL);
    struct utsname system;
    uname(&system);
    fprintf(json, "{\"version\":\"%s\",\"kernel\":\"%s\",\"machine\":\"%s\",\"cores\":%ld,\"rounds\":%d,\"variants\":[",
            skl_version(), system.release, system.machine, sysconf(_SC_NPROCESSORS_ONLN), rounds);
    fprintf(md, "skilllite %s, Linux %s %s, %ld cores, %d interleaved rounds, milliseconds\n\n", skl_version(),
            system.release, system.machine, sysconf(_SC_NPROCESSORS_ONLN), rounds);
    fprintf(md, "| what | min | p50 | p99 | against | ratio | added p50 | target |\n");
    fprintf(md, "| --- | ---: | ---: | ---: | --- | ---: | ---: | --- |\n");
    for (int i = 0; i < variant_count; i++) {
        struct variant *v = &variants[i];
        double p50 = quantile(v->ms, rounds, 0.5), p99 = quantile(v->ms, rounds, 0.99), min = quantile(v->ms, rounds, 0);
        struct variant *base = v->baseline ? find(v->baseline) : NULL;
        double base_p50 = base ? quantile(base->ms, rounds, 0.5) : 0;
        fprintf(json, "%s{\"name\":\"%s\",\"note\":\"%s\",\"min_ms\":%.3f,\"p50_ms\":%.3f,\"p99_ms\":%.3f", i ? "," : "",
                v->name, v->note, min, p50, p99);
        if (base)
            fprintf(json, ",\"baseline\":\"%s\",\"ratio\":%.3f,\"added_ms\":%.3f", base->name, p50 / base_p50,
                    p50 - base_p50);
        fprintf(json, "}");
        if (base)
            fprintf(md, "| %s | %.2f | %.2f | %.2f | %s | %.2f | %+.2f | %s |\n", v->note, min, p50, p99, base->note,
                    p50 / base_p50, p50 - base_p50, v->target ? v->target : "");
        else
            fprintf(md, "| %s | %.2f | %.2f | %.2f | | | | |\n", v->note, min, p50, p99);
    }
    fprintf(json, "]}\n");
    fclose(json);
    fclose(md);
}

int main(int argc, char **argv) {
    if (argc < 12) {
        fprintf(stderr, "usage: bench SKILLS BENCH_SKILLS TRUE PYTHON CALCULATOR ROUNDS REPORT.json REPORT.md CLIENT LOADED CACHE [BWRAP]\n");
        return 2;
    }
    const char *skills = argv[1], *bench_skills = argv[2], *python = argv[4];
    int rounds = atoi(argv[6]);
    if (rounds < 1 || rounds > MAX_ROUNDS) rounds = 100;
    char config[4608];
    snprintf(config, sizeof config, "{\"interpreters\":{\"python\":\"%s\"}}", python);
    skl_engine *ours = engine(config, skills), *own = engine(config, bench_skills);

    char *bare_true[] = {argv[3], NULL};
    char *bare_python[] = {argv[4], "-I", "-S", "-B", argv[5], NULL};
    char *bwrap_true[] = {argc > 12 ? argv[12] : "", "--unshare-all", "--cap-drop", "ALL", "--new-session", "--clearenv",
                          "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
                          "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--ro-bind", argv[3], "/true", "/true", NULL};
    add((struct variant){.name = "true", .note = "posix_spawn of a static `true`", .argv = bare_true});
    add((struct variant){.name = "call-true", .note = "call of a static `true`", .baseline = "true",
                         .target = "added <= 3 ms", .tool = "true", .arguments = "{}", .engine = own});
    if (argc > 12)
        add((struct variant){.name = "bwrap-true", .note = "bubblewrap around a static `true`", .baseline = "true", .argv = bwrap_true});
    add((struct variant){.name = "python", .note = "bare `python3 -I -S -B` calculator", .argv = bare_python});
    add((struct variant){.name = "call-python", .note = "cold call of the calculator", .baseline = "python",
                         .target = "ratio <= 1.5", .tool = "calculator", .arguments = REQUEST, .engine = ours});

    /* The way out: a native client, bare and in a call whose list names the server. */
    char *client = argv[9], port[16], network[4608];
    snprintf(port, sizeof port, "%d", start_server());
    snprintf(network, sizeof network,
             "{\"interpreters\":{\"python\":\"%s\"},"
             "\"policy\":{\"network\":{\"allow\":[\"127.0.0.1:%s\"],\"limits\":{\"bytes_in\":1099511627776}}}}",
             python, port);
    skl_engine *networked = engine(network, bench_skills);
    add((struct variant){.name = "call-true-network", .note = "call of a static `true` with a network", .baseline = "call-true",
                         .tool = "true", .arguments = "{}", .engine = networked});
    const struct {
        const char *mode, *count, *bare, *bare_note, *name, *note, *target;
    } ways[] = {
        {"connect", "50", "net-new", "request, a connection each", "proxied-connect", "the same by CONNECT", "added <= 0.3 ms"},
        {"plain", "50", "net-plain", "request, a connection each (again)", "proxied-plain", "the same in absolute form", "added <= 0.3 ms"},
        {"keep", "200", "net-keep", "request on a kept connection", "proxied-keep", "the same in one tunnel", "added <= 0.3 ms"},
        {"bulk", "64", "net-bulk", "64 MiB", "proxied-bulk", "the same in one tunnel", "ratio <= 1.67"},
    };
    enum { WAYS = sizeof ways / sizeof *ways };
    static char *bare_client[WAYS][5];
    static char arguments[WAYS][128];
    for (int i = 0; i < WAYS; i++) {
        char *words[] = {client, (char *)ways[i].mode, port, (char *)ways[i].count, NULL};
        memcpy(bare_client[i], words, sizeof words);
        snprintf(arguments[i], sizeof arguments[i], "{\"args\":[\"%s\",\"%s\",\"%s\"]}", ways[i].mode, port, ways[i].count);
        add((struct variant){.name = ways[i].bare, .note = ways[i].bare_note, .argv = bare_client[i], .reads_ms = true});
        add((struct variant){.name = ways[i].name, .note = ways[i].note, .baseline = ways[i].bare, .target = ways[i].target,
                             .tool = "client", .arguments = arguments[i], .engine = networked, .reads_ms = true});
    }

    /* What a machine has to give: on two cores, three parties cannot keep the pace of two. */
    char relayed[64];
    snprintf(relayed, sizeof relayed, "http_proxy=http://127.0.0.1:%d", start_relay(atoi(port)));
    char *relayed_client[] = {"/usr/bin/env", relayed, client, "bulk", port, "64", NULL};
    add((struct variant){.name = "relayed-bulk", .note = "the same through a bare relay in C", .baseline = "net-bulk",
                         .argv = relayed_client, .reads_ms = true});

    /* A download by a script, which spends more of the time itself than a client that throws everything away. */
    char script[4608], fetch[64];
    snprintf(script, sizeof script, "%s/download/scripts/main.py", bench_skills);
    char *bare_script[] = {argv[4], "-I", "-S", "-B", script, port, "64", NULL};
    snprintf(fetch, sizeof fetch, "{\"port\":\"%s\",\"mib\":64}", port);
    add((struct variant){.name = "net-script", .note = "64 MiB read by Python's urllib", .argv = bare_script, .reads_ms = true});
    add((struct variant){.name = "proxied-script", .note = "the same in a call", .baseline = "net-script", .target = "ratio <= 1.67",
                         .tool = "download", .arguments = fetch, .engine = networked, .reads_ms = true});

    /* Loading: every script read, and what was read before taken from the cache. */
    static char cached[4608];
    snprintf(cached, sizeof cached, "{\"cache_dir\":\"%s\"}", argv[11]);
    add((struct variant){.name = "load", .note = "engine, load of the published skills", .loaded = argv[10], .config = ""});
    add((struct variant){.name = "load-cached", .note = "the same with a cache", .baseline = "load", .target = "p50 <= 20 ms",
                         .loaded = argv[10], .config = cached});

    for (int round = -3; round < rounds; round++)
        for (int i = 0; i < variant_count; i++) {
            struct variant *v = &variants[i];
            double start = now_ms();
            double printed = 0;
            if (v->loaded) run_load(v);
            else printed = v->argv ? run_program(v->argv) : run_call(v);
            if (round >= 0) v->ms[round] = v->reads_ms ? printed : now_ms() - start;
        }
    report(argv[7], argv[8], rounds);
    skl_engine_free(ours);
    skl_engine_free(own);
    skl_engine_free(networked);
    return 0;
}
