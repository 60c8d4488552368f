/*
 * The same small program in every language, through one engine's interpreters.
 *     languages FOLDER LANGUAGE SCRIPT DETAIL [SEARCH-PATH]
 * DETAIL is what the script says of its interpreter: python its prefix, sh its name; "" for anything.
 */
#include "host.h"

int main(int count, char **arguments) {
    char config[4096], tool[128], expected[64];
    skl_engine *engine;
    skl_buffer *result;
    const char *document, *tier;
    size_t length = 0;
    REQUIRE(count == 5 || count == 6);
    snprintf(config, sizeof config, count == 6 ? "{\"search_path\":[\"%s\"],\"policy\":{\"min_tier\":\"landlock\"}}" : "{\"policy\":{\"min_tier\":\"landlock\"}}",
             arguments[count - 1]);
    snprintf(tool, sizeof tool, "languages__%s", arguments[3]);
    snprintf(expected, sizeof expected, "\"%s\"", arguments[2]);
    engine = host_engine(config, arguments[1]);
    result = host_execute(engine, tool, "{\"args\":[\"one\",\"two words\"]}", "");
    document = skl_buffer_data(result);
    REQUIRE(document != NULL);
    CHECK_IS(document, "status", "\"ok\"");
    CHECK_IS(document, "exit_code", "0");
    CHECK_IS(document, "output.language", expected);
    CHECK_IS(document, "output.arguments", "2");
    if (*arguments[4]) {
        snprintf(config, sizeof config, "\"%s\"", arguments[4]);
        CHECK_IS(document, strcmp(arguments[2], "python") == 0 ? "output.prefix" : "output.shell", config);
    }
    tier = host_at(document, "isolation.tier", &length);
    host_note("uid %d, tier %.*s", (int)geteuid(), tier ? (int)length - 2 : 0, tier ? tier + 1 : "");
    skl_buffer_free(result);
    skl_engine_free(engine);
    return host_end();
}
