//! Agents driven through the C API as a host drives them, with a model that says what each test wants: whole and streamed,
//! in every dialect in which a model is asked. The skills are real folders and the calls run in the real sandbox.

#![cfg(feature = "agent")]

mod agent_host;

use agent_host::{Agent, Engine, Said, call, counts, dialects, says};
use serde_json::{Value, json};
use skilllite::capi::skl_status::*;

fn config(dialect: &str, more: Value) -> Value {
    let mut config = json!({ "dialect": dialect, "model": "m", "system": "Be brief.", "context": false });
    if let (Some(config), Value::Object(more)) = (config.as_object_mut(), more) {
        config.extend(more);
    }
    config
}

/// A new agent that was asked something.
fn asked<'e>(engine: &'e Engine, dialect: &str, more: Value) -> Agent<'e> {
    let agent = engine.agent(&config(dialect, more));
    agent.ask("What is it?");
    agent
}

fn names(events: &Value) -> Vec<&str> {
    events.as_array().into_iter().flatten().filter_map(|event| event["event"].as_str()).collect()
}

/// Every answer of a transcript, in order, as text.
fn contents(dialect: &str, transcript: &Value) -> Vec<String> {
    agent_host::answers(dialect, transcript).into_iter().map(|(_, content)| content).collect()
}

#[test]
fn a_turn_goes_round_in_every_dialect() {
    let Some(engine) = Engine::new() else { return };
    for dialect in dialects() {
        for is_streamed in [false, true] {
            let agent = engine.agent(&config(dialect, json!({ "stream": is_streamed, "context": true })));
            assert_eq!(agent.next(0)["step"], "ask");
            agent.ask("Say two things.");
            let step = agent.next(0);
            assert_eq!(step, agent.next(-1), "it says the same until it is fed");
            assert_eq!(
                (&step["step"], &step["dialect"], &step["iteration"]),
                (&json!("request"), &json!(dialect), &json!(1))
            );
            let body = step["body"].to_string();
            for needle in ["Be brief.", "Say two things.", "\"worker\"", "<name>\\nworker\\n</name>"] {
                assert!(body.contains(needle), "{dialect}: '{needle}' is not in {body}");
            }
            assert_eq!(step["body"].get("stream").is_some(), is_streamed && dialect != "gemini", "{body}");
            let path = match dialect.split(':').next() {
                Some("openai") => "/chat/completions",
                Some("openai-responses") => "/responses",
                Some("anthropic") => "/v1/messages",
                _ if is_streamed => "/v1beta/models/m:streamGenerateContent?alt=sse",
                _ => "/v1beta/models/m:generateContent",
            };
            assert_eq!(step["path"], path);
            let calls = [
                call("a", "worker", json!({ "args": ["say", "one"] })),
                call("b", "worker", json!({ "args": ["say", "two"] })),
            ];
            agent.feed(&says(dialect, is_streamed, "On it.", &calls), 7);
            let step = agent.next(-1);
            assert_eq!((&step["step"], &step["iteration"]), (&json!("request"), &json!(2)), "{step}");
            let transcript = agent.transcript();
            let answers = agent_host::answers(dialect, &transcript);
            assert_eq!(answers.len(), 2, "{transcript}");
            for ((id, content), (wanted_id, wanted)) in answers.iter().zip([("a", "one"), ("b", "two")]) {
                assert_eq!(id, wanted_id);
                assert!(content.contains(&format!("\"text\":\"{wanted}\"")), "{content}");
            }
            assert!(step["body"].to_string().contains("On it."), "{step}");
            agent.feed(&says(dialect, is_streamed, "One and two.", &[]), 3);
            let step = agent.next(-1);
            assert_eq!((&step["step"], &step["text"]), (&json!("answer"), &json!("One and two.")), "{step}");
            assert_eq!((&step["iterations"], &step["is_cut"]), (&json!(2), &json!(false)));
            let events = agent.events();
            let text = |kind: &str| -> String {
                let found = events.as_array().into_iter().flatten().filter(|event| event["event"] == kind);
                found.filter_map(|event| event["text"].as_str()).collect()
            };
            assert_eq!(text("message"), "On it.");
            assert_eq!(
                text("answer_delta"),
                if is_streamed { "On it.One and two." } else { "" },
                "{dialect}: {events}"
            );
            let kinds: Vec<&str> = names(&events).into_iter().filter(|name| *name != "answer_delta").collect();
            let (started, finished) = ("call_started", "call_finished");
            assert_eq!(kinds, ["iteration", "message", started, started, finished, finished, "iteration", "answer"]);
            // And on.
            agent.ask("Thanks.");
            assert_eq!(agent.next(0)["iteration"], 1);
            agent.feed(&says(dialect, is_streamed, "Bye.", &[]), 1000);
            assert_eq!(agent.next(0)["text"], "Bye.");
            counts(dialect, &agent.transcript(), 0);
        }
    }
}

