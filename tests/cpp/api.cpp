/*
 * Everything of skilllite.hpp, once each and where it fails. Run plain, with the sanitizers and under valgrind.
 *     api FOLDER    an empty folder, for skills
 */
#include <skilllite.hpp>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <future>
#include <thread>
#include <type_traits>
#include <vector>

#include "check.hpp"

/* Of second.cpp, which includes the header as well. */
std::string second_version();

namespace {

using namespace std::chrono_literals;

template <class Type>
constexpr bool moves_and_is_not_copied =
    !std::is_copy_constructible_v<Type> && !std::is_copy_assignable_v<Type> && std::is_nothrow_move_constructible_v<Type> &&
    std::is_nothrow_move_assignable_v<Type> && std::is_nothrow_destructible_v<Type> && sizeof(Type) == sizeof(void *);
static_assert(moves_and_is_not_copied<skl::Buffer> && moves_and_is_not_copied<skl::Call>);
static_assert(moves_and_is_not_copied<skl::Engine> && moves_and_is_not_copied<skl::Stream> && moves_and_is_not_copied<skl::Agent>);
static_assert(std::is_nothrow_copy_constructible_v<skl::Error> && std::is_base_of_v<std::exception, skl::Error>);
/* Text is no engine by accident. */
static_assert(!std::is_convertible_v<std::string_view, skl::Engine> && !std::is_convertible_v<skl_buffer *, skl::Buffer>);

/* The status with which an action fails; SKL_OK if it does not. */
template <class Action>
skl_status failure(Action action) {
    try {
        action();
    } catch (const skl::Error &error) {
        CHECK(error.what() && std::string_view(error.what()).size() > 5 && std::string_view(error.name()) == skl_status_name(error.status()));
        return error.status();
    }
    return SKL_OK;
}

#define CHECK_FAILS(expected, action) \
    check(failure([&] { static_cast<void>(action); }) == (expected), #action " is not " #expected, __LINE__)

std::string folder;

void put(const std::string &name, std::string_view text) {
    for (std::size_t slash = 0; (slash = name.find('/', slash)) != std::string::npos; slash++) mkdir((folder + "/" + name.substr(0, slash)).c_str(), 0755);
    std::ofstream(folder + "/" + name) << text;
}

void write_skills() {
    put("skills/hello/SKILL.md", "---\nname: hello\ndescription: Says hello.\n---\nSay it.\n");
    put("skills/hello/scripts/main.sh", "#!/bin/sh\necho hello\nprintf 'a\\000b' > made\n");
    put("skills/hello/data.txt", "twelve bytes");
    put("skills/stays/SKILL.md", "---\nname: stays\ndescription: Says that it is ready, and stays.\n---\n");
    put("skills/stays/scripts/main.sh", "#!/bin/sh\necho ready\necho warning >&2\nsleep 1000\n");
    put("skills/sleeps/SKILL.md", "---\nname: sleeps\ndescription: Does not end.\n---\n");
    put("skills/sleeps/scripts/main.sh", "#!/bin/sh\nsleep 1000\n");
}

constexpr std::string_view config = R"({"policy": {"min_tier": "landlock"}})";

void library() {
    CHECK(skl::version() == std::to_string(SKL_VERSION_MAJOR) + "." + std::to_string(SKL_VERSION_MINOR) + "." + std::to_string(SKL_VERSION_PATCH));
    CHECK(skl::version() == second_version());
    CHECK(skl::abi_version() >= SKL_ABI_VERSION);
    CHECK(!skl::has_feature("warp") && !skl::has_feature({}));
    CHECK(std::string_view(skl::status_name(SKL_ERR_CLOSED)) == "SKL_ERR_CLOSED");
    CHECK_HAS(skl::probe(), "\"tiers\"");
    CHECK_HAS(skl::validate(folder + "/nowhere"), "\"error\"");
    CHECK(std::string_view(skl::validate(folder + "/skills/hello")).find("\"error\"") == std::string_view::npos);
}

void errors() {
    try {
        skl::Engine(R"({"polcy": {}})");
        check(false, "it is accepted", __LINE__);
    } catch (const std::exception &caught) {
        const auto *error = dynamic_cast<const skl::Error *>(&caught);
        CHECK(error && error->status() == SKL_ERR_INVALID_CONFIG && std::string_view(error->name()) == "SKL_ERR_INVALID_CONFIG");
        CHECK_HAS(caught.what(), "'polcy'");
        const skl::Error copy = *error;
        CHECK(copy.status() == error->status() && std::string_view(copy.what()) == error->what());
    }
    CHECK_FAILS(SKL_ERR_INVALID_JSON, skl::Engine("{"));
    CHECK_FAILS(SKL_ERR_INVALID_UTF8, skl::Engine("\xff"));
    CHECK_FAILS(SKL_ERR_UNKNOWN_DIALECT, skl::Stream("klingon"));
    CHECK_FAILS(SKL_ERR_INVALID_UTF8, skl::validate(std::string_view("a\0b", 3)));
}

void buffers(skl::Engine &engine) {
    skl::Buffer buffer = engine.read_resource("hello", "data.txt");
    CHECK(buffer.view() == "twelve bytes" && buffer.size() == 12 && !buffer.empty() && buffer.str() == "twelve bytes");
    CHECK(buffer.data()[buffer.size()] == 0 && std::string(buffer.begin(), buffer.end()) == "twelve bytes");
    const skl_buffer *handle = buffer.get();
    skl::Buffer moved = std::move(buffer);
    CHECK(moved.get() == handle && buffer.get() == nullptr);
    CHECK(buffer.empty() && buffer.view().empty() && *buffer.data() == 0 && buffer.begin() == buffer.end());
    buffer = std::move(moved);
    CHECK(buffer.view() == "twelve bytes");
    skl_buffer *released = buffer.release();
    CHECK(released == handle && buffer.get() == nullptr);
    const skl::Buffer again(released);
    const std::string_view converted = again;
    CHECK(converted == "twelve bytes");
}

void skills(skl::Engine &engine) {
    CHECK_HAS(engine.load(folder + "/skills"), "\"sleeps\"");
    CHECK_FAILS(SKL_ERR_SKILL_DIRECTORY, engine.load(folder + "/nowhere"));
    CHECK_HAS(engine.reload(), "\"removed\":[]");
    CHECK_HAS(engine.prepare(), "\"environments\":[]");
    CHECK_HAS(engine.skills(), "Says hello.");
    CHECK_HAS(engine.tools(), "\"function\"");
    if (skl::has_feature("dialects")) CHECK_HAS(engine.tools("anthropic"), "input_schema");
    CHECK_FAILS(SKL_ERR_UNKNOWN_DIALECT, engine.tools("klingon"));
    CHECK(engine.instructions("hello").view() == "Say it.");
    CHECK(engine.prompt(R"({"form":"xml"})").view().find("<available_skills>") == 0);
    CHECK_FAILS(SKL_ERR_SKILL_NOT_FOUND, engine.instructions("nobody"));
    CHECK_HAS(engine.resources("hello"), "data.txt");
    CHECK_FAILS(SKL_ERR_RESOURCE_TOO_LARGE, engine.read_resource("hello", "data.txt", 11));
    CHECK_FAILS(SKL_ERR_PATH_ESCAPE, engine.read_resource("hello", "../x"));
    CHECK_HAS(engine.manifest("hello"), "\"provenance\"");
    CHECK_HAS(engine.scan("hello"), "\"is_denied\":false");
    engine.disable("hello");
    CHECK_FAILS(SKL_ERR_TOOL_NOT_FOUND, engine.execute("hello"));
    engine.enable("hello");
    engine.remove("hello");
    CHECK_FAILS(SKL_ERR_SKILL_NOT_FOUND, engine.remove("hello"));
    CHECK_FAILS(SKL_ERR_SKILL_NOT_FOUND, engine.enable("hello"));
    engine.load(folder + "/skills");
}

void calls(skl::Engine &engine) {
    CHECK_HAS(engine.execute("hello"), "\"hello\\n\"");
    CHECK_HAS(engine.execute("hello", "{}", R"({"call_id": "mine"})"), "\"mine\"");
    CHECK_FAILS(SKL_ERR_INVALID_JSON, engine.execute("hello", "{"));
    CHECK_FAILS(SKL_ERR_INVALID_CONFIG, engine.execute("hello", {}, R"({"limit": {}})"));
    CHECK_FAILS(SKL_ERR_TOOL_NOT_FOUND, engine.start("nothing"));
    CHECK_HAS(engine.plan("hello"), "exec");

    skl::Call call = engine.start("hello");
    pollfd ended{call.fd(), POLLIN, 0};
    CHECK(ended.fd >= 0 && poll(&ended, 1, 30000) == 1);
    const auto result = call.wait_for(0s);
    CHECK(result && result->view() == call.wait().view());
    const skl::Buffer made = call.read_file("made");
    CHECK(made.size() == 3 && made.view() == std::string_view("a\0b", 3));
    CHECK_FAILS(SKL_ERR_RESOURCE_TOO_LARGE, call.read_file("made", 2));
    CHECK_FAILS(SKL_ERR_RESOURCE_NOT_FOUND, call.read_file("none"));
    char kept[] = "/tmp/skl-kept-XXXXXX";
    CHECK(mkdtemp(kept) != nullptr);
    call.keep(kept);
    CHECK_FAILS(SKL_ERR_ALREADY_EXISTS, call.keep(kept, "made"));
    const std::string copy = std::string(kept) + "/made";
    CHECK(unlink(copy.c_str()) == 0 && rmdir(kept) == 0);
    call.cancel();

    call = engine.start("sleeps");
    CHECK(!call.wait_for(0ms) && !call.wait_for(-1h) && !call.wait_for(20.5ms) && !call.wait_for(1us));
    CHECK_FAILS(SKL_ERR_WAIT_TIMEOUT, call.read_file("made"));
    auto waiting = std::async(std::launch::async, [&call] { return call.wait(); });
    auto longest = std::async(std::launch::async, [&call] { return call.wait_for(std::chrono::hours::max()); });
    auto endless = std::async(std::launch::async, [&call] { return call.wait_for(std::chrono::duration<double>(1e300)); });
    call.cancel();
    CHECK_HAS(waiting.get(), "\"cancelled\"");
    CHECK(longest.get().has_value() && endless.get().has_value());

    skl_call *released = engine.start("sleeps").release();
    skl::Call taken(released);
    CHECK(taken.get() == released);
    skl::Call other = std::move(taken);
    CHECK(taken.get() == nullptr && taken.fd() == -1);
    CHECK_FAILS(SKL_ERR_NULL_ARGUMENT, taken.wait());
    CHECK_FAILS(SKL_ERR_NULL_ARGUMENT, taken.cancel());
    CHECK_FAILS(SKL_ERR_NULL_ARGUMENT, taken.wait_for(1s));
    /* Goes while it runs: nobody waits. */
    other = engine.start("hello");
    CHECK_HAS(other.wait(), "\"ok\"");
}

void output(skl::Engine &engine) {
    skl::Call call = engine.start("stays", {}, R"({"stream": true})");
    pollfd readable{call.output_fd(), POLLIN, 0};
    CHECK(readable.fd >= 0 && readable.fd != call.fd() && poll(&readable, 1, 30000) == 1);
    std::string read;
    while (read.find('\n') == std::string::npos) read += call.read().value();
    CHECK(read == "ready\n");
    CHECK(call.read_for(30s, skl::Output::error).value().view() == "warning\n");
    const auto nothing = call.read_for(0s);
    CHECK(nothing && nothing->empty());
    CHECK(!call.wait_for(0s));
    call.cancel();
    CHECK(!call.read() && !call.read(skl::Output::error) && !call.read_for(1s));
    CHECK_HAS(call.wait(), "\"ready\\n\"");
    call = engine.start("hello");
    CHECK(call.output_fd() == -1);
    CHECK_FAILS(SKL_ERR_UNSUPPORTED, call.read());
}

/* A model that asks for the tool `hello`, and one that answers. */
constexpr std::string_view asks = R"({"choices": [{"message": {"tool_calls": [{"id": "1", "function": {"name": "hello", "arguments": "{}"}}]}}]})";
constexpr std::string_view answers = R"({"choices": [{"message": {"role": "assistant", "content": "Done."}, "finish_reason": "stop"}]})";

void responses(skl::Engine &engine) {
    CHECK_HAS(engine.handle("openai", asks), "\"tool_call_id\":\"1\"");
    CHECK_HAS(engine.handle("openai", asks, R"({"limits": {"wall_ms": 9000}})"), "hello");
    CHECK_FAILS(SKL_ERR_INVALID_RESPONSE, engine.handle("openai", "{}"));
    auto round = engine.respond("openai", asks);
    CHECK(round.fd() >= 0 && round.output_fd() == -1);
    const auto messages = round.wait();
    CHECK_HAS(messages, "\"tool_call_id\":\"1\"");
    CHECK(round.wait().view() == messages.view());
    CHECK_FAILS(SKL_ERR_UNSUPPORTED, round.read());
    CHECK_FAILS(SKL_ERR_UNSUPPORTED, engine.respond("openai", asks, R"({"stream": true})"));
    if (!skl::has_feature("dialects")) return;
    skl::Stream stream;
    CHECK(!stream.is_complete());
    CHECK_FAILS(SKL_ERR_INVALID_RESPONSE, stream.response());
    stream.feed("data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"1\",\"function\":{\"name\":\"hello\",\"arg");
    stream.feed("");
    stream.feed("uments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n");
    CHECK(stream.is_complete());
    CHECK_HAS(engine.handle("openai", stream.response()), "hello");
    skl::Stream moved = std::move(stream);
    CHECK(moved.is_complete() && stream.get() == nullptr && !stream.is_complete());
    CHECK_FAILS(SKL_ERR_NULL_ARGUMENT, stream.feed("x"));
    stream = skl::Stream(moved.release());
    CHECK(stream.is_complete() && moved.get() == nullptr);
    CHECK_FAILS(SKL_ERR_INVALID_RESPONSE, stream.feed("data: no json\n\n"));
}

void agents(skl::Engine &engine) {
    if (!skl::has_feature("agent")) return;
    CHECK_FAILS(SKL_ERR_INVALID_CONFIG, skl::Agent(engine, R"({"dialect": "openai", "modle": "m"})"));
    CHECK_FAILS(SKL_ERR_UNKNOWN_DIALECT, skl::Agent(engine, R"({"dialect": "klingon"})"));
    skl::Agent agent(engine, R"({"dialect": "openai", "model": "m", "approval": "ask"})");
    CHECK(agent.fd() >= 0);
    CHECK_HAS(agent.next(), "\"ask\"");
    agent.ask("Say hello.");
    CHECK_FAILS(SKL_ERR_OUT_OF_TURN, agent.ask("Now!"));
    CHECK_HAS(agent.next(), "\"request\"");
    CHECK_FAILS(SKL_ERR_INVALID_RESPONSE, agent.feed("{"));
    agent.feed(asks.substr(0, 20), false);
    agent.feed(asks.substr(20));
    CHECK_HAS(agent.next(), "\"approval\"");
    CHECK_FAILS(SKL_ERR_OUT_OF_TURN, agent.approve("2"));
    agent.approve("1");
    CHECK_HAS(agent.next_for(30s), "hello\\\\n");
    std::string again(asks);
    agent.feed(again.replace(again.find("\"1\""), 3, "\"2\""));
    CHECK_HAS(agent.next(), "\"approval\"");
    agent.deny("2", "not now");
    CHECK_HAS(agent.next_for(0s), "not now");
    agent.feed(answers);
    CHECK_HAS(agent.next(), "\"Done.\"");
    CHECK_HAS(agent.events(), "\"call_finished\"");
    CHECK_HAS(agent.transcript(), "Say hello.");
    agent.ask("", R"([{"role": "user", "content": "Again."}])");
    agent.cancel();
    CHECK_HAS(agent.next(), "\"cancelled\"");
    skl::Agent moved = std::move(agent);
    CHECK(agent.get() == nullptr && agent.fd() == -1 && moved.get() != nullptr);
    CHECK_FAILS(SKL_ERR_NULL_ARGUMENT, agent.next());
    CHECK_FAILS(SKL_ERR_NULL_ARGUMENT, agent.cancel());
    agent = skl::Agent(moved.release());
    CHECK_HAS(agent.transcript(), "Again.");
}

void lives() {
    skl::Engine engine(config);
    engine.load(folder + "/skills");
    skl::Engine other = std::move(engine);
    CHECK_FAILS(SKL_ERR_NULL_ARGUMENT, engine.skills());
    CHECK_FAILS(SKL_ERR_NULL_ARGUMENT, engine.close());
    engine = skl::Engine(other.release());
    CHECK(other.get() == nullptr && engine.get() != nullptr);
    skl::Call ended = engine.start("hello"), running = engine.start("sleeps");
    ended.wait();
    engine.close();
    engine.close();
    CHECK_FAILS(SKL_ERR_CLOSED, engine.skills());
    CHECK_HAS(running.wait(), "\"cancelled\"");
    CHECK_HAS(ended.wait(), "\"hello\\n\"");
    /* Calls outlive their engine. */
    std::vector<skl::Call> kept;
    {
        skl::Engine brief(config);
        brief.load(folder + "/skills");
        for (int count = 0; count < 4; count++) kept.push_back(brief.start("hello"));
    }
    for (skl::Call &call : kept) CHECK_HAS(call.wait(), "\"hello\\n\"");
    /* An exception on the way out frees what there is. */
    CHECK_FAILS(SKL_ERR_TOOL_NOT_FOUND, [] {
        skl::Engine unwound(config);
        unwound.load(folder + "/skills");
        const skl::Call call = unwound.start("sleeps");
        return unwound.execute("nothing");
    }());
}

}  // namespace

int main(int count, char **arguments) {
    if (count != 2) return 2;
    folder = arguments[1];
    write_skills();
    const int open = entries("/proc/self/fd");
    {
        library();
        errors();
        skl::Engine engine(config);
        skills(engine);
        buffers(engine);
        calls(engine);
        output(engine);
        responses(engine);
        agents(engine);
        lives();
    }
    check(entries("/proc/self/fd") == open, "descriptors are left open", __LINE__);
    return check_end();
}
