/*
 * Skills that behave badly, one way each: the result says what happened, and nothing of it is left.
 *     programs FOLDER TIER
 */
#include "host.h"

#include <dirent.h>

/* In the landlock tier a root host's guests are ordinary users, who must reach the interpreters: those of the system. */
#define POLICY "\"search_path\":[\"/usr/bin\",\"/bin\"],\"policy\":{\"max_tier\":\"%s\",\"min_tier\":\"landlock\"}}"

static const char *tier;
static char mark[64];

typedef void detail(skl_call *call, const char *result);

static void garbage(skl_call *call, const char *result) {
    (void)call;
    CHECK_IS(result, "output", "null");
    CHECK_IS(result, "lossy.stdout", "true");
    CHECK_IS(result, "total_bytes.stdout", "12810");
}

static void flood(skl_call *call, const char *result) {
    size_t length = 0;
    const char *text = host_at(result, "text", &length);
    (void)call;
    CHECK_IS(result, "truncated.stdout", "true");
    CHECK_IS(result, "truncated.stderr", "false");
    CHECK_IS(result, "total_bytes.stdout", "104857630");
    CHECK_IS(result, "output", "null");
    REQUIRE(text && length > 60000 && length < 70000);
    CHECK(strncmp(text, "\"the first line\\n", 16) == 0);
    CHECK(strncmp(text + length - 18, "\\nthe last line\\n\"", 18) == 0 || strstr(text + length - 20, "the last line"));
    CHECK(memmem(text, length, "bytes dropped", 13) != NULL);
}

static void unread(skl_call *call, const char *result) {
    (void)call;
    CHECK_IS(result, "text", "\"unread\\n\"");
}

static void closed_early(skl_call *call, const char *result) {
    (void)call;
    CHECK_IS(result, "text", "\"before\"");
    CHECK_IS(result, "stderr", "\"after\"");
}

static void left(skl_call *call, const char *result) {
    (void)call;
    CHECK_IS(result, "text", "\"left\\n\"");
}

static void deaf(skl_call *call, const char *result) {
    (void)call;
    CHECK_IS(result, "text", "\"deaf\\n\"");
    CHECK(host_number(result, "usage.wall_ms") >= 700 && host_number(result, "usage.wall_ms") < 5000);
}

static void three(skl_call *call, const char *result) {
    (void)call;
    CHECK_IS(result, "stderr", "\"three\\n\"");
}

static void binary(skl_call *call, const char *result) {
    (void)call;
    CHECK_IS(result, "total_bytes.stdout", "256");
    CHECK_IS(result, "lossy.stdout", "true");
}

/* The same files in a folder of the host's. */
static void kept(skl_call *call) {
    char folder[] = "/tmp/skl-kept-XXXXXX", path[64];
    struct stat facts;
    const char *names[] = { "deep/er/file.txt", "plain.bin", "deep/er", "deep", "" };
    size_t index;
    CHECK(mkdtemp(folder) != NULL);
    CHECK(skl_call_keep(call, "link", 4, folder, strlen(folder), NULL) == SKL_ERR_PATH_ESCAPE);
    CHECK(skl_call_keep(call, "pipe", 4, folder, strlen(folder), NULL) == SKL_ERR_RESOURCE_NOT_FOUND);
    CHECK(skl_call_keep(call, "", 0, folder, strlen(folder), NULL) == SKL_OK);
    CHECK(skl_call_keep(call, "plain.bin", 9, folder, strlen(folder), NULL) == SKL_ERR_ALREADY_EXISTS);
    for (index = 0; index < sizeof names / sizeof *names; index++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[index]); /* the last is the folder itself */
        CHECK_THAT(lstat(path, &facts) == 0 && remove(path) == 0, "%s", path);
        if (index < 2) CHECK(S_ISREG(facts.st_mode) && (facts.st_mode & 07133) == 0 && facts.st_size == (index ? 256 : 6));
    }
}

