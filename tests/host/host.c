/* See host.h. */
#include "host.h"

#include <ctype.h>
#include <dirent.h>
#include <ftw.h>
#include <time.h>

static int checks, failures;
static char notes[1024];

bool host_check(bool holds, const char *file, int line, const char *format, ...) {
    __sync_fetch_and_add(&checks, 1);
    if (!holds) {
        const char *name = strrchr(file, '/');
        va_list arguments;
        __sync_fetch_and_add(&failures, 1);
        fprintf(stderr, "%s:%d: ", name ? name + 1 : file, line);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
    }
    return holds;
}

bool host_check_is(const char *document, const char *path, const char *expected, const char *file, int line) {
    size_t length = 0;
    const char *found = document ? host_at(document, path, &length) : NULL;
    bool holds = found && length == strlen(expected) && memcmp(found, expected, length) == 0;
    return host_check(holds, file, line, "%s is %.*s, not %s, in %.700s", path, found ? (int)(length < 300 ? length : 300) : 6,
                      found ? found : "absent", expected, document ? document : "nothing");
}

void host_note(const char *format, ...) {
    size_t used = strlen(notes);
    va_list arguments;
    if (used > 0 && used < sizeof notes - 3) {
        strcpy(notes + used, ", ");
        used += 2;
    }
    va_start(arguments, format);
    vsnprintf(notes + used, sizeof notes - used, format, arguments);
    va_end(arguments);
}

static int inherited;

int host_verdict(void) {
    fflush(stderr);
    return failures > inherited;
}

pid_t host_fork(void) {
    pid_t child = fork();
    if (child == 0) inherited = failures;
    return child;
}

int host_end(void) {
    printf("%d checks, %d failed%s%s\n", checks, failures, *notes ? ": " : "", notes);
    fflush(stdout);
    return failures > 0 || checks == 0;
}

void host_skip(const char *format, ...) {
    va_list arguments;
    printf("skipped: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    exit(failures > 0 ? 1 : 77);
}

/* JSON that the library wrote: valid, without white space between tokens. */

static const char *behind_string(const char *at) {
    for (at++; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1]) at++;
    }
    return *at ? at + 1 : at;
}

static const char *behind_value(const char *at) {
    int depth = 0;
    if (*at == '"') return behind_string(at);
    for (; *at; at++) {
        if (*at == '"') {
            at = behind_string(at) - 1;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            if (depth == 0) return at;
            if (--depth == 0) return at + 1;
        } else if (*at == ',' && depth == 0) {
            return at;
        }
    }
    return at;
}

const char *host_at(const char *document, const char *path, size_t *length) {
    const char *at = document;
    while (*path) {
        size_t part = strcspn(path, ".");
        bool is_found = false;
        int index = 0;
        char closing = *at == '{' ? '}' : ']';
        if (*at != '{' && *at != '[') return NULL;
        for (at++; *at && *at != closing;) {
            if (closing == '}') {
                const char *key = at + 1;
                at = behind_string(at);
                is_found = (size_t)(at - key - 1) == part && memcmp(key, path, part) == 0;
                at++;
            } else {
                is_found = index++ == atoi(path);
            }
            if (is_found) break;
            at = behind_value(at);
            if (*at == ',') at++;
        }
        if (!is_found) return NULL;
        path += part + (path[part] == '.');
    }
    if (length) *length = (size_t)(behind_value(at) - at);
    return at;
}

double host_number(const char *document, const char *path) {
    const char *found = document ? host_at(document, path, NULL) : NULL;
    return found ? strtod(found, NULL) : -1;
}

int host_count(const char *document, const char *path) {
    const char *at = document ? host_at(document, path, NULL) : NULL;
    int count = 0;
    if (!at || *at != '[') return -1;
    for (at++; *at && *at != ']'; count++) {
        at = behind_value(at);
        if (*at == ',') at++;
    }
    return count;
}

/* Calls. */

static void told(const char *what, skl_error *err) {
    CHECK_THAT(false, "%s: %s: %s", what, skl_status_name(skl_error_status(err)), skl_error_message(err));
    skl_error_free(err);
}

skl_engine *host_engine(const char *config, const char *folder) {
    skl_engine *engine = NULL;
    skl_buffer *report = NULL;
    skl_error *err = NULL;
    if (skl_engine_new(config, strlen(config), &engine, &err) != SKL_OK ||
        (folder && skl_engine_load(engine, folder, strlen(folder), &report, &err) != SKL_OK)) {
        told(folder ? folder : config, err);
        exit(host_end());
    }
    skl_buffer_free(report);
    return engine;
}

skl_buffer *host_execute(skl_engine *engine, const char *tool, const char *arguments, const char *options) {
    skl_buffer *result = NULL;
    skl_error *err = NULL;
    if (skl_engine_execute(engine, tool, strlen(tool), arguments, strlen(arguments), options, strlen(options), &result, &err) != SKL_OK)
        told(tool, err);
    return result;
}

skl_call *host_call(skl_engine *engine, const char *tool, const char *arguments, const char *options) {
    skl_call *call = NULL;
    skl_error *err = NULL;
    if (skl_engine_call(engine, tool, strlen(tool), arguments, strlen(arguments), options, strlen(options), &call, &err) != SKL_OK)
        told(tool, err);
    return call;
}

