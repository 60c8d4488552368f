/*
 * The complete C API: every function, every status that a host can bring about, with its message. Bad input changes
 * nothing and starts nothing. Run plain, under valgrind and with the sanitizers.
 *     api FOLDER EXAMPLES SCRATCH-FOLDER
 */
#include "host.h"

static const char *folder, *examples, *scratch;
static skl_engine *engine;

#define TEXT(text) (text), strlen(text)
#define NOWHERE ((skl_buffer *)&engine)

static const char behaviour[] = "behaviour", works[] = "behaviour__works";

/* Takes an outcome apart: the status, NULL in the output at `slot`, and a message of one line that says `needle`. */
static void refused(const char *what, skl_status found, skl_status wanted, const void *slot, skl_error **error, const char *needle) {
    skl_error *err = *error;
    const char *message = skl_error_message(err);
    const void *out;
    memcpy(&out, slot, sizeof out);
    CHECK_THAT(found == wanted, "%s: %s, not %s: %s", what, skl_status_name(found), skl_status_name(wanted), message);
    CHECK_THAT(skl_error_status(err) == found, "%s: the error says %s", what, skl_status_name(skl_error_status(err)));
    CHECK_THAT(out == NULL, "%s: an output on failure", what);
    CHECK_THAT(strlen(message) > 5 && strlen(message) < 2000 && !strpbrk(message, "\n\r\t"), "%s: \"%s\"", what, message);
    CHECK_THAT(strstr(message, needle) != NULL, "%s: '%s' is not in: %s", what, needle, message);
    skl_error_free(err);
}

static void library(void) {
    char version[32];
    skl_buffer *report = NOWHERE;
    skl_error *err = (skl_error *)&engine;
    snprintf(version, sizeof version, "%d.%d.%d", SKL_VERSION_MAJOR, SKL_VERSION_MINOR, SKL_VERSION_PATCH);
    CHECK(strcmp(skl_version(), version) == 0);
    CHECK(SKL_VERSION_NUMBER == SKL_VERSION_MAJOR * 1000000 + SKL_VERSION_MINOR * 1000 + SKL_VERSION_PATCH);
    CHECK(skl_abi_version() == SKL_ABI_VERSION);
    CHECK(!skl_has_feature(TEXT("warm")) && skl_has_feature(TEXT("network")) && skl_has_feature(TEXT("dependencies")) && skl_has_feature(TEXT("disclosure")) && !skl_has_feature(TEXT("inf")));
    CHECK(!skl_has_feature(NULL, 0) && !skl_has_feature(NULL, 9) && !skl_has_feature("\xff", 1) && !skl_has_feature("", 0));
    CHECK(strcmp(skl_status_name(SKL_ERR_QUEUE_FULL), "SKL_ERR_QUEUE_FULL") == 0);
    CHECK(strcmp(skl_status_name(SKL_OK), "SKL_OK") == 0);
    CHECK(strcmp(skl_status_name(99999), "unknown status") == 0 && strcmp(skl_status_name(INT32_MIN), "unknown status") == 0);
    CHECK(skl_probe(&report, &err) == SKL_OK && err == NULL);
    CHECK(host_count(skl_buffer_data(report), "tiers") == 3);
    CHECK(host_at(skl_buffer_data(report), "obstacles", NULL) != NULL && host_at(skl_buffer_data(report), "platform", NULL) != NULL);
    skl_buffer_free(report);
}

static void null_everywhere(void) {
    skl_buffer *b = NOWHERE;
    skl_call *c = (skl_call *)&engine;
    skl_engine *e = (skl_engine *)&engine;
    skl_stream *s = (skl_stream *)&engine;
    skl_agent *a = (skl_agent *)&engine;
    skl_error *err = NULL;
    size_t row;
    const struct { const char *name; skl_status status; } rows[] = {
        { "probe", skl_probe(NULL, NULL) },
        { "new out", skl_engine_new("", 0, NULL, NULL) },
        { "new config", skl_engine_new(NULL, 1, &e, NULL) },
        { "close", skl_engine_close(NULL, NULL) },
        { "load", skl_engine_load(NULL, TEXT("x"), &b, NULL) },
        { "load dir", skl_engine_load(engine, NULL, 1, &b, NULL) },
        { "load out", skl_engine_load(engine, TEXT("x"), NULL, NULL) },
        { "skills", skl_engine_skills(NULL, &b, NULL) },
        { "skills out", skl_engine_skills(engine, NULL, NULL) },
        { "tools", skl_engine_tools(NULL, TEXT("openai"), &b, NULL) },
        { "tools dialect", skl_engine_tools(engine, NULL, 1, &b, NULL) },
        { "tools out", skl_engine_tools(engine, TEXT("openai"), NULL, NULL) },
        { "instructions", skl_engine_instructions(NULL, TEXT("x"), &b, NULL) },
        { "instructions skill", skl_engine_instructions(engine, NULL, 1, &b, NULL) },
        { "instructions out", skl_engine_instructions(engine, TEXT("x"), NULL, NULL) },
        { "resources", skl_engine_resources(NULL, TEXT("x"), &b, NULL) },
        { "resources skill", skl_engine_resources(engine, NULL, 1, &b, NULL) },
        { "resources out", skl_engine_resources(engine, TEXT("x"), NULL, NULL) },
        { "read_resource", skl_engine_read_resource(NULL, TEXT("x"), TEXT("x"), 1, &b, NULL) },
        { "read_resource skill", skl_engine_read_resource(engine, NULL, 1, TEXT("x"), 1, &b, NULL) },
        { "read_resource path", skl_engine_read_resource(engine, TEXT("x"), NULL, 1, 1, &b, NULL) },
        { "read_resource out", skl_engine_read_resource(engine, TEXT("x"), TEXT("x"), 1, NULL, NULL) },
        { "manifest", skl_engine_manifest(NULL, TEXT("x"), &b, NULL) },
        { "manifest skill", skl_engine_manifest(engine, NULL, 1, &b, NULL) },
        { "manifest out", skl_engine_manifest(engine, TEXT("x"), NULL, NULL) },
        { "scan", skl_engine_scan(NULL, TEXT("x"), &b, NULL) },
        { "scan skill", skl_engine_scan(engine, NULL, 1, &b, NULL) },
        { "scan report", skl_engine_scan(engine, TEXT("x"), NULL, NULL) },
        { "prompt", skl_engine_prompt(NULL, "", 0, &b, NULL) },
        { "prompt options", skl_engine_prompt(engine, NULL, 1, &b, NULL) },
        { "prompt out", skl_engine_prompt(engine, "", 0, NULL, NULL) },
        { "reload", skl_engine_reload(NULL, &b, NULL) },
        { "reload report", skl_engine_reload(engine, NULL, NULL) },
        { "prepare", skl_engine_prepare(NULL, TEXT("x"), &b, NULL) },
        { "prepare skill", skl_engine_prepare(engine, NULL, 1, &b, NULL) },
        { "prepare report", skl_engine_prepare(engine, TEXT("x"), NULL, NULL) },
        { "remove", skl_engine_remove(NULL, TEXT("x"), NULL) },
        { "remove skill", skl_engine_remove(engine, NULL, 1, NULL) },
        { "enable", skl_engine_enable(NULL, TEXT("x"), true, NULL) },
        { "enable skill", skl_engine_enable(engine, NULL, 1, true, NULL) },
        { "validate dir", skl_skill_validate(NULL, 1, &b, NULL) },
        { "validate findings", skl_skill_validate(TEXT("x"), NULL, NULL) },
        { "call", skl_engine_call(NULL, TEXT("x"), "", 0, "", 0, &c, NULL) },
        { "call tool", skl_engine_call(engine, NULL, 1, "", 0, "", 0, &c, NULL) },
        { "call args", skl_engine_call(engine, TEXT("x"), NULL, 1, "", 0, &c, NULL) },
        { "call options", skl_engine_call(engine, TEXT("x"), "", 0, NULL, 1, &c, NULL) },
        { "call out", skl_engine_call(engine, TEXT(works), "", 0, "", 0, NULL, NULL) },
        { "execute", skl_engine_execute(NULL, TEXT("x"), "", 0, "", 0, &b, NULL) },
        { "execute tool", skl_engine_execute(engine, NULL, 1, "", 0, "", 0, &b, NULL) },
        { "execute args", skl_engine_execute(engine, TEXT("x"), NULL, 1, "", 0, &b, NULL) },
        { "execute options", skl_engine_execute(engine, TEXT("x"), "", 0, NULL, 1, &b, NULL) },
        { "execute out", skl_engine_execute(engine, TEXT(works), "", 0, "", 0, NULL, NULL) },
        { "handle", skl_engine_handle(NULL, TEXT("openai"), "{}", 2, "", 0, &b, NULL) },
        { "handle dialect", skl_engine_handle(engine, NULL, 1, "{}", 2, "", 0, &b, NULL) },
        { "handle response", skl_engine_handle(engine, TEXT("openai"), NULL, 1, "", 0, &b, NULL) },
        { "handle options", skl_engine_handle(engine, TEXT("openai"), "{}", 2, NULL, 1, &b, NULL) },
        { "handle out", skl_engine_handle(engine, TEXT("openai"), "{}", 2, "", 0, NULL, NULL) },
        { "respond", skl_engine_respond(NULL, TEXT("openai"), "{}", 2, "", 0, &c, NULL) },
        { "respond dialect", skl_engine_respond(engine, NULL, 1, "{}", 2, "", 0, &c, NULL) },
        { "respond response", skl_engine_respond(engine, TEXT("openai"), NULL, 1, "", 0, &c, NULL) },
        { "respond options", skl_engine_respond(engine, TEXT("openai"), "{}", 2, NULL, 1, &c, NULL) },
        { "respond out", skl_engine_respond(engine, TEXT("openai"), "{}", 2, "", 0, NULL, NULL) },
        { "wait", skl_call_wait(NULL, 0, &b, NULL) },
        { "wait out", skl_call_wait(NULL, 0, NULL, NULL) },
        { "cancel", skl_call_cancel(NULL) },
        { "read_file", skl_call_read_file(NULL, TEXT("x"), 1, &b, NULL) },
        { "keep", skl_call_keep(NULL, TEXT("x"), TEXT("/tmp"), NULL) },
        { "read_file out", skl_call_read_file(NULL, TEXT("x"), 1, NULL, NULL) },
        { "read", skl_call_read(NULL, 1, 0, &b, NULL) },
        { "read out", skl_call_read(NULL, 1, 0, NULL, NULL) },
        { "stream out", skl_stream_new(TEXT("openai"), NULL, NULL) },
        { "stream dialect", skl_stream_new(NULL, 1, &s, NULL) },
        { "feed", skl_stream_feed(NULL, TEXT("x"), NULL) },
        { "response", skl_stream_response(NULL, &b, NULL) },
        { "response out", skl_stream_response(NULL, NULL, NULL) },
        { "agent", skl_agent_new(NULL, TEXT("{}"), &a, NULL) },
        { "agent config", skl_agent_new(engine, NULL, 1, &a, NULL) },
        { "agent out", skl_agent_new(engine, TEXT("{}"), NULL, NULL) },
        { "ask", skl_agent_ask(NULL, TEXT("x"), NULL, 0, NULL) },
        { "next", skl_agent_next(NULL, 0, &b, NULL) },
        { "next step", skl_agent_next(NULL, 0, NULL, NULL) },
        { "agent feed", skl_agent_feed(NULL, TEXT("{}"), true, NULL) },
        { "approve", skl_agent_approve(NULL, TEXT("x"), true, NULL, 0, NULL) },
        { "events", skl_agent_events(NULL, &b, NULL) },
        { "events out", skl_agent_events(NULL, NULL, NULL) },
        { "agent cancel", skl_agent_cancel(NULL) },
        { "transcript", skl_agent_transcript(NULL, &b, NULL) },
        { "transcript out", skl_agent_transcript(NULL, NULL, NULL) },
    };
    for (row = 0; row < sizeof rows / sizeof *rows; row++)
        CHECK_THAT(rows[row].status == SKL_ERR_NULL_ARGUMENT, "%s: %s", rows[row].name, skl_status_name(rows[row].status));
    CHECK(b == NULL && c == NULL && e == NULL && s == NULL && a == NULL);
    CHECK(!skl_stream_is_complete(NULL));
    skl_stream_free(NULL);
    CHECK(skl_agent_fd(NULL) == -1);
    skl_agent_free(NULL);
    refused("a name", skl_engine_skills(NULL, &b, &err), SKL_ERR_NULL_ARGUMENT, &b, &err, "'engine' is NULL");
    CHECK(skl_call_fd(NULL) == -1 && skl_call_output_fd(NULL) == -1);
    CHECK(skl_buffer_data(NULL) == NULL && skl_buffer_len(NULL) == 0);
    CHECK(skl_error_status(NULL) == SKL_OK && strcmp(skl_error_message(NULL), "") == 0);
    skl_engine_free(NULL);
    skl_call_free(NULL);
    skl_buffer_free(NULL);
    skl_error_free(NULL);
}

