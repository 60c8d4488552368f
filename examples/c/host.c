/*
 * A host of SkillLite in C99: loads a folder of skills, prints their tools, makes one call and prints its result.
 *
 *     ./host ../../skills
 *     ./host ../../skills calculator '{"operation": "multiply", "a": 15, "b": 27}'
 *
 * The tools are printed as an LLM's request wants them. A real host sends them with its request and gives the response to
 * skl_engine_handle(), which makes all calls that it asks for.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skilllite.h>

/* A string argument of the library is a pointer and a length. */
#define TEXT(string) (string), strlen(string)

/* Prints why `what` failed, frees the error and returns the exit status of this program. */
static int report(const char *what, skl_error *err)
{
    fprintf(stderr, "%s: %s: %s\n", what, skl_status_name(skl_error_status(err)), skl_error_message(err));
    skl_error_free(err);
    return EXIT_FAILURE;
}

/* Prints a document under a title and frees it. */
static void print(const char *title, skl_buffer *document)
{
    printf("%s\n", title);
    fwrite(skl_buffer_data(document), 1, skl_buffer_len(document), stdout);
    printf("\n\n");
    skl_buffer_free(document);
}

/* Starts a call, waits for its end and prints its result. */
static int make_call(skl_engine *engine, const char *tool, const char *arguments)
{
    /* A call may be narrower than the engine's policy, never wider. */
    static const char options[] = "{\"limits\": {\"wall_ms\": 10000}}";
    skl_call *call = NULL;
    skl_buffer *result = NULL;
    skl_error *err = NULL;

    /* Returns at once. It fails only when nothing was started: an unknown tool, arguments that do not fit its schema, ... */
    if (skl_engine_call(engine, TEXT(tool), TEXT(arguments), TEXT(options), &call, &err) != SKL_OK) {
        return report(tool, err);
    }
    /* The wait ends at the latest with wall_ms. A host with an event loop polls skl_call_fd() instead. */
    if (skl_call_wait(call, -1, &result, &err) != SKL_OK) {
        skl_call_free(call);
        return report(tool, err);
    }
    /* Whether the script succeeded is in the document: "status", "exit_code", "output". */
    print("Result:", result);
    /* Files that the script left could be read here, with skl_call_read_file(). They go with the call. */
    skl_call_free(call);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    /* Every key is optional; this is the default, written down: no network, and nothing runs below this tier. */
    static const char config[] = "{\"policy\": {\"min_tier\": \"namespaces\", \"network\": false}}";
    skl_engine *engine = NULL;
    skl_buffer *document = NULL;
    skl_error *err = NULL;
    int status = EXIT_SUCCESS;

    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: %s SKILLS [TOOL ARGUMENTS]\n", argv[0]);
        return 2;
    }
    if (skl_abi_version() < SKL_ABI_VERSION) {
        fprintf(stderr, "the library has ABI %" PRIu32 ", this program needs %d\n", skl_abi_version(), SKL_ABI_VERSION);
        return EXIT_FAILURE;
    }
    printf("SkillLite %s\n\n", skl_version());

    /* Starts no process and no thread yet: the first call does. */
    if (skl_engine_new(TEXT(config), &engine, &err) != SKL_OK) {
        return report("engine", err);
    }
    if (skl_engine_load(engine, TEXT(argv[1]), &document, &err) != SKL_OK) {
        skl_engine_free(engine);
        return report(argv[1], err);
    }
    print("Loaded, and what was skipped and why:", document);

    /* Outputs are set to NULL before anything else, so one variable serves again and again. */
    if (skl_engine_tools(engine, TEXT("openai"), &document, &err) != SKL_OK) {
        skl_engine_free(engine);
        return report("tools", err);
    }
    print("Tools, for a request's \"tools\":", document);

    if (argc == 4) {
        status = make_call(engine, argv[2], argv[3]);
    }
    skl_engine_free(engine);
    return status;
}