static void files(skl_call *call, const char *result) {
    skl_buffer *content = NULL;
    skl_error *err = NULL;
    int index;
    CHECK(host_count(result, "files") == 2);
    CHECK_IS(result, "files.0.path", "\"deep/er/file.txt\"");
    CHECK_IS(result, "files.0.size", "6");
    CHECK_IS(result, "files.1.path", "\"plain.bin\"");
    CHECK_IS(result, "files.1.sha256", "\"40aff2e9d2d8922e47afd4648e6967497158785fbd1da870e7110266bf944880\"");
    CHECK(host_count(result, "skipped_files") == 2);
    CHECK_IS(result, "skipped_files.0.kind", "\"symlink\"");
    CHECK_IS(result, "skipped_files.1.kind", "\"fifo\"");
    CHECK(skl_call_read_file(call, "plain.bin", 9, 256, &content, &err) == SKL_OK);
    CHECK(skl_buffer_len(content) == 256);
    for (index = 0; content && index < 256; index++)
        if ((unsigned char)skl_buffer_data(content)[index] != index) break;
    CHECK(index == 256);
    skl_buffer_free(content);
    CHECK(skl_call_read_file(call, "plain.bin", 9, 255, &content, NULL) == SKL_ERR_RESOURCE_TOO_LARGE);
    CHECK(skl_call_read_file(call, "link", 4, 1 << 20, &content, NULL) == SKL_ERR_PATH_ESCAPE);
    CHECK(skl_call_read_file(call, "pipe", 4, 1 << 20, &content, NULL) == SKL_ERR_RESOURCE_NOT_FOUND);
    CHECK(skl_call_read_file(call, "../secret", 9, 1 << 20, &content, NULL) == SKL_ERR_PATH_ESCAPE);
    CHECK(skl_call_read_file(call, "nothing", 7, 1 << 20, &content, &err) == SKL_ERR_RESOURCE_NOT_FOUND);
    skl_error_free(err);
    kept(call);
}

/* A program starts with nothing of the host: three descriptors, no signal blocked or ignored, its own session. */
static void state(skl_call *call, const char *result) {
    (void)call;
    CHECK_IS(result, "output.fds", "3");
    CHECK_IS(result, "output.SigBlk", "\"0\"");
    CHECK_IS(result, "output.SigIgn", "\"0\"");
    CHECK_IS(result, "output.NoNewPrivs", "\"1\"");
    CHECK_IS(result, "output.Seccomp", "\"2\"");
    CHECK_IS(result, "output.CapEff", "\"0\"");
    CHECK_IS(result, "output.umask", "18");
    CHECK_IS(result, "output.leads_session", "true");
    CHECK_IS(result, "output.has_terminal", "false");
}

static void too_large(skl_call *call, const char *result) {
    (void)call;
    CHECK(strstr(result, "File too large after 0 parts") != NULL);
    CHECK(strstr(result, "\"name\":\"disk\",\"state\":\"partial\"") != NULL);
}

static void peak(skl_call *call, const char *result) {
    (void)call;
    CHECK(host_number(result, "usage.peak_memory_bytes") > 30e6);
    CHECK(host_number(result, "usage.peak_memory_bytes") < 200e6);
}

enum where { ANYWHERE, NAMESPACES, LANDLOCK };

struct row {
    enum where where;
    const char *tool, *arguments, *options;
    const char *status, *exit_code, *signal, *limit;
    detail *look;
};

