/*
 * SkillLite for C++17: skilllite.h in the language's idiom, and nothing beside it.
 *
 *     skl::Engine engine;
 *     engine.load("skills");
 *     std::cout << engine.execute("calculator", R"({"operation": "multiply", "a": 15, "b": 27})").view();
 *
 * What holds for all of it:
 *   - An object owns one handle and frees it at its end. Objects move without throwing and are not copied. One that was
 *     moved from may be assigned to or destroyed; any other use throws an Error with SKL_ERR_NULL_ARGUMENT.
 *   - A function that fails throws skl::Error. A script that fails is no failure: its exit code is in the result.
 *   - Strings come in as std::string_view and are borrowed for the call. Documents are JSON text, in and out: a host
 *     parses them with what it has. What comes out is a Buffer; its view() lives as long as the Buffer.
 *   - Threads are as in skilllite.h: every function may be called from any thread, also on the same object, but an
 *     object is not moved, assigned to or destroyed while another thread is inside it.
 *
 * Needs the standard library and libskilllite alone, and exceptions; hosts without exceptions use skilllite.h.
 */
#ifndef SKILLLITE_HPP
#define SKILLLITE_HPP

#if __cplusplus < 201703L
#error "skilllite.hpp needs C++17; skilllite.h needs C++11"
#endif
#if !defined(__cpp_exceptions)
#error "skilllite.hpp reports failures by exceptions, which are switched off here; use skilllite.h"
#endif

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "skilllite.h"

namespace skl {

/** The name of a status, such as "SKL_ERR_CLOSED"; "unknown status" for a number that the library does not have. */
inline const char *status_name(skl_status status) noexcept { return skl_status_name(static_cast<std::int32_t>(status)); }

/** Why a function failed: a status for programs, and in what() one line for a person. */
class Error : public std::runtime_error {
public:
    Error(skl_status status, const std::string &message) : std::runtime_error(message), status_(status) {}

    skl_status status() const noexcept { return status_; }
    const char *name() const noexcept { return status_name(status_); }

private:
    skl_status status_;
};

/** Bytes that the library gave: a document, a text or the content of a file. */
class Buffer {
public:
    /** Takes over a handle of the C API. */
    explicit Buffer(skl_buffer *handle) noexcept : handle_(handle) {}

    std::string_view view() const noexcept { return {data(), size()}; }
    operator std::string_view() const noexcept { return view(); }
    std::string str() const { return std::string(view()); }
    /** Followed by a NUL byte that size() does not count; "" after a move. */
    const char *data() const noexcept { return handle_ ? skl_buffer_data(handle_.get()) : ""; }
    std::size_t size() const noexcept { return skl_buffer_len(handle_.get()); }
    bool empty() const noexcept { return size() == 0; }
    const char *begin() const noexcept { return data(); }
    const char *end() const noexcept { return data() + size(); }

