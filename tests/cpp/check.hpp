/* Checks that count, as in tests/host; a program ends with `return check_end();`. */
#ifndef CHECK_HPP
#define CHECK_HPP

#include <dirent.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

inline int checks = 0, failures = 0;

inline bool check(bool holds, const char *what, int line, std::string_view detail = {}) {
    checks++;
    if (!holds) {
        failures++;
        std::fprintf(stderr, "line %d: %s%s%.*s\n", line, what, detail.empty() ? "" : ": ", static_cast<int>(detail.size() < 900 ? detail.size() : 900), detail.data());
    }
    return holds;
}

#define CHECK(condition) check((condition), #condition, __LINE__)
inline bool check_has(std::string_view document, std::string_view part, const char *what, int line) {
    return check(document.find(part) != std::string_view::npos, what, line, document);
}
/* The document holds this text. */
#define CHECK_HAS(document, part) check_has((document), (part), "no " part, __LINE__)

inline int check_end() {
    std::printf("%d checks, %d failed\n", checks, failures);
    return failures > 0 || checks == 0;
}

inline int entries(const char *directory) {
    DIR *folder = opendir(directory);
    int count = -2; /* the two dots */
    while (folder && readdir(folder)) count++;
    if (folder) closedir(folder);
    return count;
}

/* A number of /proc/self/status, such as "RssAnon:" in KiB. */
inline long own_status(const std::string &key) {
    std::ifstream file("/proc/self/status");
    for (std::string word; file >> word;) {
        long number = 0;
        if (word == key && file >> number) return number;
    }
    return -1;
}

#endif
