/* Performs the steps of conformance cases by skilllite.hpp alone. */
#include <skilllite.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "suite.h"

struct suite_session {
    std::optional<skl::Engine> engine;
    std::optional<skl::Agent> agent;
    std::map<std::string, skl::Call, std::less<>> calls;
};

const char suite_language[] = "C++";

/* Objects own what the library gave. What is left shows in the descriptors, and to the leak checker in tests/cpp/run. */
long suite_live_handles() { return 0; }

suite_session *suite_session_new() { return new suite_session; }

void suite_session_end(suite_session *session) {
    session->agent.reset();
    session->calls.clear();
    if (session->engine) session->engine->close();
    delete session;
}

namespace {

struct Trouble {
    const char *why;
};

std::string_view view(suite_text text) { return {text.data, text.length}; }

/* One step, with what it works on at hand. */
struct Step {
    suite_session &session;
    const suite_step &in;
    suite_outcome *out;

    skl::Engine &engine() const {
        if (!session.engine) throw Trouble{"there is no engine"};
        return *session.engine;
    }
    skl::Agent &agent() const {
        if (!session.agent) throw Trouble{"there is no agent"};
        return *session.agent;
    }
    skl::Call &call() const {
        const auto found = session.calls.find(view(in.call));
        if (found == session.calls.end()) throw Trouble{"there is no such call"};
        return found->second;
    }
    void json(const skl::Buffer &value) const { suite_json(out, value.data(), value.size()); }
    void text(std::string_view value) const { suite_string(out, value.data(), value.size()); }
    void bytes(std::string_view value) const { suite_bytes(out, value.data(), value.size()); }
};

void wait(const Step &step) {
    if (step.in.timeout_ms < 0) return step.json(step.call().wait());
    const auto result = step.call().wait_for(std::chrono::milliseconds(step.in.timeout_ms));
    result ? step.json(*result) : suite_failure(step.out, skl::status_name(SKL_ERR_WAIT_TIMEOUT), "");
}

void output(const Step &step) {
    const std::string_view until = view(step.in.until);
    std::string all;
    while (until.empty() || all.find(until) == std::string::npos) {
        const auto piece = step.call().read(static_cast<skl::Output>(step.in.stream));
        if (!piece) {
            if (!until.empty()) throw Trouble{"the stream ended before that"};
            break;
        }
        all += piece->view();
    }
    step.bytes(all);
}

void next(const Step &step) {
    step.json(step.in.timeout_ms < 0 ? step.agent().next() : step.agent().next_for(std::chrono::milliseconds(step.in.timeout_ms)));
}

void feed(const Step &step) {
    auto left = view(step.in.response.data ? step.in.response : step.in.text);
    do {
        const auto piece = left.substr(0, step.in.cut ? step.in.cut : left.size());
        left.remove_prefix(piece.size());
        step.agent().feed(piece, step.in.is_end && left.empty());
    } while (!left.empty());
}

void stream(const Step &step) {
    skl::Stream stream(view(step.in.dialect));
    for (auto left = view(step.in.text); !left.empty();) {
        const auto piece = left.substr(0, step.in.cut ? step.in.cut : left.size());
        stream.feed(piece);
        left.remove_prefix(piece.size());
    }
    const bool is_complete = stream.is_complete();
    const auto response = stream.response();
    suite_streamed(step.out, is_complete, response.data(), response.size());
}

const std::map<std::string_view, std::function<void(const Step &)>> actions = {
    {"version", [](const Step &step) { step.text(skl::version()); }},
    {"has_feature", [](const Step &step) { suite_bool(step.out, skl::has_feature(view(step.in.name))); }},
    {"probe", [](const Step &step) { step.json(skl::probe()); }},
    {"new", [](const Step &step) { step.session.engine.reset(), step.session.engine.emplace(view(step.in.config)); }},
    {"close", [](const Step &step) { step.engine().close(); }},
    {"load", [](const Step &step) { step.json(step.engine().load(view(step.in.dir))); }},
    {"reload", [](const Step &step) { step.json(step.engine().reload()); }},
    {"prepare", [](const Step &step) { step.json(step.engine().prepare(view(step.in.skill))); }},
    {"remove", [](const Step &step) { step.engine().remove(view(step.in.skill)); }},
    {"enable", [](const Step &step) { step.engine().enable(view(step.in.skill), step.in.is_enabled); }},
    {"skills", [](const Step &step) { step.json(step.engine().skills()); }},
    {"tools", [](const Step &step) { step.json(step.engine().tools(view(step.in.dialect))); }},
    {"instructions", [](const Step &step) { step.text(step.engine().instructions(view(step.in.skill))); }},
    {"resources", [](const Step &step) { step.json(step.engine().resources(view(step.in.skill))); }},
    {"read_resource", [](const Step &step) { step.bytes(step.engine().read_resource(view(step.in.skill), view(step.in.path), step.in.max_bytes)); }},
    {"manifest", [](const Step &step) { step.json(step.engine().manifest(view(step.in.skill))); }},
    {"scan", [](const Step &step) { step.json(step.engine().scan(view(step.in.skill))); }},
    {"validate", [](const Step &step) { step.json(skl::validate(view(step.in.dir))); }},
    {"plan", [](const Step &step) { step.text(step.engine().plan(view(step.in.tool), view(step.in.arguments), view(step.in.options))); }},
    {"execute", [](const Step &step) { step.json(step.engine().execute(view(step.in.tool), view(step.in.arguments), view(step.in.options))); }},
    {"start",
     [](const Step &step) {
         step.session.calls.insert_or_assign(std::string(view(step.in.call)), step.engine().start(view(step.in.tool), view(step.in.arguments), view(step.in.options)));
     }},
    {"wait", wait},
    {"cancel", [](const Step &step) { step.call().cancel(); }},
    {"read_file", [](const Step &step) { step.bytes(step.call().read_file(view(step.in.path), step.in.max_bytes)); }},
    {"keep", [](const Step &step) { step.call().keep(view(step.in.dest), view(step.in.path)); }},
    {"output", output},
    {"free", [](const Step &step) { step.call(), step.session.calls.erase(std::string(view(step.in.call))); }},
    {"handle", [](const Step &step) { step.json(step.engine().handle(view(step.in.dialect), view(step.in.response), view(step.in.options))); }},
    {"respond",
     [](const Step &step) {
         step.session.calls.insert_or_assign(std::string(view(step.in.call)), step.engine().respond(view(step.in.dialect), view(step.in.response), view(step.in.options)));
     }},
    {"stream", stream},
    {"agent", [](const Step &step) { step.session.agent.reset(), step.session.agent.emplace(step.engine(), view(step.in.config)); }},
    {"agent_ask", [](const Step &step) { step.agent().ask(view(step.in.words), view(step.in.messages)); }},
    {"agent_next", next},
    {"agent_feed", feed},
    {"agent_approve", [](const Step &step) { step.agent().approve(view(step.in.call_id), step.in.is_allowed, view(step.in.reason)); }},
    {"agent_events", [](const Step &step) { step.json(step.agent().events()); }},
    {"agent_cancel", [](const Step &step) { step.agent().cancel(); }},
    {"agent_transcript", [](const Step &step) { step.json(step.agent().transcript()); }},
};

}  // namespace

void suite_perform(suite_session *session, const suite_step *in, suite_outcome *outcome) {
    const auto action = actions.find(in->action);
    if (action == actions.end()) return suite_trouble(outcome, "this runner cannot do that");
    try {
        action->second({*session, *in, outcome});
    } catch (const skl::Error &error) {
        suite_failure(outcome, error.name(), error.what());
    } catch (const Trouble &trouble) {
        suite_trouble(outcome, trouble.why);
    }
}