#[test]
fn the_last_request_forbids_calls_and_gets_none_run() {
    let Some(engine) = Engine::new() else { return };
    for dialect in dialects() {
        let members = json!({ "request": { "tool_choice": "required", "toolConfig": { "functionCallingConfig": { "mode": "ANY" } } } });
        let mut more = json!({ "limits": { "iterations": 2 } });
        more.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let agent = asked(&engine, dialect, more);
        assert_eq!(agent.next(0)["is_last"], false);
        agent.feed(&says(dialect, false, "", &[call("a", "worker", json!({ "args": ["say", "one"] }))]), 100);
        let step = agent.next(-1);
        assert_eq!(step["is_last"], true);
        let body = &step["body"];
        match dialect.split(':').next() {
            Some("gemini") => assert_eq!(body["toolConfig"]["functionCallingConfig"]["mode"], "NONE"),
            Some("anthropic") => assert_eq!(body["tool_choice"], json!({ "type": "none" })),
            _ => assert_eq!(body["tool_choice"], "none"),
        }
        agent.feed(&says(dialect, false, "", &[call("b", "worker", json!({ "args": ["say", "two"] }))]), 100);
        let step = agent.next(-1);
        assert_eq!((&step["step"], &step["reason"]), (&json!("stopped"), &json!("iterations")), "{step}");
        let contents = contents(dialect, &agent.transcript());
        assert!(contents[0].contains("one") && contents[1].contains("the limit of requests"), "{contents:?}");
        counts(dialect, &agent.transcript(), 0);
        // The next turn has its own limits.
        agent.ask("Go on.");
        assert_eq!(agent.next(0)["is_last"], false);
    }
}

#[test]
fn a_model_hears_what_it_did_wrong() {
    let Some(engine) = Engine::new() else { return };
    for dialect in dialects() {
        let agent = asked(&engine, dialect, json!({ "approval": "ask" }));
        let bad_json = Said { arguments: json!("{\"args\": [\"say\""), ..call("b", "worker", json!(null)) };
        let calls = [call("a", "wroker", json!({})), bad_json, call("c", "worker", json!({ "args": 7 }))];
        // Nobody is asked about any of them.
        agent.feed(&says(dialect, false, "", &calls), 100);
        let step = agent.next(-1);
        assert_eq!(step["step"], "request", "{dialect}: {step}");
        let contents = contents(dialect, &agent.transcript());
        assert!(contents[0].contains("there is no tool 'wroker'; the tools are: other, worker"), "{contents:?}");
        assert!(contents[1].contains("not valid JSON"), "{contents:?}");
        assert!(contents[2].contains("/args"), "{contents:?}");
        counts(dialect, &agent.transcript(), 0);
    }
}

#[test]
fn a_host_decides_about_calls() {
    let Some(engine) = Engine::new() else { return };
    let rules = json!({ "approval": { "default": "ask", "tools": { "other": "allow" } } });
    let agent = asked(&engine, "openai", rules);
    let (status, message) = agent.try_approve("a", true, "").unwrap_err();
    assert_eq!((status, message.contains("request to the model is open")), (SKL_ERR_OUT_OF_TURN, true), "{message}");
    let calls = [
        call("a", "worker", json!({ "args": ["say", "one"] })),
        call("b", "worker", json!({ "args": ["say", "two"] })),
        call("c", "other", json!({ "args": ["say", "three"] })),
    ];
    agent.feed(&says("openai", false, "", &calls), 100);
    let step = agent.next(-1);
    let waiting: Vec<_> = step["calls"].as_array().into_iter().flatten().collect();
    assert_eq!((&step["step"], waiting.len()), (&json!("approval"), 2), "{step}");
    let wanted =
        json!({ "call_id": "a", "tool": "worker", "skill": "worker", "arguments": { "args": ["say", "one"] } });
    assert_eq!(*waiting[0], wanted);
    // The one that needs no approval runs meanwhile.
    assert!(names(&agent.events()).contains(&"call_started"));
    for id in ["c", "", "zzz", "a b"] {
        let (status, message) = agent.try_approve(id, true, "").unwrap_err();
        assert_eq!((status, message.contains("those that do: a, b")), (SKL_ERR_OUT_OF_TURN, true), "{message}");
    }
    agent.try_approve("b", false, "not on Mondays").unwrap();
    assert_eq!(agent.next(-1)["calls"].as_array().map(Vec::len), Some(1));
    agent.try_approve("a", true, "").unwrap();
    assert_eq!(agent.try_approve("a", true, "").unwrap_err().0, SKL_ERR_OUT_OF_TURN);
    assert_eq!(agent.next(-1)["step"], "request");
    let contents = contents("openai", &agent.transcript());
    assert!(contents[0].contains("one") && contents[2].contains("three"), "{contents:?}");
    assert_eq!(contents[1], "Error: the user did not allow this call: not on Mondays");

    // Denied by rule: not offered, and not there for a model that calls it.
    let agent = asked(&engine, "openai", json!({ "approval": { "tools": { "worker": "deny" } } }));
    let body = agent.next(0)["body"].to_string();
    assert!(body.contains("\"other\"") && !body.contains("\"worker\""), "{body}");
    agent.feed(&says("openai", false, "", &calls[..1]), 100);
    assert_eq!(agent.next(-1)["step"], "request");
    assert!(self::contents("openai", &agent.transcript())[0].contains("no tool 'worker'"));
    // Only some are offered.
    let agent = asked(&engine, "openai", json!({ "tools": ["worker"] }));
    let body = agent.next(0)["body"].to_string();
    assert!(!body.contains("\"other\"") && body.contains("\"worker\""), "{body}");
    // None at all: the request has no tools and says nothing of them, the last one too.
    let agent = asked(&engine, "openai", json!({ "tools": [], "limits": { "iterations": 1 } }));
    let body = agent.next(0)["body"].clone();
    assert!(body.get("tools").is_none() && body.get("tool_choice").is_none(), "{body}");
}

