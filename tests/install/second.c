/* A program that links two libraries in Rust, and has names of its own that libskilllite.a uses inside. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <skilllite.h>

uint64_t second_sum(uint32_t count);

/* Of tree-sitter, which an editor links itself. */
int ts_parser_new(void);
int ts_parser_new(void) { return 7; }

#define TEXT(string) (string), strlen(string)

int main(int argc, char **argv)
{
    static const char arguments[] = "{\"operation\": \"multiply\", \"a\": 15, \"b\": 27}";
    skl_engine *engine = NULL;
    skl_buffer *report = NULL, *result = NULL;
    if (argc != 2 || skl_engine_new(NULL, 0, &engine, NULL) != SKL_OK || skl_engine_load(engine, TEXT(argv[1]), &report, NULL) != SKL_OK) return 2;
    if (skl_engine_execute(engine, TEXT("calculator"), TEXT(arguments), NULL, 0, &result, NULL) != SKL_OK) return 3;
    printf("%" PRIu64 " %" PRIu64 " %d %s\n", second_sum(10), second_sum(2000), ts_parser_new(), skl_buffer_data(result));
    skl_buffer_free(result);
    skl_buffer_free(report);
    skl_engine_free(engine);
    return 0;
}
