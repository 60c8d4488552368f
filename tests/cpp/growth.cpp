/*
 * Thousands of calls leave the program as it was: descriptors, threads, memory.
 *     growth FOLDER CALLS    a folder of skills with the tool `hello`
 */
#include <skilllite.hpp>

#include <chrono>
#include <cstdlib>
#include <deque>

#include "check.hpp"

namespace {

constexpr std::size_t at_once = 16;

void calls(skl::Engine &engine, int count) {
    std::deque<skl::Call> running;
    int good = 0;
    const auto finish = [&] {
        good += std::string_view(running.front().wait()).find("\"hello\\n\"") != std::string_view::npos;
        running.pop_front();
    };
    for (int started = 0; started < count; started++) {
        if (running.size() == at_once) finish();
        running.push_back(engine.start("hello"));
    }
    while (!running.empty()) finish();
    CHECK(good == count);
}

}  // namespace

int main(int count, char **arguments) {
    if (count != 3) return 2;
    const int wanted = std::atoi(arguments[2]), open = entries("/proc/self/fd");
    {
        skl::Engine engine(R"({"policy": {"min_tier": "landlock"}})");
        engine.load(arguments[1]);
        calls(engine, 200);
        const int descriptors = entries("/proc/self/fd"), threads = entries("/proc/self/task");
        const long memory = own_status("RssAnon:");
        const auto begin = std::chrono::steady_clock::now();
        calls(engine, wanted);
        const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
        const long more = own_status("RssAnon:") - memory;
        CHECK(entries("/proc/self/fd") <= descriptors);
        CHECK(entries("/proc/self/task") == threads);
        CHECK(more < 2048);
        std::printf("%d calls, %.2f ms each, %+ld KiB: ", wanted, took.count() / wanted, more);
    }
    CHECK(entries("/proc/self/fd") == open);
    return check_end();
}