static const struct row rows[] = {
    { ANYWHERE, "works", "", "", "\"ok\"", "0", "null", "null", NULL },
    { ANYWHERE, "state", "", "", "\"ok\"", "0", "null", "null", state },
    { ANYWHERE, "prints-garbage", "", "", "\"ok\"", "0", "null", "null", garbage },
    { ANYWHERE, "prints-100-mib", "", "{\"limits\":{\"output_bytes\":65536}}", "\"ok\"", "0", "null", "\"output\"", flood },
    { ANYWHERE, "prints-binary", "", "", "\"ok\"", "0", "null", "null", binary },
    { ANYWHERE, "ignores-stdin", "@", "", "\"ok\"", "0", "null", "null", unread },
    { ANYWHERE, "closes-stdout", "", "", "\"ok\"", "0", "null", "null", closed_early },
    { ANYWHERE, "becomes-daemon", "mark", "", "\"ok\"", "0", "null", "null", left },
    { ANYWHERE, "stays-with-family", "mark", "{\"limits\":{\"wall_ms\":700}}", "\"timeout\"", "null", "9", "\"wall\"", NULL },
    { ANYWHERE, "ignores-term", "", "{\"limits\":{\"wall_ms\":700}}", "\"timeout\"", "null", "9", "\"wall\"", deaf },
    { ANYWHERE, "exits-3", "", "", "\"ok\"", "3", "null", "null", three },
    { ANYWHERE, "segfaults", "", "", "\"ok\"", "null", "11", "null", NULL },
    { ANYWHERE, "kills-itself", "", "", "\"ok\"", "null", "9", "null", NULL },
    { ANYWHERE, "never-ends", "", "{\"limits\":{\"wall_ms\":500}}", "\"timeout\"", "null", "9", "\"wall\"", NULL },
    { ANYWHERE, "burns-cpu", "", "{\"limits\":{\"cpu_ms\":1000}}", "\"limit\"", "null", NULL, "\"cpu\"", NULL },
    { NAMESPACES, "fills-disk", "", "{\"limits\":{\"disk_bytes\":1048576}}", "\"limit\"", "1", "null", "\"disk\"", NULL },
    /* Without a file system of its own a run is bounded by the size of each file, and the result says so. */
    { LANDLOCK, "fills-disk", "", "{\"limits\":{\"file_bytes\":32768}}", "\"ok\"", "1", "null", "null", too_large },
    { ANYWHERE, "allocates", "", "{\"limits\":{\"memory_bytes\":67108864}}", "\"limit\"", NULL, NULL, "\"memory\"", peak },
    /* So little that it is gone between two looks, where looking is what limits the tree. */
    { ANYWHERE, "allocates", "", "{\"limits\":{\"memory_bytes\":8388608}}", "\"limit\"", NULL, NULL, "\"memory\"", NULL },
    { ANYWHERE, "forks-100", "", "{\"limits\":{\"pids\":20}}", "\"limit\"", NULL, NULL, "\"pids\"", NULL },
    { ANYWHERE, "writes-files", "", "", "\"ok\"", "0", "null", "null", files },
};

static char *named(const char *tool) {
    static char name[128];
    snprintf(name, sizeof name, "behaviour__%s", tool);
    return name;
}

static char *arguments_of(const struct row *row) {
    static char text[600000];
    if (strcmp(row->arguments, "mark") == 0) {
        snprintf(text, sizeof text, "{\"args\":[\"%s\"]}", mark);
    } else if (strcmp(row->arguments, "@") == 0) {
        /* Half a megabyte that nobody reads, more than any pipe holds. */
        size_t used = (size_t)snprintf(text, sizeof text, "{\"stdin\":\"");
        memset(text + used, 'x', 500000);
        strcpy(text + used + 500000, "\"}");
    } else {
        strcpy(text, row->arguments);
    }
    return text;
}

static void each_gives_its_result(skl_engine *engine) {
    size_t index;
    for (index = 0; index < sizeof rows / sizeof *rows; index++) {
        const struct row *row = &rows[index];
        skl_call *call;
        skl_buffer *result;
        const char *document;
        if (row->where != ANYWHERE && (row->where == LANDLOCK) != (strcmp(tier, "landlock") == 0)) continue;
        call = host_call(engine, named(row->tool), arguments_of(row), row->options);
        result = call ? host_wait(call, -1) : NULL;
        document = skl_buffer_data(result);
        if (!CHECK_THAT(document != NULL, "%s in %s has no result", row->tool, tier)) continue;
        CHECK_IS(document, "status", row->status);
        if (row->exit_code) CHECK_IS(document, "exit_code", row->exit_code);
        if (row->signal) CHECK_IS(document, "signal", row->signal);
        CHECK_IS(document, "limit", row->limit);
        CHECK_IS(document, "error", "null");
        if (row->look) row->look(call, document);
        CHECK_THAT(host_marked(mark) == 0, "%s left processes behind", row->tool);
        skl_buffer_free(result);
        skl_call_free(call);
    }
}

