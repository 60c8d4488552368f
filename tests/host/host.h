/*
 * What every program here shares: checks that count, calls in one line, documents asked by path, and looks at this
 * host's processes. A program is one host; it prints one line about what it found and returns `host_end()`.
 */
#ifndef HOST_H
#define HOST_H

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <skilllite.h>

/* Counts a check, and tells of one that fails; the program goes on. */
#define CHECK(condition) host_check((condition), __FILE__, __LINE__, "%s", #condition)
/* The same with a text of its own, for rows of a table. */
#define CHECK_THAT(condition, ...) host_check((condition), __FILE__, __LINE__, __VA_ARGS__)
/* Ends the program when what follows would make no sense. */
#define REQUIRE(condition) \
    do { if (!CHECK(condition)) exit(host_end()); } while (0)
/* The value at `path` of a document is this JSON text. */
#define CHECK_IS(document, path, expected) host_check_is((document), (path), (expected), __FILE__, __LINE__)

bool host_check(bool holds, const char *file, int line, const char *format, ...);
bool host_check_is(const char *document, const char *path, const char *expected, const char *file, int line);

/* Adds to the program's line: a figure, a tier, a thing that this machine cannot show. */
void host_note(const char *format, ...);
/* Prints the line; the exit status of the program. */
int host_end(void);
/* What a forked child of the program exits with: 1 when a check failed in it. */
int host_verdict(void);
/* fork() for a child that ends with `host_verdict()`. */
pid_t host_fork(void);
/* Ends the program as one that cannot be shown here, and says why. */
void host_skip(const char *format, ...);

/* The raw JSON text at a path such as "usage.cpu_ms" or "files.0.path"; NULL where there is none. */
const char *host_at(const char *document, const char *path, size_t *length);
double host_number(const char *document, const char *path);
/* The number of items of an array. */
int host_count(const char *document, const char *path);

/* An engine with this config document; it has loaded `folder` unless that is NULL. Ends the program when it cannot. */
skl_engine *host_engine(const char *config, const char *folder);
/* `skl_engine_execute` with strings. On failure the error is a check that failed. */
skl_buffer *host_execute(skl_engine *engine, const char *tool, const char *arguments, const char *options);
skl_call *host_call(skl_engine *engine, const char *tool, const char *arguments, const char *options);
skl_buffer *host_wait(skl_call *call, int64_t timeout_ms);
/* Runs a tool that must succeed and checks that its result is "ok" with exit code 0. */
void host_works(skl_engine *engine, const char *tool);

double host_now_ms(void);
/* Whether this process has `tasks` threads, at once or soon: one that was joined is still listed for a moment. */
bool host_settles_at(int tasks);
/* Asks until the answer is yes or `ms` are over; the answer. */
bool host_eventually(bool (*is_so)(void *), void *argument, int ms);

/* The supervisors of this process, found by its pidfds; at most `most` of them. */
int host_supervisors(pid_t *pids, int most);
bool host_is_alive(pid_t pid);
/* Processes other than this one whose command line or environment holds `mark`. */
int host_marked(const char *mark);
/* Entries of a directory, such as /proc/self/fd (its own descriptor not counted). */
int host_entries(const char *directory);
/* A number of /proc/self/status, such as "VmRSS:" in KiB. */
long host_status(const char *key);
/* Control groups that the supervisor `pid` made. */
int host_groups(pid_t pid);
/* Folders /tmp/skilllite-* of the guests of the host process `pid`. */
int host_folders(pid_t pid);
/* Children of `pid` that nobody has waited for. */
int host_zombies(pid_t pid);

#endif