static void configs(void) {
    static const struct { const char *text; skl_status status; const char *needle; } rows[] = {
        { "{", SKL_ERR_INVALID_JSON, "config" },
        { "nonsense", SKL_ERR_INVALID_JSON, "config" },
        { "[]", SKL_ERR_INVALID_CONFIG, "object" },
        { "{\"polcy\":{}}", SKL_ERR_INVALID_CONFIG, "'polcy'" },
        { "{\"policy\":{\"min_teir\":\"full\"}}", SKL_ERR_INVALID_CONFIG, "'policy.min_teir'" },
        { "{\"policy\":{\"min_tier\":\"none\"}}", SKL_ERR_INVALID_CONFIG, "landlock" },
        { "{\"policy\":{\"limits\":{\"wall_ms\":0}}}", SKL_ERR_INVALID_CONFIG, "between 1 and" },
        { "{\"policy\":{\"limits\":{\"wall_ms\":99999999999999999999}}}", SKL_ERR_INVALID_CONFIG, "wall_ms" },
        { "{\"policy\":{\"limits\":{\"memory_bytes\":1}}}", SKL_ERR_INVALID_CONFIG, "memory_bytes" },
        { "{\"policy\":{\"limits\":{\"memory_bytes\":1e300}}}", SKL_ERR_INVALID_CONFIG, "memory_bytes" },
        { "{\"policy\":{\"limits\":{\"pids\":-1}}}", SKL_ERR_INVALID_CONFIG, "pids" },
        { "{\"policy\":{\"limits\":{\"disk_bytes\":\"much\"}}}", SKL_ERR_INVALID_CONFIG, "whole number" },
        { "{\"policy\":{\"network\":true}}", SKL_ERR_INVALID_CONFIG, "policy.network" },
        { "{\"policy\":{\"read_paths\":[\"relative\"]}}", SKL_ERR_INVALID_CONFIG, "absolute" },
        { "{\"policy\":{\"write_paths\":[\"/\"]}}", SKL_ERR_INVALID_CONFIG, "write_paths" },
        { "{\"max_running\":0}", SKL_ERR_INVALID_CONFIG, "between 1 and 4096" },
        { "{\"warm\":{\"python\":1}}", SKL_ERR_UNSUPPORTED, "'warm'" },
        { "{\"cwd\":\"work\",\"cwd\":\"work\"}", SKL_ERR_INVALID_CONFIG, "twice" },
    };
    skl_engine *out = (skl_engine *)&engine;
    skl_error *err = NULL;
    size_t row;
    for (row = 0; row < sizeof rows / sizeof *rows; row++) {
        skl_status status = skl_engine_new(TEXT(rows[row].text), &out, &err);
        refused(rows[row].text, status, rows[row].status, &out, &err, rows[row].needle);
        CHECK(skl_engine_new(TEXT(rows[row].text), &out, NULL) == rows[row].status);
    }
    refused("UTF-8", skl_engine_new("{\"\xc3\":1}", 7, &out, &err), SKL_ERR_INVALID_UTF8, &out, &err, "offset 2");
    refused("NUL", skl_engine_new("{}\0", 3, &out, &err), SKL_ERR_INVALID_UTF8, &out, &err, "offset 2");
    CHECK(skl_engine_new(NULL, 0, &out, &err) == SKL_OK && out != NULL && err == NULL);
    skl_engine_free(out);
    CHECK(skl_engine_new(" \n", 2, &out, NULL) == SKL_OK);
    skl_engine_free(out);
}

/* Skills on disk. */

static char *in_scratch(const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return path;
}

