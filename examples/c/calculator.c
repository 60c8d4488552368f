/*
 * One call in C99.
 *
 *     ./calculator ../../skills
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skilllite.h>

/* A string argument of the library is a pointer and a length. */
#define TEXT(string) (string), strlen(string)

int main(int argc, char **argv)
{
    skl_engine *engine = NULL;
    skl_buffer *report = NULL, *result = NULL;
    skl_error *err = NULL;

    if (skl_engine_new(NULL, 0, &engine, &err) == SKL_OK
        && skl_engine_load(engine, TEXT(argc > 1 ? argv[1] : "skills"), &report, &err) == SKL_OK
        && skl_engine_execute(engine, TEXT("calculator"), TEXT("{\"operation\": \"multiply\", \"a\": 15, \"b\": 27}"), NULL, 0, &result, &err) == SKL_OK)
        puts(skl_buffer_data(result));
    else
        fprintf(stderr, "%s: %s\n", skl_status_name(skl_error_status(err)), skl_error_message(err));
    int status = err == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
    skl_buffer_free(result);
    skl_buffer_free(report);
    skl_error_free(err);
    skl_engine_free(engine);
    return status;
}