/// A tool that runs any script is no way around the rule for one of them.
#[cfg(feature = "disclosure")]
#[test]
fn a_generic_tool_runs_what_the_scripts_own_tool_may() {
    let run = |id: &str, skill: &str, words: &[&str]| {
        call(id, "run_skill_script", json!({ "name": skill, "script": "run.sh", "arguments": words }))
    };
    for disclosure in [json!(true), json!("only")] {
        let Some(engine) = Engine::with(json!({ "disclosure": disclosure })) else { return };
        let agent = asked(&engine, "openai", json!({ "approval": { "tools": { "worker": "ask" } } }));
        let body = agent.next(0)["body"].to_string();
        assert!(
            ["load_skill", "read_skill_resource", "run_skill_script"].iter().all(|name| body.contains(name)),
            "{body}"
        );
        assert_eq!(body.contains("\"name\":\"worker\""), disclosure == true, "{body}");
        let calls = [
            call("a", "load_skill", json!({ "name": "worker" })),
            run("b", "worker", &["say", "one"]),
            run("c", "other", &["say", "two"]),
            run("d", "nobody", &["say", "three"]),
        ];
        agent.feed(&says("openai", false, "", &calls), 100);
        let step = agent.next(-1);
        let waiting: Vec<_> = step["calls"].as_array().into_iter().flatten().collect();
        assert_eq!((&step["step"], waiting.len()), (&json!("approval"), 1), "{step}");
        assert_eq!([&waiting[0]["tool"], &waiting[0]["skill"]], [&json!("run_skill_script"), &json!("worker")]);
        agent.try_approve("b", true, "").unwrap();
        assert_eq!(agent.next(-1)["step"], "request");
        let told = contents("openai", &agent.transcript());
        let expected = ["instructions", "one", "two", "no skill 'nobody'"];
        assert!(told.iter().zip(expected).all(|(told, part)| told.contains(part)), "{told:?}");

        // What is denied, or not among the tools that the agent has, is not there for it either.
        for rules in [
            json!({ "approval": { "tools": { "worker": "deny" } } }),
            json!({ "tools": ["load_skill", "run_skill_script", "other"] }),
        ] {
            let agent = asked(&engine, "openai", rules.clone());
            agent.feed(
                &says("openai", false, "", &[run("b", "worker", &["say", "one"]), run("c", "other", &["say", "two"])]),
                100,
            );
            assert_eq!(agent.next(-1)["step"], "request", "{rules}");
            let told = contents("openai", &agent.transcript());
            assert!(told[0].contains("no tool 'worker'") && told[1].contains("two"), "{rules}: {told:?}");
        }
    }
}

#[test]
fn a_turn_is_cancelled_in_every_state() {
    let Some(engine) = Engine::new() else { return };
    let hang = |id: &str| call(id, "worker", json!({ "args": ["hang"] }));
    for dialect in dialects() {
        // Before: nothing happens.
        let agent = engine.agent(&config(dialect, json!({ "approval": { "tools": { "other": "ask" } } })));
        agent.cancel();
        assert_eq!(agent.next(0)["step"], "ask");
        // While a request is open, and while its response comes in.
        for start in ["", "data: {"] {
            agent.ask("Go.");
            agent.try_feed(start.as_bytes(), false).unwrap();
            agent.cancel();
            agent.cancel();
            assert_eq!(agent.next(-1)["reason"], "cancelled");
            assert_eq!(agent.try_feed(b"}\n\n", true).unwrap_err().0, SKL_ERR_OUT_OF_TURN);
        }
        // While one call runs, one waits for approval and one has ended.
        agent.ask("Go.");
        let other = call("w", "other", json!({ "args": ["say", "x"] }));
        agent.feed(&says(dialect, true, "", &[hang("h"), other, call("n", "none", json!({}))]), 50);
        assert_eq!(agent.next(0)["step"], "approval");
        agent.cancel();
        let step = agent.next(0);
        assert_eq!((&step["step"], &step["reason"]), (&json!("stopped"), &json!("cancelled")));
        assert_eq!(agent.try_approve("w", true, "").unwrap_err().0, SKL_ERR_OUT_OF_TURN);
        let contents = contents(dialect, &agent.transcript());
        assert!(contents[0].contains("cancelled") && contents[1].contains("cancelled"), "{contents:?}");
        assert!(contents[2].contains("no tool 'none'"), "{contents:?}");
        counts(dialect, &agent.transcript(), 0);
        // While a thread waits for calls.
        agent.ask("Go.");
        agent.feed(&says(dialect, false, "", &[hang("i")]), 50);
        assert_eq!(agent.next(0)["step"], "running");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| agent.next(-1));
            agent.cancel();
            assert_eq!(waiting.join().unwrap()["reason"], "cancelled");
        });
        // After the end: the answer stays.
        agent.ask("Go.");
        agent.feed(&says(dialect, false, "Done.", &[]), 50);
        agent.cancel();
        assert_eq!(agent.next(0)["text"], "Done.");
        counts(dialect, &agent.transcript(), 0);
    }
}