skl_buffer *host_wait(skl_call *call, int64_t timeout_ms) {
    skl_buffer *result = NULL;
    skl_error *err = NULL;
    if (skl_call_wait(call, timeout_ms, &result, &err) != SKL_OK) told("skl_call_wait", err);
    return result;
}

void host_works(skl_engine *engine, const char *tool) {
    skl_buffer *result = host_execute(engine, tool, "", "");
    CHECK_IS(skl_buffer_data(result), "status", "\"ok\"");
    CHECK_IS(skl_buffer_data(result), "exit_code", "0");
    skl_buffer_free(result);
}

/* Time. */

double host_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

bool host_eventually(bool (*is_so)(void *), void *argument, int ms) {
    double end = host_now_ms() + ms;
    while (!is_so(argument)) {
        struct timespec pause = { 0, 2000000 };
        if (host_now_ms() > end) return is_so(argument);
        nanosleep(&pause, NULL);
    }
    return true;
}

static bool has_tasks(void *tasks) { return host_entries("/proc/self/task") == *(int *)tasks; }

bool host_settles_at(int tasks) { return host_eventually(has_tasks, &tasks, 10000); }

/* This machine. */

static size_t content(const char *path, char *buffer, size_t size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    size_t used = 0;
    ssize_t bytes;
    if (file < 0) {
        buffer[0] = 0;
        return 0;
    }
    while (used + 1 < size && (bytes = read(file, buffer + used, size - 1 - used)) > 0) used += (size_t)bytes;
    close(file);
    buffer[used] = 0;
    return used;
}

bool host_is_alive(pid_t pid) {
    char path[64], text[512], *state;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (content(path, text, sizeof text) == 0) return false;
    state = strrchr(text, ')');
    return state && state[2] != 'Z' && state[2] != 'X';
}

int host_supervisors(pid_t *pids, int most) {
    int count = 0, file;
    for (file = 0; file < 1024; file++) {
        char path[64], text[1024], *line;
        pid_t pid;
        snprintf(path, sizeof path, "/proc/self/fdinfo/%d", file);
        content(path, text, sizeof text);
        if (!(line = strstr(text, "\nPid:")) || (pid = (pid_t)atoi(line + 5)) <= 0) continue;
        snprintf(path, sizeof path, "/proc/%d/cmdline", (int)pid);
        content(path, text, sizeof text);
        if (strcmp(text, "skilllite-supervisor") == 0 && count < most) pids[count++] = pid;
    }
    return count;
}

static bool holds(const char *path, const char *mark) {
    static char text[1 << 16];
    size_t bytes = content(path, text, sizeof text);
    return memmem(text, bytes, mark, strlen(mark)) != NULL;
}

static int each_process(bool (*is_meant)(const char *pid, const void *argument), const void *argument) {
    DIR *list = opendir("/proc");
    struct dirent *entry;
    int count = 0;
    while (list && (entry = readdir(list))) {
        if (isdigit((unsigned char)entry->d_name[0]) && atoi(entry->d_name) != getpid() && is_meant(entry->d_name, argument)) count++;
    }
    if (list) closedir(list);
    return count;
}

static bool is_marked(const char *pid, const void *mark) {
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/cmdline", pid);
    if (holds(path, mark)) return true;
    snprintf(path, sizeof path, "/proc/%s/environ", pid);
    return holds(path, mark);
}

int host_marked(const char *mark) { return each_process(is_marked, mark); }

static bool is_zombie_of(const char *pid, const void *parent) {
    char path[300], text[512], *state;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    content(path, text, sizeof text);
    state = strrchr(text, ')');
    return state && state[2] == 'Z' && atoi(state + 4) == *(const pid_t *)parent;
}

int host_zombies(pid_t pid) { return each_process(is_zombie_of, &pid); }

int host_entries(const char *directory) {
    DIR *list = opendir(directory);
    struct dirent *entry;
    int count = 0;
    if (!list) return -1;
    while ((entry = readdir(list))) count += entry->d_name[0] != '.';
    closedir(list);
    return count - (strcmp(directory, "/proc/self/fd") == 0);
}

long host_status(const char *key) {
    char text[8192], *line;
    content("/proc/self/status", text, sizeof text);
    line = strstr(text, key);
    return line ? strtol(line + strlen(key), NULL, 0) : -1;
}

static char group_name[64];
static int groups_found;

static int count_group(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status;
    if (kind != FTW_D && kind != FTW_DNR && kind != FTW_DP) return 0;
    groups_found += strcmp(path + place->base, group_name) == 0;
    return 0;
}

int host_groups(pid_t pid) {
    snprintf(group_name, sizeof group_name, "skilllite.%d", (int)pid);
    groups_found = 0;
    nftw("/sys/fs/cgroup", count_group, 16, FTW_PHYS);
    return groups_found;
}

int host_folders(pid_t pid) {
    DIR *list = opendir("/tmp");
    struct dirent *entry;
    int count = 0;
    /* Guests of a root host have an id of their own for each host process; those of a user have the user's. */
    uid_t guest = geteuid() == 0 ? 2000000000u + ((unsigned)pid & 0xffff) : geteuid();
    while (list && (entry = readdir(list))) {
        struct stat status;
        char path[512];
        snprintf(path, sizeof path, "/tmp/%s", entry->d_name);
        count += strncmp(entry->d_name, "skilllite-", 10) == 0 && lstat(path, &status) == 0 && status.st_uid == guest;
    }
    if (list) closedir(list);
    return count;
}