/* 100 MiB go through the host; of its memory they take the kept part and a buffer. */
static void a_flood_is_bounded(skl_engine *engine) {
    long before = host_status("VmHWM:"), growth;
    skl_buffer *result = host_execute(engine, named("prints-100-mib"), "", "");
    CHECK_IS(skl_buffer_data(result), "truncated.stdout", "true");
    skl_buffer_free(result);
    growth = host_status("VmHWM:") - before;
    CHECK_THAT(growth < 24 << 10, "the host grew by %ld KiB", growth);
    host_note("a flood of 100 MiB costs the host %ld KiB at most", growth);
}

static void *cancel_soon(void *call) {
    CHECK(skl_call_cancel(call) == SKL_OK);
    return NULL;
}

static bool is_marked(void *want) { return (host_marked(mark) > 0) == (want != NULL); }

static void cancelling(const char *folder) {
    char config[256], arguments[128];
    skl_engine *engine;
    skl_call *running, *queued, *third;
    skl_buffer *result;
    pthread_t thread;
    struct pollfd ended;
    snprintf(config, sizeof config, "{\"max_running\":1," POLICY, tier);
    snprintf(arguments, sizeof arguments, "{\"args\":[\"%s\"]}", mark);
    engine = host_engine(config, folder);
    running = host_call(engine, named("stays-with-family"), arguments, "");
    queued = host_call(engine, named("works"), "", "");
    third = host_call(engine, named("works"), "", "");
    /* Before it starts. */
    CHECK(skl_call_cancel(queued) == SKL_OK && skl_call_cancel(queued) == SKL_OK);
    result = host_wait(queued, 0);
    CHECK_IS(skl_buffer_data(result), "status", "\"cancelled\"");
    CHECK_IS(skl_buffer_data(result), "isolation", "null");
    skl_buffer_free(result);
    /* While it runs, from another thread, twice. */
    CHECK(host_eventually(is_marked, running, 20000));
    CHECK(skl_call_wait(running, 0, &result, NULL) == SKL_ERR_WAIT_TIMEOUT && result == NULL);
    CHECK(skl_call_wait(running, 20, &result, NULL) == SKL_ERR_WAIT_TIMEOUT);
    ended.fd = skl_call_fd(running);
    ended.events = POLLIN;
    CHECK(poll(&ended, 1, 0) == 0);
    CHECK(pthread_create(&thread, NULL, cancel_soon, running) == 0);
    CHECK(skl_call_cancel(running) == SKL_OK);
    CHECK(poll(&ended, 1, 10000) == 1 && ended.revents != 0);
    result = host_wait(running, 0);
    CHECK_IS(skl_buffer_data(result), "status", "\"cancelled\"");
    CHECK_IS(skl_buffer_data(result), "exit_code", "null");
    CHECK_IS(skl_buffer_data(result), "limit", "null");
    skl_buffer_free(result);
    pthread_join(thread, NULL);
    CHECK(host_marked(mark) == 0);
    /* After the end it changes nothing. */
    result = host_wait(third, -1);
    CHECK_IS(skl_buffer_data(result), "status", "\"ok\"");
    skl_buffer_free(result);
    CHECK(skl_call_cancel(third) == SKL_OK);
    result = host_wait(third, 0);
    CHECK_IS(skl_buffer_data(result), "status", "\"ok\"");
    skl_buffer_free(result);
    skl_call_free(running);
    skl_call_free(queued);
    skl_call_free(third);
    skl_engine_free(engine);
}

int main(int count, char **arguments) {
    char config[256];
    skl_engine *engine;
    skl_buffer *result;
    size_t length = 0;
    const char *found;
    REQUIRE(count == 3);
    tier = arguments[2];
    snprintf(mark, sizeof mark, "mark-programs-%d", (int)getpid());
    snprintf(config, sizeof config, "{" POLICY, tier);
    /* A descriptor that is not closed at exec must not reach a program. */
    CHECK(open("/dev/null", O_RDONLY) >= 0);
    engine = host_engine(config, arguments[1]);
    result = host_execute(engine, named("works"), "", "");
    found = host_at(skl_buffer_data(result), "isolation.tier", &length);
    REQUIRE(found != NULL);
    if (strncmp(found + 1, tier, strlen(tier)) != 0) host_skip("this host gives %.*s", (int)length, found);
    skl_buffer_free(result);
    each_gives_its_result(engine);
    a_flood_is_bounded(engine);
    skl_engine_free(engine);
    cancelling(arguments[1]);
    return host_end();
}