static void put(const char *name, const char *text, size_t length) {
    char *slash, path[4096];
    FILE *file;
    strcpy(path, in_scratch(name));
    for (slash = path + strlen(scratch) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0755);
        *slash = '/';
    }
    file = fopen(path, "w");
    REQUIRE(file != NULL);
    fwrite(text, 1, length, file);
    fclose(file);
    chmod(path, 0755);
}

static void put_bombs(void) {
    static char text[(1 << 20) + 200];
    size_t used;
    int level;
    put("bad/broken-yaml/SKILL.md", TEXT("---\nname: [broken\n  : {\n---\nbody\n"));
    used = (size_t)sprintf(text, "---\nname: alias-bomb\ndescription: Grows.\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (level = 1; level < 12; level++)
        used += (size_t)sprintf(text + used, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", level, level, level - 1, level - 1,
                                level - 1, level - 1, level - 1, level - 1, level - 1, level - 1, level - 1);
    used += (size_t)sprintf(text + used, "---\nbody\n");
    put("bad/alias-bomb/SKILL.md", text, used);
    used = (size_t)sprintf(text, "---\nname: long-front\ndescription: ");
    memset(text + used, 'x', 1 << 20);
    used += 1 << 20;
    used += (size_t)sprintf(text + used, "\n---\n");
    put("bad/long-front/SKILL.md", text, used);
    put("bad/escapes/SKILL.md", TEXT("---\nname: escapes\ndescription: Points out.\nentry_point: ../../outside.sh\n---\n"));
    put("bad/no-front/SKILL.md", TEXT("# Just text\n"));
    put("bad/not-utf8/SKILL.md", TEXT("---\nname: not-utf8\ndescription: \xff\xfe\n---\n"));
    put("bad/links-out/SKILL.md", TEXT("---\nname: links-out\ndescription: Links out.\nentry_point: scripts/run.sh\n---\n"));
    put("outside.sh", TEXT("#!/bin/sh\ntouch ran\n"));
    put("bad/links-out/scripts/keep.txt", TEXT("x"));
    CHECK(symlink("../../../outside.sh", in_scratch("bad/links-out/scripts/run.sh")) == 0);
    put("bad/good/SKILL.md", TEXT("---\nname: good\ndescription: Among bad ones.\n---\nDo it.\n"));
    put("bad/good/scripts/run.sh", TEXT("#!/bin/sh\necho good\n"));
    put("bad/good/notes.txt", TEXT("twelve bytes"));
}

static void loading(void) {
    static const struct { const char *name, *code; } rows[] = {
        { "broken-yaml", "yaml" },       { "alias-bomb", "" },        { "long-front", "front-matter-too-large" },
        { "escapes", "entry-point-escape" }, { "no-front", "front-matter-missing" }, { "links-out", "entry-point-escape" },
    };
    skl_buffer *out = NOWHERE;
    skl_error *err = NULL;
    char path[4096];
    const char *report;
    size_t row;
    strcpy(path, in_scratch("nowhere"));
    refused("missing", skl_engine_load(engine, TEXT(path), &out, &err), SKL_ERR_SKILL_DIRECTORY, &out, &err, "does not exist; create it or correct the path");
    refused("empty", skl_engine_load(engine, NULL, 0, &out, &err), SKL_ERR_SKILL_DIRECTORY, &out, &err, "does not exist");
    refused("a file", skl_engine_load(engine, TEXT("/etc/passwd"), &out, &err), SKL_ERR_SKILL_DIRECTORY, &out, &err, "no directory");
    refused("UTF-8", skl_engine_load(engine, "/\xe9", 2, &out, &err), SKL_ERR_INVALID_UTF8, &out, &err, "'dir'");
    refused("NUL", skl_engine_load(engine, "/tmp\0/x", 7, &out, &err), SKL_ERR_INVALID_UTF8, &out, &err, "NUL");
    CHECK(out == NULL);

    put_bombs();
    strcpy(path, in_scratch("bad"));
    CHECK(skl_engine_load(engine, TEXT(path), &out, &err) == SKL_OK && err == NULL);
    report = skl_buffer_data(out);
    CHECK(host_count(report, "skills") >= 1 && strstr(report, "\"good\"") != NULL);
    for (row = 0; row < sizeof rows / sizeof *rows; row++) {
        char needle[64];
        snprintf(needle, sizeof needle, "/%s\"", rows[row].name);
        CHECK_THAT(strstr(host_at(report, "skipped", NULL), needle) != NULL, "%s is not skipped: %.3000s", rows[row].name, report);
        CHECK_THAT(strstr(report, rows[row].code) != NULL, "no %s in %.3000s", rows[row].code, report);
    }
    skl_buffer_free(out);
    CHECK(access(in_scratch("ran"), F_OK) != 0);
    /* Again, and over another engine's head: the same. */
    CHECK(skl_engine_load(engine, TEXT(path), &out, NULL) == SKL_OK);
    skl_buffer_free(out);
}

static void reading(void) {
    skl_buffer *out = NOWHERE;
    skl_error *err = NULL;
    CHECK(skl_engine_skills(engine, &out, &err) == SKL_OK);
    CHECK_IS(skl_buffer_data(out), "0.name", "\"behaviour\"");
    CHECK(skl_buffer_data(out)[skl_buffer_len(out)] == 0 && strlen(skl_buffer_data(out)) == skl_buffer_len(out));
    skl_buffer_free(out);
    CHECK(skl_engine_tools(engine, TEXT("openai"), &out, &err) == SKL_OK);
    CHECK_IS(skl_buffer_data(out), "0.type", "\"function\"");
    skl_buffer_free(out);
    refused("dialect", skl_engine_tools(engine, TEXT("klingon"), &out, &err), SKL_ERR_UNKNOWN_DIALECT, &out, &err, "openai");
    refused("dialect", skl_engine_tools(engine, "", 0, &out, &err), SKL_ERR_UNKNOWN_DIALECT, &out, &err, "openai");
    refused("dialect", skl_engine_tools(engine, "o\0i", 3, &out, &err), SKL_ERR_INVALID_UTF8, &out, &err, "'dialect'");
    CHECK(skl_engine_instructions(engine, TEXT("good"), &out, &err) == SKL_OK);
    CHECK_THAT(strncmp(skl_buffer_data(out), "Do it.", 6) == 0, "\"%s\"", skl_buffer_data(out));
    skl_buffer_free(out);
    refused("skill", skl_engine_instructions(engine, TEXT("nobody"), &out, &err), SKL_ERR_SKILL_NOT_FOUND, &out, &err, "'nobody'");
    refused("skill", skl_engine_resources(engine, "", 0, &out, &err), SKL_ERR_SKILL_NOT_FOUND, &out, &err, "skill");
    refused("skill", skl_engine_manifest(engine, TEXT("nobody"), &out, &err), SKL_ERR_SKILL_NOT_FOUND, &out, &err, "nobody");
    CHECK(skl_engine_resources(engine, TEXT("good"), &out, &err) == SKL_OK);
    CHECK_IS(skl_buffer_data(out), "0.path", "\"notes.txt\"");
    skl_buffer_free(out);
    CHECK(skl_engine_manifest(engine, TEXT("good"), &out, &err) == SKL_OK);
    CHECK_IS(skl_buffer_data(out), "name", "\"good\"");
    skl_buffer_free(out);
    CHECK(skl_engine_scan(engine, TEXT("good"), &out, &err) == SKL_OK);
    CHECK_IS(skl_buffer_data(out), "is_denied", "false");
    CHECK_IS(skl_buffer_data(out), "findings", "[]");
    skl_buffer_free(out);
    refused("scan", skl_engine_scan(engine, TEXT("nobody"), &out, &err), SKL_ERR_SKILL_NOT_FOUND, &out, &err, "nobody");
    CHECK(skl_engine_prompt(engine, NULL, 0, &out, &err) == SKL_OK);
    CHECK_THAT(strstr(skl_buffer_data(out), "**good**") != NULL, "%s", skl_buffer_data(out));
    skl_buffer_free(out);
    CHECK(skl_engine_prompt(engine, TEXT("{\"form\":\"xml\",\"max_tokens\":64}"), &out, &err) == SKL_OK);
    CHECK_THAT(strncmp(skl_buffer_data(out), "<available_skills>\n", 19) == 0 && skl_buffer_len(out) <= 256, "%s", skl_buffer_data(out));
    skl_buffer_free(out);
    refused("prompt", skl_engine_prompt(engine, TEXT("no"), &out, &err), SKL_ERR_INVALID_JSON, &out, &err, "prompt options");
    refused("prompt", skl_engine_prompt(engine, TEXT("{\"budget\":1}"), &out, &err), SKL_ERR_INVALID_CONFIG, &out, &err, "'budget'");
    refused("prompt", skl_engine_prompt(engine, TEXT("{\"skills\":[\"nobody\"]}"), &out, &err), SKL_ERR_SKILL_NOT_FOUND, &out, &err, "'nobody'");
    refused("prompt", skl_engine_prompt(engine, "\xff", 1, &out, &err), SKL_ERR_INVALID_UTF8, &out, &err, "'options'");
    CHECK(skl_engine_enable(engine, TEXT("good"), false, &err) == SKL_OK);
    CHECK(skl_engine_enable(engine, TEXT("nobody"), false, NULL) == SKL_ERR_SKILL_NOT_FOUND);
    CHECK(skl_engine_skills(engine, &out, &err) == SKL_OK && strstr(skl_buffer_data(out), "\"is_enabled\":false"));
    skl_buffer_free(out);
    CHECK(skl_engine_enable(engine, TEXT("good"), true, &err) == SKL_OK);
    CHECK(skl_engine_prepare(engine, TEXT("good"), &out, &err) == SKL_OK && strcmp(skl_buffer_data(out), "{\"environments\":[]}") == 0);
    skl_buffer_free(out);
    refused("prepare", skl_engine_prepare(engine, TEXT("nobody"), &out, &err), SKL_ERR_SKILL_NOT_FOUND, &out, &err, "'nobody'");
    CHECK(skl_engine_reload(engine, &out, &err) == SKL_OK);
    CHECK_THAT(host_count(skl_buffer_data(out), "changed") == 0, "%s", skl_buffer_data(out));
    skl_buffer_free(out);
    CHECK(skl_engine_read_resource(engine, TEXT("good"), TEXT("notes.txt"), 12, &out, &err) == SKL_OK);
    CHECK(skl_buffer_len(out) == 12 && strcmp(skl_buffer_data(out), "twelve bytes") == 0);
    skl_buffer_free(out);
    CHECK(skl_engine_read_resource(engine, TEXT("good"), TEXT("notes.txt"), UINT64_MAX, &out, NULL) == SKL_OK);
    skl_buffer_free(out);
#define READ(path, most) skl_engine_read_resource(engine, TEXT("good"), TEXT(path), most, &out, &err)
    refused("bound", READ("notes.txt", 11), SKL_ERR_RESOURCE_TOO_LARGE, &out, &err, "11");
    refused("bound", READ("notes.txt", 0), SKL_ERR_RESOURCE_TOO_LARGE, &out, &err, "notes.txt");
    refused("missing", READ("none.txt", 9), SKL_ERR_RESOURCE_NOT_FOUND, &out, &err, "none.txt");
    refused("escape", READ("../outside.sh", 99), SKL_ERR_PATH_ESCAPE, &out, &err, "outside.sh");
    refused("escape", READ("/etc/passwd", 99), SKL_ERR_PATH_ESCAPE, &out, &err, "passwd");
    put("bad/good/notes.txt", TEXT("other bytes!"));
    refused("changed", READ("notes.txt", 99), SKL_ERR_SKILL_CHANGED, &out, &err, "load");
    put("bad/good/notes.txt", TEXT("twelve bytes"));
    CHECK(skl_engine_remove(engine, TEXT("good"), &err) == SKL_OK);
    refused("removed", READ("notes.txt", 99), SKL_ERR_SKILL_NOT_FOUND, &out, &err, "good");
    CHECK(skl_engine_remove(engine, TEXT("good"), NULL) == SKL_ERR_SKILL_NOT_FOUND);
    CHECK(skl_engine_load(engine, TEXT(in_scratch("bad")), &out, NULL) == SKL_OK);
    skl_buffer_free(out);
    CHECK(skl_skill_validate(TEXT("/nonexistent"), &out, &err) == SKL_OK);
    CHECK_IS(skl_buffer_data(out), "0.severity", "\"error\"");
    skl_buffer_free(out);
}

static void refusing_calls(void) {
    static const struct { const char *tool, *args, *options; skl_status status; const char *needle; } rows[] = {
        { "nothing", "", "", SKL_ERR_TOOL_NOT_FOUND, "'nothing'" },
        { "", "", "", SKL_ERR_TOOL_NOT_FOUND, "tool" },
        { works, "{", "", SKL_ERR_INVALID_JSON, "arguments" },
        { works, "{\"a\":1,\"a\":1}", "", SKL_ERR_INVALID_ARGUMENTS, "twice" },
        { works, "[1]", "", SKL_ERR_INVALID_ARGUMENTS, "object" },
        { works, "{\"args\":7}", "", SKL_ERR_INVALID_ARGUMENTS, "args" },
        { works, "{\"unknown\":1}", "", SKL_ERR_INVALID_ARGUMENTS, "unknown" },
        { works, "{\"args\":[\"\\u0000\"]}", "", SKL_ERR_INVALID_ARGUMENTS, "NUL" },
        { "calculator", "{}", "", SKL_ERR_INVALID_ARGUMENTS, "operation" },
        { "calculator", "{\"operation\":\"power\",\"a\":1,\"b\":2}", "", SKL_ERR_INVALID_ARGUMENTS, "operation" },
        { "calculator", "{\"operation\":\"add\",\"a\":\"one\",\"b\":2}", "", SKL_ERR_INVALID_ARGUMENTS, "/a" },
        { works, "", "]", SKL_ERR_INVALID_JSON, "options" },
        { works, "", "{\"limit\":{}}", SKL_ERR_INVALID_CONFIG, "'limit'" },
        { works, "", "{\"limits\":{\"wall_ms\":60000}}", SKL_ERR_POLICY_WIDENED, "wall_ms" },
        { works, "", "{\"limits\":{\"wall_ms\":1e99}}", SKL_ERR_INVALID_CONFIG, "wall_ms" },
        { works, "", "{\"env\":{\"LD_PRELOAD\":\"x\"}}", SKL_ERR_INVALID_CONFIG, "LD_PRELOAD" },
        { works, "", "{\"env\":{\"FIXED\":\"other\"}}", SKL_ERR_POLICY_WIDENED, "FIXED" },
        { works, "", "{\"files\":{\"../x\":\"\"}}", SKL_ERR_INVALID_CONFIG, "relative" },
        { works, "", "{\"files\":{\"x\":{\"path\":\"/etc/hostname\"}}}", SKL_ERR_POLICY_WIDENED, "read_paths" },
        { works, "", "{\"call_id\":\"\"}", SKL_ERR_INVALID_CONFIG, "call_id" },
    };
    skl_call *call = (skl_call *)&engine;
    skl_buffer *out = NOWHERE;
    skl_error *err = NULL;
    pid_t pids[4];
    size_t row;
    char deep[4096];
    for (row = 0; row < sizeof rows / sizeof *rows; row++) {
        const char *tool = rows[row].tool, *args = rows[row].args, *options = rows[row].options;
        skl_status status = skl_engine_call(engine, TEXT(tool), TEXT(args), TEXT(options), &call, &err);
        refused(*options ? options : *args ? args : "tool", status, rows[row].status, &call, &err, rows[row].needle);
        status = skl_engine_execute(engine, TEXT(tool), TEXT(args), TEXT(options), &out, &err);
        refused("execute", status, rows[row].status, &out, &err, rows[row].needle);
        CHECK(skl_engine_call(engine, TEXT(tool), TEXT(args), TEXT(options), &call, NULL) == rows[row].status);
    }
    memset(deep, '[', sizeof deep);
    refused("depth", skl_engine_call(engine, TEXT(works), deep, sizeof deep, "", 0, &call, &err), SKL_ERR_INVALID_JSON, &call, &err, "recursion");
    refused("UTF-8", skl_engine_call(engine, "t\xff", 2, "", 0, "", 0, &call, &err), SKL_ERR_INVALID_UTF8, &call, &err, "'tool'");
    refused("UTF-8", skl_engine_call(engine, TEXT(works), "\xff", 1, "", 0, &call, &err), SKL_ERR_INVALID_UTF8, &call, &err, "'args'");
    refused("NUL", skl_engine_call(engine, TEXT(works), "", 0, "{}\0", 3, &call, &err), SKL_ERR_INVALID_UTF8, &call, &err, "'options'");
    /* A script that changed since it was loaded is not run. */
    put("bad/good/scripts/run.sh", TEXT("#!/bin/sh\necho changed\n"));
    refused("changed", skl_engine_call(engine, TEXT("good"), "", 0, "", 0, &call, &err), SKL_ERR_SKILL_CHANGED, &call, &err, "load");
    put("bad/good/scripts/run.sh", TEXT("#!/bin/sh\necho good\n"));
    /* All of that has started nothing. */
    CHECK(host_entries("/proc/self/task") == 1 || host_supervisors(pids, 4) == 1);
}

static void refusing_hosts(void) {
    skl_engine *other = NULL;
    skl_call *call = NULL;
    skl_error *err = NULL;
    char config[256];
    other = host_engine("{\"interpreters\":{\"python\":\"/nowhere/python3\"}}", folder);
    refused("interpreter", skl_engine_call(other, TEXT("behaviour__never-ends"), "", 0, "", 0, &call, &err), SKL_ERR_INTERPRETER_NOT_FOUND, &call, &err, "/nowhere/python3");
    skl_engine_free(other);
    other = host_engine("{\"search_path\":[\"/nowhere\"]}", folder);
    refused("interpreter", skl_engine_call(other, TEXT("behaviour__never-ends"), "", 0, "", 0, &call, &err), SKL_ERR_INTERPRETER_NOT_FOUND, &call, &err, "python");
    skl_engine_free(other);
    other = host_engine("{\"supervisor_path\":\"/nowhere/supervisor\"}", folder);
    refused("supervisor", skl_engine_call(other, TEXT(works), "", 0, "", 0, &call, &err), SKL_ERR_SUPERVISOR, &call, &err, "/nowhere/supervisor");
    skl_engine_free(other);
    snprintf(config, sizeof config, "{\"supervisor_path\":\"/bin/true\"}");
    other = host_engine(config, folder);
    refused("supervisor", skl_engine_call(other, TEXT(works), "", 0, "", 0, &call, &err), SKL_ERR_SUPERVISOR, &call, &err, "supervisor");
    skl_engine_free(other);
}

static void *wait_without_end(void *call) {
    skl_buffer *result = NULL;
    CHECK(skl_call_wait(call, -1, &result, NULL) == SKL_OK);
    CHECK_IS(skl_buffer_data(result), "status", "\"cancelled\"");
    return result;
}

static void calling(void) {
    static const char multiply[] = "{\"operation\":\"multiply\",\"a\":15,\"b\":27}";
    skl_call *call, *other;
    skl_buffer *out = NOWHERE, *again;
    skl_error *err = NULL;
    struct pollfd ended;
    pthread_t threads[3];
    int index;
    out = host_execute(engine, "calculator", multiply, "");
    CHECK_IS(skl_buffer_data(out), "output.result", "405");
    skl_buffer_free(out);

    /* Waited for in every way; the result is the same for all. */
    call = host_call(engine, works, "", "{\"call_id\":\"mine\",\"fresh\":true,\"files\":{\"in.txt\":{\"text\":\"x\"}}}");
    ended.fd = skl_call_fd(call);
    ended.events = POLLIN;
    CHECK(ended.fd >= 0 && skl_call_fd(call) == ended.fd && (fcntl(ended.fd, F_GETFD) & FD_CLOEXEC));
    CHECK(poll(&ended, 1, 30000) == 1);
    out = host_wait(call, 0);
    again = host_wait(call, -1);
    CHECK(out != again && strcmp(skl_buffer_data(out), skl_buffer_data(again)) == 0);
    CHECK_IS(skl_buffer_data(out), "call_id", "\"mine\"");
    CHECK_IS(skl_buffer_data(out), "skill", "\"behaviour\"");
    CHECK_IS(skl_buffer_data(out), "files", "[]");
    skl_buffer_free(out);
    skl_buffer_free(again);
    refused("file", skl_call_read_file(call, TEXT("none"), 9, &out, &err), SKL_ERR_RESOURCE_NOT_FOUND, &out, &err, "none");
    refused("file", skl_call_read_file(call, "n\xff", 2, 9, &out, &err), SKL_ERR_INVALID_UTF8, &out, &err, "'path'");
    refused("file", skl_call_read_file(call, "", 0, 9, &out, &err), SKL_ERR_PATH_ESCAPE, &out, &err, "relative");
    CHECK(skl_call_keep(call, NULL, 1, TEXT("/tmp"), NULL) == SKL_ERR_NULL_ARGUMENT);
    CHECK(skl_call_keep(call, TEXT("x"), NULL, 1, NULL) == SKL_ERR_NULL_ARGUMENT);
    CHECK(skl_call_keep(call, TEXT("x"), "n\xff", 2, NULL) == SKL_ERR_INVALID_UTF8);
    CHECK(skl_call_keep(call, TEXT("none"), TEXT("/tmp"), NULL) == SKL_ERR_RESOURCE_NOT_FOUND);
    CHECK(skl_call_keep(call, "", 0, TEXT("/no/such/folder"), &err) == SKL_ERR_IO);
    CHECK(strstr(skl_error_message(err), "/no/such/folder") != NULL);
    skl_error_free(err);
    CHECK(skl_call_keep(call, "", 0, TEXT("/tmp"), &err) == SKL_OK && err == NULL);
    CHECK(skl_call_wait(call, 0, NULL, &err) == SKL_ERR_NULL_ARGUMENT);
    skl_error_free(err);
    refused("read", skl_call_read(call, 1, 0, &out, &err), SKL_ERR_UNSUPPORTED, &out, &err, "\"stream\"");
    refused("read", skl_call_read(call, 3, 0, &out, &err), SKL_ERR_INVALID_CONFIG, &out, &err, "stream 3");
    CHECK(skl_call_output_fd(call) == -1);
    CHECK(skl_call_cancel(call) == SKL_OK && skl_call_cancel(call) == SKL_OK);
    skl_call_free(call);

    /* Followed while it runs, to the end of both streams. */
    call = host_call(engine, works, "", "{\"stream\":true}");
    ended.fd = skl_call_output_fd(call);
    CHECK(ended.fd >= 0 && (fcntl(ended.fd, F_GETFD) & FD_CLOEXEC));
    CHECK(poll(&ended, 1, 30000) == 1);
    CHECK(skl_call_read(call, 1, -1, &out, &err) == SKL_OK && out != NULL && skl_buffer_len(out) > 0);
    skl_buffer_free(out);
    CHECK(skl_call_read(call, 1, -1, &out, &err) == SKL_OK && out == NULL);
    CHECK(skl_call_read(call, 2, -1, &out, &err) == SKL_OK && out == NULL);
    skl_call_free(call);

    /* Not ended yet. */
    call = host_call(engine, "behaviour__never-ends", "", "");
    refused("wait", skl_call_wait(call, 0, &out, &err), SKL_ERR_WAIT_TIMEOUT, &out, &err, "never-ends");
    refused("wait", skl_call_wait(call, 30, &out, &err), SKL_ERR_WAIT_TIMEOUT, &out, &err, "has not finished");
    refused("file", skl_call_read_file(call, TEXT("x"), 9, &out, &err), SKL_ERR_WAIT_TIMEOUT, &out, &err, "has not finished");
    CHECK(skl_call_keep(call, "", 0, TEXT("/tmp"), NULL) == SKL_ERR_WAIT_TIMEOUT);
    /* Freed while threads wait for it, before they have begun or after: each gets the result. */
    for (index = 0; index < 3; index++) CHECK(pthread_create(&threads[index], NULL, wait_without_end, call) == 0);
    CHECK(skl_call_cancel(call) == SKL_OK);
    for (index = 0; index < 3; index++) {
        void *result = NULL;
        pthread_join(threads[index], &result);
        skl_buffer_free(result);
    }
    skl_call_free(call);
    /* Freed while it runs, by a host that does not look. */
    skl_call_free(host_call(engine, "behaviour__never-ends", "", ""));

    /* A program that cannot be executed is a result. */
    put("not-elf/SKILL.md", TEXT("---\nname: not-elf\ndescription: Is no program.\n---\n"));
    put("not-elf/scripts/run", TEXT("\x7f" "ELF\x02\x01\x01 but not really"));
    CHECK(skl_engine_load(engine, TEXT(in_scratch("not-elf")), &out, &err) == SKL_OK);
    skl_buffer_free(out);
    if (skl_engine_call(engine, TEXT("not-elf"), "", 0, "", 0, &other, &err) == SKL_OK) {
        out = host_wait(other, -1);
        CHECK_IS(skl_buffer_data(out), "status", "\"error\"");
        CHECK(host_number(skl_buffer_data(out), "error.code") == SKL_ERR_SPAWN);
        skl_buffer_free(out);
        skl_call_free(other);
    } else {
        CHECK_THAT(*skl_error_message(err), "no message");
        skl_error_free(err);
    }
}

static void handling(void) {
    static const char calls[] = "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"tool_calls\":["
                                "{\"id\":\"a\",\"function\":{\"name\":\"calculator\",\"arguments\":\"{\\\"operation\\\":\\\"add\\\",\\\"a\\\":1,\\\"b\\\":2}\"}},"
                                "{\"id\":\"b\",\"function\":{\"name\":\"no_such_tool\",\"arguments\":\"{}\"}},"
                                "{\"id\":\"c\",\"function\":{\"name\":\"calculator\",\"arguments\":\"{\"}}]}}]}";
    static const char none[] = "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"hi\"}}]}";
    skl_buffer *out = NOWHERE;
    skl_error *err = NULL;
    CHECK(skl_engine_handle(engine, TEXT("openai"), TEXT(calls), "", 0, &out, &err) == SKL_OK);
    CHECK(host_count(skl_buffer_data(out), "") == 3 || strstr(skl_buffer_data(out), "no_such_tool") != NULL);
    CHECK_IS(skl_buffer_data(out), "0.tool_call_id", "\"a\"");
    CHECK_IS(skl_buffer_data(out), "2.tool_call_id", "\"c\"");
    CHECK(strstr(host_at(skl_buffer_data(out), "0.content", NULL), "result\\\":3") != NULL);
    CHECK(strstr(host_at(skl_buffer_data(out), "1.content", NULL), "no_such_tool") != NULL);
    skl_buffer_free(out);
    CHECK(skl_engine_handle(engine, TEXT("openai"), TEXT(none), "", 0, &out, &err) == SKL_OK);
    CHECK(strcmp(skl_buffer_data(out), "[]") == 0);
    skl_buffer_free(out);
#define HANDLE(dialect, response, options) skl_engine_handle(engine, TEXT(dialect), TEXT(response), TEXT(options), &out, &err)
    refused("dialect", HANDLE("klingon", none, ""), SKL_ERR_UNKNOWN_DIALECT, &out, &err, "openai");
    refused("json", HANDLE("openai", "{", ""), SKL_ERR_INVALID_JSON, &out, &err, "response");
    refused("shape", HANDLE("openai", "{}", ""), SKL_ERR_INVALID_RESPONSE, &out, &err, "choices");
    refused("shape", HANDLE("openai", "7", ""), SKL_ERR_INVALID_RESPONSE, &out, &err, "OpenAI");
    refused("options", HANDLE("openai", calls, "{\"limits\":{\"pids\":9999}}"), SKL_ERR_POLICY_WIDENED, &out, &err, "pids");
}

/* The calls of a response as one call: waited for in every way, cancelled, freed while they run. */
static void responding(void) {
    static const char calls[] = "[{\"id\":\"a\",\"function\":{\"name\":\"behaviour__works\",\"arguments\":\"{}\"}},"
                                "{\"id\":\"b\",\"function\":{\"name\":\"behaviour__never-ends\",\"arguments\":\"{}\"}}]";
    struct pollfd ended = { .events = POLLIN };
    skl_call *call = (skl_call *)&engine;
    skl_buffer *out = NOWHERE, *again;
    skl_error *err = NULL;
    CHECK(skl_engine_respond(engine, TEXT("openai"), TEXT(calls), "", 0, &call, &err) == SKL_OK && err == NULL);
    ended.fd = skl_call_fd(call);
    CHECK(ended.fd >= 0 && poll(&ended, 1, 0) == 0);
    refused("running", skl_call_wait(call, 0, &out, &err), SKL_ERR_WAIT_TIMEOUT, &out, &err, "of the 2 calls");
    CHECK(skl_call_output_fd(call) == -1);
    refused("read", skl_call_read(call, 1, 0, &out, &err), SKL_ERR_UNSUPPORTED, &out, &err, "skl_engine_call()");
    refused("read_file", skl_call_read_file(call, TEXT("x"), 9, &out, &err), SKL_ERR_UNSUPPORTED, &out, &err, "skl_engine_call()");
    CHECK(skl_call_keep(call, TEXT("x"), TEXT("/tmp"), NULL) == SKL_ERR_UNSUPPORTED);
    CHECK(skl_call_cancel(call) == SKL_OK && skl_call_cancel(call) == SKL_OK);
    CHECK(poll(&ended, 1, 60000) == 1);
    out = host_wait(call, 0);
    CHECK_IS(skl_buffer_data(out), "0.tool_call_id", "\"a\"");
    CHECK(strstr(host_at(skl_buffer_data(out), "1.content", NULL), "cancelled") != NULL);
    again = host_wait(call, -1);
    CHECK(strcmp(skl_buffer_data(out), skl_buffer_data(again)) == 0);
    skl_buffer_free(out);
    skl_buffer_free(again);
    skl_call_free(call);
    CHECK(skl_engine_respond(engine, TEXT("openai"), TEXT(calls), "", 0, &call, &err) == SKL_OK);
    skl_call_free(call);
    CHECK(skl_engine_respond(engine, TEXT("openai"), TEXT("[]"), "", 0, &call, &err) == SKL_OK);
    out = host_wait(call, 0);
    CHECK(strcmp(skl_buffer_data(out), "[]") == 0);
    skl_buffer_free(out);
    skl_call_free(call);
    out = NOWHERE;
    call = (skl_call *)&engine;
    refused("stream", skl_engine_respond(engine, TEXT("openai"), TEXT("[]"), TEXT("{\"stream\":true}"), &call, &err), SKL_ERR_UNSUPPORTED, &call, &err, "stream");
}

/* A stream of each dialect, byte by byte; what it becomes is handled. */
static void streaming(void) {
#define CALCULATE "{\\\"operation\\\":\\\"add\\\",\\\"a\\\":1,\\\"b\\\":2}"
    static const struct { const char *dialect, *text, *at, *id; } rows[] = {
        { "openai", "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"i\",\"function\":{\"name\":\"calculator\","
          "\"arguments\":\"" CALCULATE "\"}}]},\"finish_reason\":\"tool_calls\"}]}\r\n\r\ndata: [DONE]\r\n\r\n", "0.tool_call_id", "\"i\"" },
        { "openai-responses", "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"type\":\"function_call\","
          "\"call_id\":\"i\",\"name\":\"calculator\",\"arguments\":\"" CALCULATE "\"}]}}\n\n", "0.call_id", "\"i\"" },
        { "anthropic", "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"calculator\"}}\n\n"
          "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"" CALCULATE "\"}}\n\n"
          "data: {\"type\":\"message_stop\"}\n\n", "0.content.0.tool_use_id", "\"i\"" },
        { "gemini", "[{\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"id\":\"i\",\"name\":\"calculator\",\"args\":"
          "{\"operation\":\"add\",\"a\":1,\"b\":2}}}]},\"finishReason\":\"STOP\"}]}]", "0.parts.0.functionResponse.id", "\"i\"" },
        { "mcp", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"calculator\",\"arguments\":"
          "{\"operation\":\"add\",\"a\":1,\"b\":2}}}\n", "0.structuredContent.status", "\"ok\"" },
    };
    skl_stream *stream = (skl_stream *)&engine;
    skl_buffer *out = NOWHERE, *messages = NOWHERE;
    skl_error *err = NULL;
    size_t row, byte;
    refused("dialect", skl_stream_new(TEXT("klingon"), &stream, &err), SKL_ERR_UNKNOWN_DIALECT, &stream, &err, "openai");
    for (row = 0; row < sizeof rows / sizeof *rows; row++) {
        CHECK(skl_stream_new(TEXT(rows[row].dialect), &stream, &err) == SKL_OK && err == NULL);
        refused(rows[row].dialect, skl_stream_response(stream, &out, &err), SKL_ERR_INVALID_RESPONSE, &out, &err, "not at its end");
        for (byte = 0; rows[row].text[byte]; byte++) CHECK(skl_stream_feed(stream, rows[row].text + byte, 1, &err) == SKL_OK);
        CHECK(skl_stream_feed(stream, NULL, 0, &err) == SKL_OK && skl_stream_is_complete(stream));
        CHECK(skl_stream_response(stream, &out, &err) == SKL_OK);
        CHECK(skl_engine_handle(engine, TEXT(rows[row].dialect), skl_buffer_data(out), skl_buffer_len(out), "", 0, &messages, &err) == SKL_OK);
        CHECK_IS(skl_buffer_data(messages), rows[row].at, rows[row].id);
        CHECK_THAT(strstr(skl_buffer_data(messages), "\"result") != NULL || strstr(skl_buffer_data(messages), "result\\\"") != NULL,
                   "%s: %s", rows[row].dialect, skl_buffer_data(messages));
        skl_buffer_free(messages);
        skl_buffer_free(out);
        CHECK(skl_stream_feed(stream, TEXT("{\"error\":\"quota\"}\n\ndata: no\n\n"), NULL) == SKL_ERR_INVALID_RESPONSE);
        CHECK(!skl_stream_is_complete(stream));
        refused("failed", skl_stream_response(stream, &out, &err), SKL_ERR_INVALID_RESPONSE, &out, &err, "");
        skl_stream_free(stream);
    }
}

/* A turn with approval, by poll(2), with a response in pieces, and everything that is refused in between. */
static void looping(void) {
    static const char config[] = "{\"dialect\":\"openai\",\"model\":\"m\",\"context\":false,\"tools\":[\"calculator\"],\"approval\":\"ask\"}";
    static const char calls[] = "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":["
                                "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"calculator\",\"arguments\":\"" CALCULATE "\"}},"
                                "{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"calculator\",\"arguments\":\"" CALCULATE "\"}}]},"
                                "\"finish_reason\":\"tool_calls\"}]}";
    static const char answer[] = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Three.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    static const struct { const char *text; skl_status status; const char *needle; } configs[] = {
        { "{", SKL_ERR_INVALID_JSON, "config" },
        { "", SKL_ERR_INVALID_CONFIG, "'dialect'" },
        { "{\"dialect\":\"klingon\"}", SKL_ERR_UNKNOWN_DIALECT, "klingon" },
        { "{\"dialect\":\"mcp\"}", SKL_ERR_UNKNOWN_DIALECT, "no model is asked" },
        { "{\"dialect\":\"openai\",\"limits\":{\"iterations\":0}}", SKL_ERR_INVALID_CONFIG, "between 1 and" },
        { "{\"dialect\":\"openai\",\"tools\":[\"none\"]}", SKL_ERR_TOOL_NOT_FOUND, "'none'" },
    };
    skl_agent *agent = (skl_agent *)&engine, *other = NULL;
    skl_engine *short_lived;
    skl_buffer *out = NOWHERE, *again = NULL;
    skl_error *err = NULL;
    struct pollfd ready;
    size_t row, byte;
    for (row = 0; row < sizeof configs / sizeof *configs; row++)
        refused(configs[row].text, skl_agent_new(engine, TEXT(configs[row].text), &agent, &err), configs[row].status, &agent, &err, configs[row].needle);
    CHECK(skl_has_feature(TEXT("agent")));
    CHECK(skl_agent_new(engine, TEXT(config), &agent, &err) == SKL_OK && err == NULL);
    ready.fd = skl_agent_fd(agent);
    ready.events = POLLIN;
    CHECK(ready.fd >= 0 && (fcntl(ready.fd, F_GETFD) & FD_CLOEXEC) && poll(&ready, 1, 0) == 0);
#define STEP(timeout, step) do { \
        CHECK(skl_agent_next(agent, timeout, &out, &err) == SKL_OK && err == NULL); \
        CHECK_IS(skl_buffer_data(out), "step", "\"" step "\""); \
    } while (0)
#define REFUSED(call, status, needle) refused(#call, call, status, &nothing, &err, needle)
    {
        const void *nothing = NULL;
        STEP(-1, "ask");
        skl_buffer_free(out);
        REFUSED(skl_agent_feed(agent, TEXT("{}"), true, &err), SKL_ERR_OUT_OF_TURN, "nothing was asked");
        REFUSED(skl_agent_ask(agent, NULL, 0, NULL, 0, &err), SKL_ERR_INVALID_CONFIG, "nothing is asked");
        REFUSED(skl_agent_ask(agent, "\xff", 1, NULL, 0, &err), SKL_ERR_INVALID_UTF8, "'words'");
        REFUSED(skl_agent_ask(agent, NULL, 0, TEXT("{"), &err), SKL_ERR_INVALID_JSON, "messages");
        REFUSED(skl_agent_ask(agent, NULL, 4, NULL, 0, &err), SKL_ERR_NULL_ARGUMENT, "'words'");
        CHECK(skl_agent_ask(agent, TEXT("1 + 2?"), TEXT("[{\"role\":\"user\",\"content\":\"Sums!\"}]"), &err) == SKL_OK);
        CHECK(poll(&ready, 1, 0) == 1);
        REFUSED(skl_agent_ask(agent, TEXT("x"), NULL, 0, &err), SKL_ERR_OUT_OF_TURN, "cancel it");
        STEP(0, "request");
        CHECK(poll(&ready, 1, 0) == 0);
        CHECK_IS(skl_buffer_data(out), "path", "\"/chat/completions\"");
        CHECK_IS(skl_buffer_data(out), "body.messages.0.content", "\"Sums!\"");
        CHECK_IS(skl_buffer_data(out), "body.tools.0.function.name", "\"calculator\"");
        CHECK(skl_agent_next(agent, 0, &again, NULL) == SKL_OK && strcmp(skl_buffer_data(out), skl_buffer_data(again)) == 0);
        skl_buffer_free(again);
        skl_buffer_free(out);
        REFUSED(skl_agent_feed(agent, NULL, 3, true, &err), SKL_ERR_NULL_ARGUMENT, "'data'");
        REFUSED(skl_agent_feed(agent, NULL, 0, true, &err), SKL_ERR_INVALID_RESPONSE, "empty");
        REFUSED(skl_agent_feed(agent, TEXT("<html>502</html>"), true, &err), SKL_ERR_INVALID_RESPONSE, "<html>");
        REFUSED(skl_agent_feed(agent, TEXT("{\"error\":{\"message\":\"quota\"}}"), true, &err), SKL_ERR_INVALID_RESPONSE, "quota");
        REFUSED(skl_agent_approve(agent, TEXT("a"), true, NULL, 0, &err), SKL_ERR_OUT_OF_TURN, "no call waits");
        for (byte = 0; calls[byte]; byte++) CHECK(skl_agent_feed(agent, calls + byte, 1, false, &err) == SKL_OK);
        CHECK(skl_agent_feed(agent, NULL, 0, true, &err) == SKL_OK && err == NULL);
        STEP(-1, "approval");
        CHECK(host_count(skl_buffer_data(out), "calls") == 2);
        CHECK_IS(skl_buffer_data(out), "calls.0.arguments.operation", "\"add\"");
        skl_buffer_free(out);
        REFUSED(skl_agent_approve(agent, TEXT("c"), true, NULL, 0, &err), SKL_ERR_OUT_OF_TURN, "a, b");
        REFUSED(skl_agent_approve(agent, "a", 1, true, "\xff", 1, &err), SKL_ERR_INVALID_UTF8, "'reason'");
        /* A turn that waits for a person is taken up by another agent. */
        CHECK(skl_agent_transcript(agent, &out, &err) == SKL_OK && host_count(skl_buffer_data(out), "") == 3);
        {
            char text[4096];
            snprintf(text, sizeof text, "{\"dialect\":\"openai\",\"approval\":\"ask\",\"messages\":%s}", skl_buffer_data(out));
            CHECK(skl_agent_new(engine, TEXT(text), &other, &err) == SKL_OK);
            CHECK(skl_agent_next(other, 0, &again, &err) == SKL_OK);
            CHECK_IS(skl_buffer_data(again), "step", "\"approval\"");
            skl_buffer_free(again);
            skl_agent_free(other);
        }
        skl_buffer_free(out);
        CHECK(skl_agent_approve(agent, TEXT("a"), true, NULL, 0, &err) == SKL_OK);
        CHECK(skl_agent_approve(agent, TEXT("b"), false, TEXT("not twice"), &err) == SKL_OK);
        for (;;) {
            CHECK(poll(&ready, 1, 30000) == 1);
            CHECK(skl_agent_next(agent, 0, &out, &err) == SKL_OK);
            if (strncmp(host_at(skl_buffer_data(out), "step", NULL), "\"running\"", 9) != 0) break;
            skl_buffer_free(out);
        }
        CHECK_IS(skl_buffer_data(out), "step", "\"request\"");
        CHECK(strstr(host_at(skl_buffer_data(out), "body.messages.3.content", NULL), "result\\\":3") != NULL);
        CHECK(strstr(host_at(skl_buffer_data(out), "body.messages.4.content", NULL), "not twice") != NULL);
        skl_buffer_free(out);
        for (byte = 0; answer[byte]; byte++) CHECK(skl_agent_feed(agent, answer + byte, 1, false, &err) == SKL_OK);
        CHECK(skl_agent_feed(agent, NULL, 0, true, &err) == SKL_OK);
        STEP(0, "answer");
        CHECK_IS(skl_buffer_data(out), "text", "\"Three.\"");
        skl_buffer_free(out);
        CHECK(skl_agent_events(agent, &out, &err) == SKL_OK && strstr(skl_buffer_data(out), "\"answer_delta\"") != NULL);
        skl_buffer_free(out);
        CHECK(skl_agent_events(agent, &out, &err) == SKL_OK && strcmp(skl_buffer_data(out), "[]") == 0);
        skl_buffer_free(out);
        CHECK(skl_agent_cancel(agent) == SKL_OK && skl_agent_cancel(agent) == SKL_OK);
        STEP(0, "answer");
        skl_buffer_free(out);
        CHECK(skl_agent_ask(agent, TEXT("And?"), NULL, 0, &err) == SKL_OK && skl_agent_cancel(agent) == SKL_OK);
        STEP(-1, "stopped");
        CHECK_IS(skl_buffer_data(out), "reason", "\"cancelled\"");
        skl_buffer_free(out);
        skl_agent_free(agent);
        /* The engine goes first; then it is closed under another. */
        short_lived = host_engine("", folder);
        CHECK(skl_agent_new(short_lived, TEXT("{\"dialect\":\"openai\"}"), &agent, &err) == SKL_OK);
        skl_engine_free(short_lived);
        CHECK(skl_agent_ask(agent, TEXT("Go."), NULL, 0, &err) == SKL_OK);
        STEP(0, "request");
        skl_buffer_free(out);
        skl_agent_free(agent);
        short_lived = host_engine("", folder);
        CHECK(skl_agent_new(short_lived, TEXT("{\"dialect\":\"openai\"}"), &agent, &err) == SKL_OK);
        CHECK(skl_engine_close(short_lived, NULL) == SKL_OK);
        REFUSED(skl_agent_ask(agent, TEXT("Go."), NULL, 0, &err), SKL_ERR_CLOSED, "closed");
        refused("agent", skl_agent_new(short_lived, TEXT(config), &other, &err), SKL_ERR_CLOSED, &other, &err, "closed");
        skl_agent_free(agent);
        skl_engine_free(short_lived);
    }
#undef REFUSED
#undef STEP
}

static void wrong_order(void) {
    skl_engine *other = host_engine("{\"max_running\":1,\"max_queued\":1,\"policy\":{\"min_tier\":\"landlock\"}}", folder);
    skl_call *running = host_call(other, "behaviour__never-ends", "", "{\"limits\":{\"wall_ms\":400}}");
    skl_call *waiting = host_call(other, works, "", ""), *third = NULL;
    skl_buffer *out = NOWHERE;
    skl_error *err = NULL;
    refused("queue", skl_engine_call(other, TEXT(works), "", 0, "", 0, &third, &err), SKL_ERR_QUEUE_FULL, &third, &err, "max_queued");
    /* The engine goes first; its calls go on and keep what they need. */
    skl_engine_free(other);
    out = host_wait(waiting, -1);
    CHECK_IS(skl_buffer_data(out), "output.works", "true");
    skl_call_free(waiting);
    CHECK_IS(skl_buffer_data(out), "output.works", "true");
    skl_buffer_free(out);
    out = host_wait(running, -1);
    CHECK_IS(skl_buffer_data(out), "status", "\"timeout\"");
    skl_buffer_free(out);
    skl_call_free(running);

    /* Closed: everything says so, except results. */
    other = host_engine("", folder);
    running = host_call(other, "behaviour__never-ends", "", "");
    waiting = host_call(other, works, "", "");
    out = host_wait(waiting, -1);
    skl_buffer_free(out);
    CHECK(skl_engine_close(other, &err) == SKL_OK && skl_engine_close(other, NULL) == SKL_OK);
    out = host_wait(running, 0);
    CHECK_IS(skl_buffer_data(out), "status", "\"cancelled\"");
    skl_buffer_free(out);
    out = host_wait(waiting, 0);
    CHECK_IS(skl_buffer_data(out), "status", "\"ok\"");
    skl_buffer_free(out);
    refused("skills", skl_engine_skills(other, &out, &err), SKL_ERR_CLOSED, &out, &err, "closed");
    refused("tools", skl_engine_tools(other, TEXT("openai"), &out, &err), SKL_ERR_CLOSED, &out, &err, "make a new one");
    refused("load", skl_engine_load(other, TEXT(folder), &out, &err), SKL_ERR_CLOSED, &out, &err, "closed");
    refused("call", skl_engine_call(other, TEXT(works), "", 0, "", 0, &third, &err), SKL_ERR_CLOSED, &third, &err, "closed");
    refused("handle", skl_engine_handle(other, TEXT("openai"), "{}", 2, "", 0, &out, &err), SKL_ERR_CLOSED, &out, &err, "closed");
    refused("respond", skl_engine_respond(other, TEXT("openai"), "{}", 2, "", 0, &third, &err), SKL_ERR_CLOSED, &third, &err, "closed");
    refused("prepare", skl_engine_prepare(other, TEXT("good"), &out, &err), SKL_ERR_CLOSED, &out, &err, "closed");
    refused("reload", skl_engine_reload(other, &out, &err), SKL_ERR_CLOSED, &out, &err, "closed");
    CHECK(skl_engine_remove(other, TEXT(behaviour), NULL) == SKL_ERR_CLOSED);
    CHECK(skl_engine_enable(other, TEXT(behaviour), true, NULL) == SKL_ERR_CLOSED);
    refused("manifest", skl_engine_manifest(other, TEXT(behaviour), &out, &err), SKL_ERR_CLOSED, &out, &err, "closed");
    refused("scan", skl_engine_scan(other, TEXT(behaviour), &out, &err), SKL_ERR_CLOSED, &out, &err, "closed");
    refused("prompt", skl_engine_prompt(other, "", 0, &out, &err), SKL_ERR_CLOSED, &out, &err, "closed");
    refused("instructions", skl_engine_instructions(other, TEXT(behaviour), &out, &err), SKL_ERR_CLOSED, &out, &err, "closed");
    refused("resources", skl_engine_resources(other, TEXT(behaviour), &out, &err), SKL_ERR_CLOSED, &out, &err, "closed");
    refused("resource", skl_engine_read_resource(other, TEXT(behaviour), TEXT("x"), 1, &out, &err), SKL_ERR_CLOSED, &out, &err, "closed");
    skl_engine_free(other);
    skl_call_free(waiting);
    skl_call_free(running);
}

int main(int count, char **arguments) {
    skl_buffer *report = NULL;
    REQUIRE(count == 4);
    folder = arguments[1];
    examples = arguments[2];
    scratch = arguments[3];
    engine = host_engine("{\"policy\":{\"min_tier\":\"landlock\",\"env\":{\"FIXED\":\"value\"}}}", folder);
    CHECK(skl_engine_load(engine, TEXT(examples), &report, NULL) == SKL_OK);
    skl_buffer_free(report);
    library();
    null_everywhere();
    configs();
    loading();
    reading();
    refusing_calls();
    refusing_hosts();
    calling();
    handling();
    responding();
    streaming();
    looping();
    wrong_order();
    CHECK(skl_engine_close(engine, NULL) == SKL_OK);
    skl_engine_free(engine);
    CHECK(host_settles_at(1));
    return host_end();
}