    const skl_buffer *get() const noexcept { return handle_.get(); }
    /** Gives the handle up; the caller frees it. */
    skl_buffer *release() noexcept { return handle_.release(); }

private:
    struct Free {
        void operator()(skl_buffer *handle) const noexcept { skl_buffer_free(handle); }
    };
    std::unique_ptr<skl_buffer, Free> handle_;
};

namespace detail {

/** Frees the error of a failure and throws what it says. */
inline void check(skl_status status, skl_error *error) {
    if (status == SKL_OK) return;
    struct Free {
        void operator()(skl_error *handle) const noexcept { skl_error_free(handle); }
    };
    const std::unique_ptr<skl_error, Free> owned(error);
    throw Error(owned ? skl_error_status(owned.get()) : status, owned ? skl_error_message(owned.get()) : status_name(status));
}

/** Calls a function without an output. */
template <class Function, class... Inputs>
void run(Function function, Inputs... inputs) {
    skl_error *error = nullptr;
    const skl_status status = function(inputs..., &error);
    check(status, error);
}

/** Calls a function whose output is a handle. */
template <class Handle, class Function, class... Inputs>
Handle *make(Function function, Inputs... inputs) {
    Handle *handle = nullptr;
    skl_error *error = nullptr;
    const skl_status status = function(inputs..., &handle, &error);
    check(status, error);
    return handle;
}

template <class Function, class... Inputs>
Buffer document(Function function, Inputs... inputs) {
    return Buffer(make<skl_buffer>(function, inputs...));
}

/** A program that was compiled with a newer header than the library it finds says so, and does not guess. */
inline void check_abi() {
    if (skl_abi_version() < SKL_ABI_VERSION) {
        throw Error(SKL_ERR_UNSUPPORTED, "the library has ABI " + std::to_string(skl_abi_version()) + ", this program needs " +
                                             std::to_string(SKL_ABI_VERSION) + ": use a newer libskilllite");
    }
}

/** A span as the milliseconds that the library takes: rounded up, at least 0, never the "without end" of -1. */
template <class Rep, class Period>
std::int64_t milliseconds(std::chrono::duration<Rep, Period> span) {
    using Milliseconds = std::chrono::duration<std::int64_t, std::milli>;
    using Real = std::chrono::duration<long double, std::milli>;
    if (!(span > span.zero())) return 0;
    // About 285 million years; compared as a real number, because the conversion of more would overflow.
    constexpr auto most = Milliseconds(std::numeric_limits<std::int64_t>::max() / 1024);
    return Real(span) >= Real(most) ? most.count() : std::chrono::ceil<Milliseconds>(span).count();
}

}  // namespace detail

/** The version of the loaded library, "major.minor.patch"; SKL_VERSION_* are those of the header. */
inline std::string_view version() noexcept { return skl_version(); }
/** The ABI version of the loaded library. An Engine and a Stream compare it with SKL_ABI_VERSION themselves. */
inline std::uint32_t abi_version() noexcept { return skl_abi_version(); }
/** Whether the loaded library has an optional feature, such as "inference". */
inline bool has_feature(std::string_view name) noexcept { return skl_has_feature(name.data(), name.size()); }
/** Finds out by trying what isolation this host can give: a JSON report. */
inline Buffer probe() { return detail::document(skl_probe); }
/** Judges the skill in a folder by the specification to the letter: a JSON array of findings. */
inline Buffer validate(std::string_view dir) { return detail::document(skl_skill_validate, dir.data(), dir.size()); }

/** The streams of a script. */
enum class Output : std::uint32_t { standard = 1, error = 2 };

/** A started call of a tool. At its end the call is cancelled if it still runs, and its work folder thrown away. */
class Call {
public:
    /** Takes over a handle of the C API. */
    explicit Call(skl_call *handle) noexcept : handle_(handle) {}

    /** Waits for the end and gives the result, a JSON document. May be repeated. */
    Buffer wait() { return detail::document(skl_call_wait, handle_.get(), std::int64_t{-1}); }

    /** Waits for a span; nothing if it ended before the call did, which then goes on. Zero looks and returns at once. */
    template <class Rep, class Period>
    std::optional<Buffer> wait_for(std::chrono::duration<Rep, Period> span) {
        skl_buffer *result = nullptr;
        skl_error *error = nullptr;
        const skl_status status = skl_call_wait(handle_.get(), detail::milliseconds(span), &result, &error);
        if (status == SKL_ERR_WAIT_TIMEOUT) {
            skl_error_free(error);
            return std::nullopt;
        }
        detail::check(status, error);
        return Buffer(result);
    }

    /** Ends the call; its result then says "cancelled", unless the script had ended before. May be repeated. */
    void cancel() { detail::check(skl_call_cancel(handle_.get()), nullptr); }

    /**
     * The next piece of what the script writes, of a call that was started with the option "stream"; nothing at the end
     * of the stream. While 1 MiB is unread the script waits for its reader.
     */
    std::optional<Buffer> read(Output stream = Output::standard) { return piece(stream, -1); }

    /** The same, waiting for a span at most; an empty Buffer if nothing came in time. */
    template <class Rep, class Period>
    std::optional<Buffer> read_for(std::chrono::duration<Rep, Period> span, Output stream = Output::standard) {
        return piece(stream, detail::milliseconds(span));
    }