#[test]
fn a_transcript_is_taken_up_by_another_agent() {
    let Some(engine) = Engine::new() else { return };
    for dialect in dialects() {
        let rules = json!({ "approval": "ask" });
        let agent = asked(&engine, dialect, rules.clone());
        let resumed = |agent: &Agent<'_>| {
            let mut config = config(dialect, rules.clone());
            config["messages"] = agent.transcript();
            engine.agent(&config)
        };
        let again = resumed(&agent);
        assert_eq!(again.next(0)["body"], agent.next(0)["body"]);
        let calls = [call("a", "worker", json!({ "args": ["say", "one"] })), call("b", "nothing", json!({}))];
        again.feed(&says(dialect, false, "Hm.", &calls), 100);
        assert_eq!(again.next(0)["step"], "approval");
        // A turn that waits for a person, in another process.
        let third = resumed(&again);
        assert_eq!(third.next(0), again.next(0));
        third.try_approve("a", true, "").unwrap();
        assert_eq!(third.next(-1)["step"], "request");
        counts(dialect, &third.transcript(), 0);
        let fourth = resumed(&third);
        assert_eq!(fourth.next(0)["body"], third.next(0)["body"]);
        fourth.feed(&says(dialect, true, "It is one.", &[]), 9);
        let fifth = resumed(&fourth);
        assert_eq!((&fifth.next(0)["step"], &fifth.next(0)["text"]), (&json!("answer"), &json!("It is one.")));
        // An id that was there before gets another name.
        fifth.ask("Again.");
        fifth.feed(&says(dialect, false, "", &calls[..1]), 100);
        assert_eq!(fifth.next(0)["calls"][0]["call_id"], "call_1");
        fifth.try_approve("call_1", true, "").unwrap();
        assert_eq!(fifth.next(-1)["step"], "request");
        counts(dialect, &fifth.transcript(), 0);
    }
}

#[test]
fn what_is_no_response_leaves_the_request_open() {
    let Some(engine) = Engine::new() else { return };
    for dialect in dialects() {
        let agent = asked(&engine, dialect, json!({ "stream": true }));
        let request = agent.next(0);
        let transcript = agent.transcript();
        let errors =
            json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded, try later" } });
        let streamed = format!("data: {errors}\n\n");
        let cut = says(dialect, true, "Half of", &[]);
        let whole = errors.to_string();
        let rows: &[(&[u8], &str)] = &[
            (whole.as_bytes(), "Overloaded, try later"),
            (streamed.as_bytes(), "Overloaded, try later"),
            (b"<html>502</html>", "neither JSON nor a stream"),
            (b"", "is empty"),
            (b"{\"choices\":", "not JSON"),
            (b"[1]", ""),
            (b"{}", ""),
            (b"{\"id\":\"\xff\"}", "UTF-8"),
            (&cut[..cut.len() / 2], ""),
        ];
        for (body, needle) in rows {
            for size in [1, 5, 4096] {
                let outcome = body.chunks(size).try_for_each(|piece| agent.try_feed(piece, false));
                let (status, message) = outcome.and_then(|()| agent.try_feed(b"", true)).unwrap_err();
                assert!(matches!(status, SKL_ERR_INVALID_RESPONSE | SKL_ERR_INVALID_UTF8), "{status:?} {message}");
                assert!(message.contains(needle), "{dialect}: '{needle}' is not in: {message}");
                assert_eq!((agent.next(0), agent.transcript()), (request.clone(), transcript.clone()));
            }
        }
        let failed = names(&agent.events()).into_iter().filter(|name| *name == "response_failed").count();
        assert_eq!(failed, rows.len() * 3);
        agent.feed(&says(dialect, true, "At last.", &[]), 11);
        assert_eq!(agent.next(0)["text"], "At last.");
    }
}

