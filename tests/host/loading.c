/*
 * A host that loads the library by hand, as plug-ins do: twice, under two names, with local symbols, and lets go of it.
 * This program is not linked with it.
 *     loading FOLDER LIBRARY OTHER-NAME
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <skilllite.h>

static int failures;

static void check(int holds, const char *what) {
    if (!holds) {
        const char *reason = dlerror();
        fprintf(stderr, "loading.c: %s: %s\n", what, reason ? reason : "");
        failures++;
    }
}

/* POSIX says that this is how a pointer to data becomes one to a function. */
#define FIND(library, name) (*(void **)(&name) = dlsym((library), "skl_" #name), check(name != NULL, "skl_" #name))

static void runs(void *library, const char *folder) {
    skl_status (*engine_new)(const char *, size_t, skl_engine **, skl_error **);
    skl_status (*engine_load)(skl_engine *, const char *, size_t, skl_buffer **, skl_error **);
    skl_status (*engine_execute)(skl_engine *, const char *, size_t, const char *, size_t, const char *, size_t, skl_buffer **, skl_error **);
    void (*engine_free)(skl_engine *);
    void (*buffer_free)(skl_buffer *);
    const char *(*buffer_data)(const skl_buffer *);
    skl_engine *engine = NULL;
    skl_buffer *report = NULL, *result = NULL;
    FIND(library, engine_new);
    FIND(library, engine_load);
    FIND(library, engine_execute);
    FIND(library, engine_free);
    FIND(library, buffer_free);
    FIND(library, buffer_data);
    if (failures) return;
    check(engine_new("", 0, &engine, NULL) == SKL_OK, "engine_new");
    check(engine_load(engine, folder, strlen(folder), &report, NULL) == SKL_OK, "engine_load");
    check(engine_execute(engine, "behaviour__works", 16, "", 0, "", 0, &result, NULL) == SKL_OK, "engine_execute");
    check(result && strstr(buffer_data(result), "\"output\":{\"works\":true}"), "the result");
    buffer_free(result);
    buffer_free(report);
    engine_free(engine);
}

int main(int count, char **arguments) {
    int round;
    if (count != 4) return 1;
    for (round = 0; round < 2; round++) {
        void *first = dlopen(arguments[2], RTLD_NOW | RTLD_LOCAL), *second = dlopen(arguments[2], RTLD_LAZY | RTLD_LOCAL), *other;
        check(first && second && first == second, "dlopen");
        check(dlsym(RTLD_DEFAULT, "skl_version") == NULL, "local symbols are visible to all");
        if (failures) break;
        runs(first, arguments[1]);
        check(dlclose(first) == 0, "dlclose");
        runs(second, arguments[1]);
        /* A copy under another name is a library of its own. */
        other = dlopen(arguments[3], RTLD_NOW | RTLD_LOCAL);
        check(other && other != second, "dlopen of the copy");
        if (other) {
            runs(other, arguments[1]);
            runs(second, arguments[1]);
            check(dlclose(other) == 0, "dlclose of the copy");
        }
        check(dlclose(second) == 0, "dlclose");
    }
    printf("%s\n", failures ? "failed" : "loaded, used, closed and loaded again");
    return failures != 0;
}