    /** A descriptor that is readable while there is output to read, and at its end. It is the call's: do not close it. */
    int output_fd() const noexcept { return skl_call_output_fd(handle_.get()); }

    /** A descriptor that becomes readable when the call has ended. It is the call's: do not close it. */
    int fd() const noexcept { return skl_call_fd(handle_.get()); }

    /** The content of one of the result's "files"; a file larger than `max_bytes` is an error, never cut. */
    Buffer read_file(std::string_view path, std::uint64_t max_bytes = 64 * 1024 * 1024) const {
        return detail::document(skl_call_read_file, handle_.get(), path.data(), path.size(), max_bytes);
    }

    /** Copies one of the result's "files", or all of them, below a folder of the host's that is there. Nothing is replaced, no link below it
     *  is followed, and on failure nothing is left. */
    void keep(std::string_view dest, std::string_view path = {}) const {
        detail::run(skl_call_keep, handle_.get(), path.data(), path.size(), dest.data(), dest.size());
    }

    skl_call *get() const noexcept { return handle_.get(); }
    /** Gives the handle up; the caller frees it. */
    skl_call *release() noexcept { return handle_.release(); }

private:
    std::optional<Buffer> piece(Output stream, std::int64_t timeout_ms) {
        skl_buffer *chunk = detail::make<skl_buffer>(skl_call_read, handle_.get(), static_cast<std::uint32_t>(stream), timeout_ms);
        return chunk ? std::optional<Buffer>(Buffer(chunk)) : std::nullopt;
    }

    struct Free {
        void operator()(skl_call *handle) const noexcept { skl_call_free(handle); }
    };
    std::unique_ptr<skl_call, Free> handle_;
};

/**
 * The skills that are loaded, the policy that their calls obey, the processes that run them. Calls may outlive it; to
 * end them with it, close() it first.
 */
class Engine {
public:
    /** `config` is a JSON document (docs/api-conventions.md#config); empty means the safe defaults. */
    explicit Engine(std::string_view config = {})
        : handle_((detail::check_abi(), detail::make<skl_engine>(skl_engine_new, config.data(), config.size()))) {}
    /** Takes over a handle of the C API. */
    explicit Engine(skl_engine *handle) noexcept : handle_(handle) {}

    /** Ends the calls in flight and makes every later function but close() throw SKL_ERR_CLOSED. May be repeated. */
    void close() { detail::run(skl_engine_close, handle_.get()); }

    /** Adds the skills of a folder: it is a skill, or holds skills. A JSON report of what was loaded and skipped. */
    Buffer load(std::string_view dir) { return detail::document(skl_engine_load, handle_.get(), dir.data(), dir.size()); }
    /** Reads every folder that was loaded anew: load()'s report with "added", "changed" and "removed". */
    Buffer reload() { return detail::document(skl_engine_reload, handle_.get()); }
    /** Takes a skill and its tools out, until its folder is loaded again. */
    void remove(std::string_view skill) { detail::run(skl_engine_remove, handle_.get(), skill.data(), skill.size()); }
    /** Gives the tools of a skill out and lets them be called, or no longer. */
    void enable(std::string_view skill, bool is_enabled = true) { detail::run(skl_engine_enable, handle_.get(), skill.data(), skill.size(), is_enabled); }
    /** Installs what the scripts of a skill, or of every enabled one, declare to need, and waits for that. A JSON report
     * (docs/dependencies.md). */
    Buffer prepare(std::string_view skill = {}) { return detail::document(skl_engine_prepare, handle_.get(), skill.data(), skill.size()); }
    /** The opposite of enable(). */
    void disable(std::string_view skill) { enable(skill, false); }