#[test]
fn a_refusal_and_a_cut_answer_are_told_apart() {
    let Some(engine) = Engine::new() else { return };
    let rows = [
        (
            "openai",
            json!({ "choices": [{ "message": { "role": "assistant", "content": null, "refusal": "No." }, "finish_reason": "stop" }] }),
            "No.",
        ),
        (
            "openai",
            json!({ "choices": [{ "message": { "content": "" }, "finish_reason": "content_filter" }] }),
            "content_filter",
        ),
        (
            "openai-responses",
            json!({ "output": [{ "type": "message", "role": "assistant", "content": [{ "type": "refusal", "refusal": "No." }] }], "status": "completed" }),
            "No.",
        ),
        (
            "anthropic",
            json!({ "type": "message", "role": "assistant", "content": [{ "type": "text", "text": "No." }], "stop_reason": "refusal" }),
            "No.",
        ),
        ("gemini", json!({ "promptFeedback": { "blockReason": "SAFETY" } }), "SAFETY"),
        ("gemini", json!({ "candidates": [{ "finishReason": "SAFETY" }] }), "SAFETY"),
    ];
    for (dialect, response, words) in rows.into_iter().filter(|(dialect, ..)| dialects().contains(dialect)) {
        let agent = asked(&engine, dialect, json!({}));
        agent.feed(response.to_string().as_bytes(), 9);
        let step = agent.next(0);
        assert_eq!(
            (&step["step"], &step["reason"], &step["text"]),
            (&json!("stopped"), &json!("refused"), &json!(words)),
            "{step}"
        );
    }
    let rows = [
        ("openai", json!({ "choices": [{ "message": { "content": "Half" }, "finish_reason": "length" }] })),
        (
            "openai-responses",
            json!({ "status": "incomplete", "incomplete_details": { "reason": "max_output_tokens" },
            "output": [{ "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "Half" }] }] }),
        ),
        ("anthropic", json!({ "content": [{ "type": "text", "text": "Half" }], "stop_reason": "max_tokens" })),
        (
            "gemini",
            json!({ "candidates": [{ "content": { "parts": [{ "text": "thinking", "thought": true }, { "text": "Half" }] }, "finishReason": "MAX_TOKENS" }] }),
        ),
    ];
    for (dialect, response) in rows.into_iter().filter(|(dialect, _)| dialects().contains(dialect)) {
        let agent = asked(&engine, dialect, json!({}));
        agent.feed(response.to_string().as_bytes(), 9);
        let step = agent.next(0);
        assert_eq!(
            (&step["step"], &step["text"], &step["is_cut"]),
            (&json!("answer"), &json!("Half"), &json!(true)),
            "{step}"
        );
    }
}

#[test]
fn the_output_of_tools_is_bounded() {
    let Some(engine) = Engine::new() else { return };
    let big = |id: &str| call(id, "worker", json!({ "args": ["big"] }));
    let agent = asked(&engine, "openai", json!({ "limits": { "result_tokens": 500, "tool_output_tokens": 1200 } }));
    agent.feed(&says("openai", false, "", &[big("a"), big("b"), big("c"), big("d")]), 100);
    let step = agent.next(-1);
    assert_eq!((&step["is_last"], &step["body"]["tool_choice"]), (&json!(true), &json!("none")), "{step}");
    let contents = contents("openai", &agent.transcript());
    for content in &contents[..3] {
        let read: Value = serde_json::from_str(content).unwrap();
        let text = read["text"].as_str().unwrap();
        assert!(text.starts_with("begin") && text.ends_with("end") && text.contains("bytes left out"), "{text}");
        assert_eq!((&read["status"], &read["is_clipped"]), (&json!("ok"), &json!(true)));
    }
    let sizes: Vec<_> = contents.iter().map(String::len).collect();
    assert!(
        sizes[0] <= 2000 && sizes[1] <= 2000 && sizes[2] > 700 && sizes[0] > 1900 && sizes.iter().sum::<usize>() < 4900,
        "{sizes:?}"
    );
    assert!(contents[3].contains("the limit of tool output"), "{}", contents[3]);
    agent.feed(&says("openai", false, "", &[big("e")]), 100);
    assert_eq!(agent.next(-1)["reason"], "tool_output");
    counts("openai", &agent.transcript(), 0);
    agent.ask("Once more.");
    assert_eq!(agent.next(0)["is_last"], false);
}

#[test]
fn the_time_of_a_turn_is_bounded() {
    let Some(engine) = Engine::new() else { return };
    let agent = asked(&engine, "openai", json!({ "limits": { "wall_ms": 400 } }));
    agent.feed(&says("openai", false, "", &[call("a", "worker", json!({ "args": ["hang"] }))]), 100);
    let step = agent.next(-1);
    assert_eq!((&step["step"], &step["reason"]), (&json!("stopped"), &json!("wall")), "{step}");
    counts("openai", &agent.transcript(), 0);
    // Over before the first response.
    let agent = asked(&engine, "openai", json!({ "limits": { "wall_ms": 1 } }));
    while agent.next(0)["step"] == "request" {}
    assert_eq!(agent.next(-1)["reason"], "wall");
    // A host that only looks at the descriptor is told by the calls' own end.
    let agent = asked(&engine, "openai", json!({ "limits": { "wall_ms": 400 } }));
    agent.feed(&says("openai", false, "", &[call("a", "worker", json!({ "args": ["hang"] }))]), 100);
    assert_eq!(agent.next(0)["step"], "running");
    assert!(agent.is_readable(20_000));
    assert_eq!(agent.next(0)["reason"], "wall");
}

#[test]
fn calls_run_at_once_but_not_all_of_them() {
    let Some(engine) = Engine::new() else { return };
    let agent = asked(&engine, "openai", json!({ "limits": { "parallel_calls": 2 } }));
    let hang = |id: &str| call(id, "worker", json!({ "args": ["hang"] }));
    agent.feed(&says("openai", false, "", &[hang("a"), hang("b"), hang("c")]), 100);
    assert_eq!(agent.next(0)["calls"].as_array().map(Vec::len), Some(3));
    assert_eq!(agent.next(20)["step"], "running");
    let started = names(&agent.events()).into_iter().filter(|name| *name == "call_started").count();
    assert_eq!(started, 2);
    agent.cancel();
    counts("openai", &agent.transcript(), 0);
    // More than the engine has room for: they wait, and none is refused.
    let Some(small) = Engine::with(json!({ "max_running": 1, "max_queued": 1 })) else { return };
    let agent = asked(&small, "openai", json!({ "limits": { "parallel_calls": 16 } }));
    let many: Vec<Said> = (0..8).map(|n| call(&format!("c{n}"), "worker", json!({ "args": ["say", "x"] }))).collect();
    agent.feed(&says("openai", false, "", &many), 100);
    assert_eq!(agent.next(-1)["step"], "request");
    for content in contents("openai", &agent.transcript()) {
        assert!(content.contains("\"text\":\"x\""), "{content}");
    }
}

#[test]
fn an_event_loop_needs_no_thread() {
    let Some(engine) = Engine::new() else { return };
    let agent = engine.agent(&config("openai", json!({ "approval": "ask" })));
    let fd = agent.fd();
    assert!(!agent.is_readable(0));
    agent.ask("Go.");
    assert!(agent.is_readable(0) && agent.is_readable(0), "until somebody looks");
    assert_eq!(agent.next(0)["step"], "request");
    assert!(!agent.is_readable(0));
    agent.feed(&says("openai", false, "", &[call("a", "worker", json!({ "args": ["say", "x"] }))]), 100);
    assert!(agent.is_readable(0));
    assert_eq!(agent.next(0)["step"], "approval");
    assert!(!agent.is_readable(0));
    agent.try_approve("a", true, "").unwrap();
    assert!(agent.is_readable(0));
    while agent.next(0)["step"] == "running" {
        assert!(agent.is_readable(20_000));
    }
    assert_eq!(agent.next(0)["step"], "request");
    assert!(!agent.is_readable(0) && agent.fd() == fd);
    agent.cancel();
    assert!(agent.is_readable(0));
}

#[test]
fn handles_are_freed_in_any_order() {
    let Some(engine) = Engine::new() else { return };
    let agent = engine.agent(&config("openai", json!({}))).outlive();
    let _folder = engine.free();
    agent.ask("Go.");
    agent.feed(&says("openai", false, "", &[call("a", "worker", json!({ "args": ["say", "x"] }))]), 100);
    assert_eq!(agent.next(-1)["step"], "request");
    assert!(contents("openai", &agent.transcript())[0].contains("\"text\":\"x\""));
    drop(agent);

    // Freed while a thread waits in it.
    let Some(engine) = Engine::new() else { return };
    let agent = asked(&engine, "openai", json!({}));
    agent.feed(&says("openai", false, "", &[call("a", "worker", json!({ "args": ["hang"] }))]), 100);
    assert_eq!(agent.next(0)["step"], "running");
    agent.free_while_waiting();

    // Closed: what needs the engine says so, the transcript does not.
    let agent = asked(&engine, "openai", json!({}));
    agent.feed(&says("openai", false, "", &[call("a", "worker", json!({ "args": ["say", "x"] }))]), 100);
    engine.close();
    assert_eq!(agent.try_next(0).unwrap_err().0, SKL_ERR_CLOSED);
    assert_eq!(agent.try_next(-1).unwrap_err().0, SKL_ERR_CLOSED);
    counts("openai", &agent.transcript(), 1);
    agent.cancel();
    assert_eq!(agent.next(0)["reason"], "cancelled");
    counts("openai", &agent.transcript(), 0);
    assert_eq!(agent.try_ask("On?", "").unwrap_err().0, SKL_ERR_CLOSED);
    assert_eq!(engine.try_agent(&config("openai", json!({}))).unwrap_err().0, SKL_ERR_CLOSED);
}

#[test]
fn ids_that_a_server_leaves_out_or_repeats_are_replaced() {
    let Some(engine) = Engine::new() else { return };
    for dialect in dialects() {
        let agent = asked(&engine, dialect, json!({ "approval": "ask" }));
        let say = |id: &str, word: &str| call(id, "worker", json!({ "args": ["say", word] }));
        agent.feed(
            &says(dialect, false, "", &[say("", "one"), say("x", "two"), say("x", "three"), say("", "four")]),
            100,
        );
        let step = agent.next(0);
        let ids: Vec<_> =
            step["calls"].as_array().unwrap().iter().map(|call| call["call_id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["call_1", "x", "call_2", "call_3"], "{dialect}");
        ids.iter().for_each(|id| agent.try_approve(id, true, "").unwrap());
        assert_eq!(agent.next(-1)["step"], "request");
        let transcript = agent.transcript();
        let answers = agent_host::answers(dialect, &transcript);
        for ((_, content), word) in answers.iter().zip(["one", "two", "three", "four"]) {
            assert!(content.contains(&format!("\"text\":\"{word}\"")), "{dialect}: {content}");
        }
        let found: Vec<_> = answers.iter().map(|(id, _)| id.as_str()).collect();
        // Gemini tells them apart by their place.
        let wanted = if dialect == "gemini" { ["", "x", "call_2", ""] } else { ["call_1", "x", "call_2", "call_3"] };
        assert_eq!(found, wanted);
        counts(dialect, &transcript, 0);
    }
}

#[test]
fn a_call_that_fails_again_is_noted() {
    let Some(engine) = Engine::new() else { return };
    let agent = asked(&engine, "openai", json!({}));
    for turn in 0..3 {
        agent.next(-1);
        let fail = |id: String, word: &str| call(&id, "worker", json!({ "args": ["fail", word] }));
        agent.feed(
            &says(
                "openai",
                false,
                "",
                &[fail(format!("a{turn}"), "same"), fail(format!("b{turn}"), &turn.to_string())],
            ),
            100,
        );
    }
    agent.next(-1);
    let contents = contents("openai", &agent.transcript());
    let notes: Vec<_> = contents.iter().map(|content| content.contains("has failed")).collect();
    assert_eq!(notes, [false, false, true, false, true, false], "{contents:?}");
    assert!(contents[4].contains("has failed 3 times"), "{}", contents[4]);
}

#[test]
fn messages_of_the_hosts_own_are_added() {
    let Some(engine) = Engine::new() else { return };
    let agent = engine.agent(&config("openai", json!({})));
    let image = json!([{ "role": "user", "content": [{ "type": "image_url", "image_url": { "url": "data:," } }] }]);
    agent.try_ask("What is on it?", &image.to_string()).unwrap();
    let messages = agent.transcript();
    assert_eq!((&messages[0], &messages[1]["content"]), (&image[0], &json!("What is on it?")));
    let (status, message) = agent.try_ask("And?", "").unwrap_err();
    assert_eq!((status, message.contains("cancel it")), (SKL_ERR_OUT_OF_TURN, true), "{message}");
    agent.cancel();
    for (words, messages, status, needle) in [
        ("", "", SKL_ERR_INVALID_CONFIG, "nothing is asked"),
        ("", "[]", SKL_ERR_INVALID_CONFIG, "nothing is asked"),
        ("x", "{}", SKL_ERR_INVALID_CONFIG, "array of messages"),
        ("x", "[1]", SKL_ERR_INVALID_CONFIG, "array of messages"),
        ("x", "[", SKL_ERR_INVALID_JSON, "messages"),
    ] {
        let (found, message) = agent.try_ask(words, messages).unwrap_err();
        assert_eq!((found, message.contains(needle)), (status, true), "{message}");
    }
    assert_eq!(agent.transcript(), messages, "nothing is kept of what failed");
}

#[test]
fn bad_configs_are_named() {
    let Some(engine) = Engine::new() else { return };
    let rows = [
        ("{", SKL_ERR_INVALID_JSON, "agent's config"),
        ("", SKL_ERR_INVALID_CONFIG, "'dialect' is not given; it must be one of: openai"),
        (r#"{"dialect":"klingon"}"#, SKL_ERR_UNKNOWN_DIALECT, "klingon"),
        (r#"{"dialect":"openai","dialct":1}"#, SKL_ERR_INVALID_CONFIG, "'dialct'"),
        (r#"{"dialect":"openai","model":7}"#, SKL_ERR_INVALID_CONFIG, "'model'"),
        (r#"{"dialect":"openai","system":[]}"#, SKL_ERR_INVALID_CONFIG, "'system'"),
        (r#"{"dialect":"openai","context":"full"}"#, SKL_ERR_INVALID_CONFIG, "'context'"),
        (r#"{"dialect":"openai","stream":1}"#, SKL_ERR_INVALID_CONFIG, "'stream'"),
        (r#"{"dialect":"openai","messages":{}}"#, SKL_ERR_INVALID_CONFIG, "'messages'"),
        (r#"{"dialect":"openai","messages":["x"]}"#, SKL_ERR_INVALID_CONFIG, "'messages'"),
        (
            r#"{"dialect":"openai","messages":[{"role":"assistant","tool_calls":[{}]}]}"#,
            SKL_ERR_INVALID_CONFIG,
            "'messages': not an OpenAI",
        ),
        (r#"{"dialect":"openai","tools":["nothing"]}"#, SKL_ERR_TOOL_NOT_FOUND, "'nothing'"),
        (r#"{"dialect":"openai","request":{"messages":[]}}"#, SKL_ERR_INVALID_CONFIG, "'request.messages'"),
        (r#"{"dialect":"openai","request":{"stream":true}}"#, SKL_ERR_INVALID_CONFIG, "'request.stream'"),
        (r#"{"dialect":"openai","limits":{"iteration":1}}"#, SKL_ERR_INVALID_CONFIG, "'limits.iteration'"),
        (r#"{"dialect":"openai","limits":{"iterations":0}}"#, SKL_ERR_INVALID_CONFIG, "between 1 and 100000"),
        (r#"{"dialect":"openai","limits":{"wall_ms":"1"}}"#, SKL_ERR_INVALID_CONFIG, "limits.wall_ms"),
        (r#"{"dialect":"openai","approval":"maybe"}"#, SKL_ERR_INVALID_CONFIG, "allow, ask, deny"),
        (
            r#"{"dialect":"openai","approval":{"tools":{"worker":"no"}}}"#,
            SKL_ERR_INVALID_CONFIG,
            "'approval.tools.worker'",
        ),
        (r#"{"dialect":"openai","approval":{"tools":{"worked":"deny"}}}"#, SKL_ERR_TOOL_NOT_FOUND, "'worked'"),
        (r#"{"dialect":"openai","approval":{"worker":"deny"}}"#, SKL_ERR_INVALID_CONFIG, "'approval.worker'"),
        (r#"{"dialect":"openai","call_options":{"limit":1}}"#, SKL_ERR_INVALID_CONFIG, "'limit'"),
        (r#"{"dialect":"openai","call_options":[]}"#, SKL_ERR_INVALID_CONFIG, "'call_options'"),
    ];
    let vendors = [
        (r#"{"dialect":"mcp"}"#, SKL_ERR_UNKNOWN_DIALECT, "no model is asked"),
        (r#"{"dialect":"gemini"}"#, SKL_ERR_INVALID_CONFIG, "'model'"),
        (r#"{"dialect":"gemini","model":"m","request":{"contents":[]}}"#, SKL_ERR_INVALID_CONFIG, "'request.contents'"),
    ];
    for (text, status, needle) in rows.iter().chain(vendors.iter().filter(|_| dialects().len() > 1)) {
        let (found, message) = engine.try_agent_of(text).unwrap_err();
        assert_eq!((found, message.contains(needle)), (*status, true), "{text}: {message}");
    }
}

#[test]
fn output_is_shown_while_a_call_runs() {
    let Some(engine) = Engine::new() else { return };
    let agent = asked(&engine, "openai", json!({ "call_options": { "stream": true } }));
    let output = |events: &Value, stream: &str| -> String {
        let events = events.as_array().into_iter().flatten();
        let ours =
            events.filter(|event| event["event"] == "output" && event["stream"] == stream && event["call_id"] == "a");
        ours.filter_map(|event| event["text"].as_str()).collect()
    };
    agent.feed(&says("openai", false, "", &[call("a", "worker", json!({ "args": ["begin"] }))]), 100);
    let (mut stdout, mut stderr) = (String::new(), String::new());
    while (stdout.as_str(), stderr.as_str()) != ("begun ", "grün") {
        assert_eq!(agent.next(0)["step"], "running");
        let events = agent.events();
        stdout += &output(&events, "stdout");
        stderr += &output(&events, "stderr");
        assert!("begun ".starts_with(&stdout) && "grün".starts_with(&stderr), "{events}");
        assert!((stdout.len(), stderr.len()) == (6, 5) || agent.is_readable(20_000), "{stdout}, {stderr}");
    }
    agent.cancel();
    // A script that prints more than anybody reads is not held up by that, and the end is not lost.
    agent.ask("Again.");
    agent.events();
    agent.feed(&says("openai", false, "", &[call("b", "worker", json!({ "args": ["flood"] }))]), 100);
    assert_eq!(agent.next(-1)["step"], "request");
    let events = agent.events();
    let bytes = events.to_string().len();
    assert!((500_000..2_000_000).contains(&bytes), "{bytes}");
    assert_eq!(events[0]["event"], "dropped");
    let texts: Vec<_> = events.as_array().into_iter().flatten().filter_map(|event| event["text"].as_str()).collect();
    assert!(texts.last().is_some_and(|text| text.ends_with("3000end")), "{}", texts.len());
}

/// A thousand requests with a call each, hundreds of them in the sandbox: descriptors, threads and what is kept of events stay as they are, and memory
/// grows by little more than the transcript.
#[test]
fn a_long_turn_leaves_nothing_behind() {
    if !agent_host::is_alone("a_long_turn_leaves_nothing_behind") {
        return;
    }
    let Some(engine) = Engine::new() else { return };
    let agent = asked(&engine, "openai", json!({ "limits": { "iterations": 2000, "tool_output_tokens": 10_000_000 } }));
    let round = |n: usize| {
        let step = agent.next_text(-1).expect("it goes on");
        assert!(step.contains(&format!("\"iteration\":{n},")), "{n}");
        // Every fourth call is of a tool that is there.
        let tool = if n.is_multiple_of(4) { "worker" } else { "nothing" };
        let said = call(&format!("c{n}"), tool, json!({ "args": ["say", "x"] }));
        agent.feed(&says("openai", n.is_multiple_of(2), "", &[said]), 64);
    };
    (1..=50).for_each(round);
    let before = agent_host::Footprint::now();
    (51..=1000).for_each(round);
    let after = agent_host::Footprint::now();
    agent.feed_when_asked(&says("openai", false, "Done.", &[]));
    assert_eq!(agent.next(-1)["text"], "Done.");
    let transcript = agent.transcript();
    counts("openai", &transcript, 0);
    assert_eq!(agent_host::answers("openai", &transcript).len(), 1000);
    assert!(agent.events().as_array().is_some_and(|events| events.len() <= 1025));
    assert_eq!((after.descriptors, after.threads), (before.descriptors, before.threads));
    let grown = after.resident_bytes.saturating_sub(before.resident_bytes);
    assert!(grown < (16 << 20), "{grown} bytes more for a transcript of {}", transcript.to_string().len());
}

/// Responses that nobody would send and hosts that nobody would write, the same in every run: nothing panics, and every
/// call is answered exactly once.
#[test]
fn soup_is_digested() {
    let Some(engine) = Engine::new() else { return };
    for dialect in dialects() {
        for seed in 0..40 {
            agent_host::soup(&engine, dialect, seed);
        }
    }
}