    /** The catalogue: a JSON array with one object for each skill. */
    Buffer skills() const { return detail::document(skl_engine_skills, handle_.get()); }
    /** What a system prompt says of the skills, by an options document (docs/disclosure.md); empty without a skill. */
    Buffer prompt(std::string_view options = {}) const { return detail::document(skl_engine_prompt, handle_.get(), options.data(), options.size()); }
    /** The text of the skill's SKILL.md without the front matter. */
    Buffer instructions(std::string_view skill) const { return detail::document(skl_engine_instructions, handle_.get(), skill.data(), skill.size()); }
    /** The files of a skill other than SKILL.md: a JSON array. */
    Buffer resources(std::string_view skill) const { return detail::document(skl_engine_resources, handle_.get(), skill.data(), skill.size()); }
    /** The content of one of resources(); a file larger than `max_bytes` is an error, never cut. */
    Buffer read_resource(std::string_view skill, std::string_view path, std::uint64_t max_bytes = 1024 * 1024) const {
        return detail::document(skl_engine_read_resource, handle_.get(), skill.data(), skill.size(), path.data(), path.size(), max_bytes);
    }
    /** What a skill declares, its files with their digests, its tools with their schemas: a JSON object. */
    Buffer manifest(std::string_view skill) const { return detail::document(skl_engine_manifest, handle_.get(), skill.data(), skill.size()); }
    /** What the sources of a skill look like they might do: a JSON object (docs/scan.md). Advice, and never isolation. */
    Buffer scan(std::string_view skill) const { return detail::document(skl_engine_scan, handle_.get(), skill.data(), skill.size()); }

    /** The tools of all skills, a JSON array for a request's "tools" as it is. Dialects are those of docs/dialects.md. */
    Buffer tools(std::string_view dialect = "openai") const { return detail::document(skl_engine_tools, handle_.get(), dialect.data(), dialect.size()); }

    /** Runs a tool and waits for its result, a JSON document. `arguments` and `options` are JSON documents, or empty. */
    Buffer execute(std::string_view tool, std::string_view arguments = {}, std::string_view options = {}) {
        return detail::document(skl_engine_execute, handle_.get(), tool.data(), tool.size(), arguments.data(), arguments.size(), options.data(), options.size());
    }
    /** Starts a tool and returns at once. It throws only when nothing was started. */
    Call start(std::string_view tool, std::string_view arguments = {}, std::string_view options = {}) {
        return Call(detail::make<skl_call>(skl_engine_call, handle_.get(), tool.data(), tool.size(), arguments.data(), arguments.size(), options.data(), options.size()));
    }
    /** What execute() would do, as a numbered list for a person. Nothing of the skill is run. */
    Buffer plan(std::string_view tool, std::string_view arguments = {}, std::string_view options = {}) {
        return detail::document(skl_engine_plan, handle_.get(), tool.data(), tool.size(), arguments.data(), arguments.size(), options.data(), options.size());
    }
    /** Runs every tool call that an LLM's response asks for, in parallel: a JSON array of the messages to append. */
    Buffer handle(std::string_view dialect, std::string_view response, std::string_view options = {}) {
        return detail::document(skl_engine_handle, handle_.get(), dialect.data(), dialect.size(), response.data(), response.size(), options.data(), options.size());
    }
    /** Starts every tool call that an LLM's response asks for, as one Call whose result is what handle() gives. It has no output and no files. */
    Call respond(std::string_view dialect, std::string_view response, std::string_view options = {}) {
        return Call(detail::make<skl_call>(skl_engine_respond, handle_.get(), dialect.data(), dialect.size(), response.data(), response.size(), options.data(), options.size()));
    }

    skl_engine *get() const noexcept { return handle_.get(); }
    /** Gives the handle up; the caller frees it. */
    skl_engine *release() noexcept { return handle_.release(); }

private:
    struct Free {
        void operator()(skl_engine *handle) const noexcept { skl_engine_free(handle); }
    };
    std::unique_ptr<skl_engine, Free> handle_;
};

/** A streamed response of an LLM that is being put together. Feed it from one thread. */
class Stream {
public:
    explicit Stream(std::string_view dialect = "openai")
        : handle_((detail::check_abi(), detail::make<skl_stream>(skl_stream_new, dialect.data(), dialect.size()))) {}
    /** Takes over a handle of the C API. */
    explicit Stream(skl_stream *handle) noexcept : handle_(handle) {}

    /** Takes the next bytes of the response's body, cut anywhere. A failure is final. */
    void feed(std::string_view bytes) { detail::run(skl_stream_feed, handle_.get(), bytes.data(), bytes.size()); }
    /** Whether the model's turn is over. What comes after it may still be fed. */
    bool is_complete() const noexcept { return skl_stream_is_complete(handle_.get()); }
    /** The response as it would have been without streaming, for Engine::handle(). Throws before the end. */
    Buffer response() const { return detail::document(skl_stream_response, handle_.get()); }

    skl_stream *get() const noexcept { return handle_.get(); }
    /** Gives the handle up; the caller frees it. */
    skl_stream *release() noexcept { return handle_.release(); }

private:
    struct Free {
        void operator()(skl_stream *handle) const noexcept { skl_stream_free(handle); }
    };
    std::unique_ptr<skl_stream, Free> handle_;
};

/**
 * The loop between a model and an engine's tools. It says what to post to the model and takes what the model says; the
 * connection is the host's (docs/agent.md). At its end the turn is ended. Engine and agent may go in any order.
 */
class Agent {
public:
    /** `config` is a JSON document (docs/agent.md#config) that names at least the "dialect". */
    Agent(Engine &engine, std::string_view config) : handle_(detail::make<skl_agent>(skl_agent_new, engine.get(), config.data(), config.size())) {}
    /** Takes over a handle of the C API. */
    explicit Agent(skl_agent *handle) noexcept : handle_(handle) {}

    /** Begins a turn with what the user says, after `messages`, a JSON array in the dialect's shape. */
    void ask(std::string_view words, std::string_view messages = {}) {
        detail::run(skl_agent_ask, handle_.get(), words.data(), words.size(), messages.data(), messages.size());
    }

    /** Goes on as far as possible and tells what the host does next: a JSON step. Waits for calls that run. */
    Buffer next() { return detail::document(skl_agent_next, handle_.get(), std::int64_t{-1}); }
    /** The same, waiting for a span at most; the step "running" says that the time was over. */
    template <class Rep, class Period>
    Buffer next_for(std::chrono::duration<Rep, Period> span) {
        return detail::document(skl_agent_next, handle_.get(), detail::milliseconds(span));
    }

    /** Takes the response to the last "request", whole or in pieces; the last piece has `is_end`. */
    void feed(std::string_view bytes, bool is_end = true) { detail::run(skl_agent_feed, handle_.get(), bytes.data(), bytes.size(), is_end); }

    /** Allows a call of an "approval" step, or denies it for a reason that the model reads. */
    void approve(std::string_view call_id, bool is_allowed = true, std::string_view reason = {}) {
        detail::run(skl_agent_approve, handle_.get(), call_id.data(), call_id.size(), is_allowed, reason.data(), reason.size());
    }
    /** approve() with a no. */
    void deny(std::string_view call_id, std::string_view reason = {}) { approve(call_id, false, reason); }

    /** What happened since the last time: a JSON array of events (docs/agent.md#events). */
    Buffer events() { return detail::document(skl_agent_events, handle_.get()); }
    /** A descriptor that is readable while next() has something to do. It is the agent's: do not close it. */
    int fd() const noexcept { return skl_agent_fd(handle_.get()); }
    /** Ends the turn; the next step is "stopped". Between turns it does nothing. May be repeated. */
    void cancel() { detail::check(skl_agent_cancel(handle_.get()), nullptr); }
    /** The conversation so far, a JSON array; a new agent takes it up as its "messages". */
    Buffer transcript() const { return detail::document(skl_agent_transcript, handle_.get()); }

    skl_agent *get() const noexcept { return handle_.get(); }
    /** Gives the handle up; the caller frees it. */
    skl_agent *release() noexcept { return handle_.release(); }

private:
    struct Free {
        void operator()(skl_agent *handle) const noexcept { skl_agent_free(handle); }
    };
    std::unique_ptr<skl_agent, Free> handle_;
};

}  // namespace skl

#endif /* SKILLLITE_HPP */
