//! Streams as vendors and compatible servers send them, whole, cut anywhere, and broken.

use serde_json::{Value, json};
use skilllite::error::{Error, Status};
use skilllite::tool::dialect::{Assembler, Dialect};

use super::calls::told;

/// A stream of server-sent events with these objects; with `named`, each has its type as the event's name.
fn sse(events: &[Value], named: bool, end: &str) -> String {
    let mut text = String::new();
    for event in events {
        if named {
            text.push_str(&format!("event: {}\n", event["type"].as_str().unwrap_or("message")));
        }
        text.push_str(&format!("data: {event}\n\n"));
    }
    text + end
}

fn chat(delta: Value) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
           "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]})
}

fn chat_end(reason: &str) -> Value {
    json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
           "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": null})
}

fn piece(index: u64, arguments: &str) -> Value {
    chat(json!({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}))
}

fn begin(index: u64, id: &str, name: &str) -> Value {
    chat(
        json!({"tool_calls": [{"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}]}),
    )
}

fn gemini(parts: Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}], "modelVersion": "m"})
}

fn gemini_end(parts: Value) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}],
           "usageMetadata": {"totalTokenCount": 9}, "modelVersion": "m"})
}

fn block(index: u64, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

/// Name, dialect, events, and the calls: id, name, arguments.
type Row = (&'static str, Dialect, Vec<Value>, Vec<(&'static str, &'static str, Value)>);

fn chats() -> Vec<Row> {
    vec![
        (
            "two calls beside text",
            Dialect::OpenAi,
            vec![
                chat(json!({"role": "assistant", "content": "", "refusal": null})),
                chat(json!({"content": "Let me "})),
                chat(json!({"content": "see… 数"})),
                begin(0, "1", "a"),
                piece(0, "{\"x\""),
                piece(0, ": \"é\\"),
                piece(0, "n\"}"),
                begin(1, "2", "b"),
                piece(1, "{}"),
                chat_end("tool_calls"),
                json!({"id": "c", "choices": [], "usage": {"total_tokens": 9}}),
            ],
            vec![("1", "a", json!({"x": "é\n"})), ("2", "b", json!({}))],
        ),
        (
            "only text",
            Dialect::OpenAi,
            vec![chat(json!({"role": "assistant", "content": "hi"})), chat_end("stop")],
            vec![],
        ),
        (
            "a refusal",
            Dialect::OpenAi,
            vec![
                chat(json!({"role": "assistant", "refusal": "I can"})),
                chat(json!({"refusal": "not."})),
                chat_end("stop"),
            ],
            vec![],
        ),
        (
            "calls that all have the index 0",
            Dialect::OpenAi,
            vec![
                chat(
                    json!({"tool_calls": [{"index": 0, "id": "1", "type": "function", "function": {"name": "a", "arguments": "{\"x\":1}"}}]}),
                ),
                chat(
                    json!({"tool_calls": [{"index": 0, "id": "2", "type": "function", "function": {"name": "a", "arguments": "{\"x\":2}"}}]}),
                ),
                chat_end("stop"),
            ],
            vec![("1", "a", json!({"x": 1})), ("2", "a", json!({"x": 2}))],
        ),
        (
            "calls without an index, the last one in pieces",
            Dialect::OpenAi,
            vec![
                chat(json!({"tool_calls": [
                    {"id": "1", "function": {"name": "a", "arguments": "{}"}, "type": "function"},
                    {"id": "2", "function": {"name": "b", "arguments": "{\"x\""}, "type": "function",
                     "extra_content": {"google": {"thought_signature": "s"}}}
                ]})),
                chat(json!({"tool_calls": [{"function": {"arguments": ":1"}}]})),
                chat(json!({"tool_calls": [{"id": "2", "function": {"arguments": "}"}}]})),
                chat_end("stop"),
            ],
            vec![("1", "a", json!({})), ("2", "b", json!({"x": 1}))],
        ),
        (
            "calls without index and id, whole each",
            Dialect::OpenAi,
            vec![
                chat(json!({"tool_calls": [{"function": {"name": "a", "arguments": {"x": 1}}}]})),
                chat(json!({"tool_calls": [{"function": {"name": "a", "arguments": {"x": 2}}}]})),
                chat_end("stop"),
            ],
            vec![("", "a", json!({"x": 1})), ("", "a", json!({"x": 2}))],
        ),
        (
            "a server that repeats id, type and name",
            Dialect::OpenAi,
            vec![
                chat(
                    json!({"tool_calls": [{"index": 0, "id": "1", "type": "function", "function": {"name": "a", "arguments": "{\"x\""}}]}),
                ),
                chat(
                    json!({"tool_calls": [{"index": 0, "id": "1", "type": "function", "function": {"name": "a", "arguments": ":1}"}}]}),
                ),
                chat(
                    json!({"tool_calls": [{"index": 0, "id": "", "type": null, "function": {"name": "", "arguments": ""}}]}),
                ),
                chat_end("tool_calls"),
            ],
            vec![("1", "a", json!({"x": 1}))],
        ),
        (
            "a server that does not stream",
            Dialect::OpenAi,
            vec![
                json!({"id": "c", "object": "chat.completion", "choices": [{"index": 0, "finish_reason": "tool_calls", "message":
                {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "a", "arguments": "{}"}}]}}]}),
            ],
            vec![("1", "a", json!({}))],
        ),
        (
            "arguments that were cut off by the model's bound",
            Dialect::OpenAi,
            vec![begin(0, "1", "a"), piece(0, "{\"x\": "), chat_end("length")],
            vec![("1", "a", json!("not JSON"))],
        ),
    ]
}

fn items() -> Vec<Row> {
    let item = |arguments: &str, status: &str| json!({"type": "function_call", "id": "fc", "call_id": "1", "name": "a", "arguments": arguments, "status": status});
    let begun = json!({"type": "response.created", "response": {"id": "r", "object": "response", "status": "in_progress", "output": []}});
    let added = json!({"type": "response.output_item.added", "output_index": 0, "item": item("", "in_progress")});
    let piece = |text: &str| json!({"type": "response.function_call_arguments.delta", "item_id": "fc", "output_index": 0, "delta": text});
    let whole = json!({"type": "response.function_call_arguments.done", "item_id": "fc", "output_index": 0, "arguments": "{\"x\":1}"});
    let done = json!({"type": "response.output_item.done", "output_index": 0, "item": item("{\"x\":1}", "completed")});
    let end = |kind: &str, output: Value| json!({"type": format!("response.{kind}"), "response": {"id": "r", "object": "response", "status": kind, "output": output}});
    let message = json!({"type": "message", "id": "m", "role": "assistant", "status": "completed",
                         "content": [{"type": "output_text", "text": "Let me see.", "annotations": []}]});
    vec![
        (
            "a call, and the whole response at the end",
            Dialect::OpenAiResponses,
            vec![
                begun.clone(),
                added.clone(),
                piece("{\"x\""),
                piece(":1}"),
                whole.clone(),
                done.clone(),
                end("completed", json!([item("{\"x\":1}", "completed")])),
            ],
            vec![("1", "a", json!({"x": 1}))],
        ),
        (
            "an end without the output",
            Dialect::OpenAiResponses,
            vec![
                begun.clone(),
                added.clone(),
                piece("{\"x\""),
                done.clone(),
                json!({"type": "response.output_item.done", "output_index": 1, "item": message}),
                end("completed", json!([])),
            ],
            vec![("1", "a", json!({"x": 1}))],
        ),
        (
            "an end without output or item ends",
            Dialect::OpenAiResponses,
            vec![added.clone(), piece("{\"x\""), piece(":1}"), end("completed", Value::Null)],
            vec![("1", "a", json!({"x": 1}))],
        ),
        (
            "a response that hit its bound",
            Dialect::OpenAiResponses,
            vec![
                begun.clone(),
                added.clone(),
                piece("{\"x\""),
                end("incomplete", json!([item("{\"x\"", "incomplete")])),
            ],
            vec![("1", "a", json!("not JSON"))],
        ),
        (
            "text and a refusal",
            Dialect::OpenAiResponses,
            vec![
                json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "message", "id": "m", "content": []}}),
                json!({"type": "response.content_part.added", "output_index": 0, "content_index": 0, "part": {"type": "output_text", "text": ""}}),
                json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "hi"}),
                json!({"type": "response.refusal.delta", "output_index": 0, "content_index": 7, "delta": "no"}),
                json!({"type": "response.new_kind.delta", "output_index": 5}),
                end("completed", json!([])),
            ],
            vec![],
        ),
    ]
}

fn blocks() -> Vec<Row> {
    let begun = json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 5, "output_tokens": 1}}});
    let tool = |id: &str, name: &str| json!({"type": "tool_use", "id": id, "name": name, "input": {}});
    let json_delta = |index: u64, text: &str| delta(index, json!({"type": "input_json_delta", "partial_json": text}));
    let ended = |reason: &str| json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 9}});
    vec![
        (
            "two calls after thinking and text",
            Dialect::Anthropic,
            vec![
                begun.clone(),
                block(0, json!({"type": "thinking", "thinking": "", "signature": ""})),
                delta(0, json!({"type": "thinking_delta", "thinking": "hm"})),
                delta(0, json!({"type": "signature_delta", "signature": "c2ln"})),
                stop(0),
                json!({"type": "ping"}),
                block(1, json!({"type": "text", "text": ""})),
                delta(1, json!({"type": "text_delta", "text": "Let me see."})),
                stop(1),
                block(2, tool("1", "a")),
                json_delta(2, ""),
                json_delta(2, "{\"x\": \"\\u00"),
                json_delta(2, "e9\"}"),
                stop(2),
                block(3, tool("2", "b")),
                json_delta(3, ""),
                stop(3),
                json!({"type": "a_new_kind_of_event"}),
                ended("tool_use"),
                json!({"type": "message_stop"}),
            ],
            vec![("1", "a", json!({"x": "é"})), ("2", "b", json!({}))],
        ),
        (
            "input that was cut off",
            Dialect::Anthropic,
            vec![
                begun.clone(),
                block(0, tool("1", "a")),
                json_delta(0, "{\"x\": "),
                stop(0),
                ended("max_tokens"),
                json!({"type": "message_stop"}),
            ],
            vec![("1", "a", json!("not JSON"))],
        ),
        ("a refusal", Dialect::Anthropic, vec![begun, ended("refusal"), json!({"type": "message_stop"})], vec![]),
        (
            "a server that does not stream",
            Dialect::Anthropic,
            vec![json!({"type": "message", "role": "assistant", "stop_reason": "tool_use", "content":
                [{"type": "tool_use", "id": "1", "name": "a", "input": {"x": 1}}]})],
            vec![("1", "a", json!({"x": 1}))],
        ),
    ]
}

fn candidates() -> Vec<Row> {
    vec![
        (
            "text, then calls in chunks of their own",
            Dialect::Gemini,
            vec![
                gemini(json!([{"text": "Let "}])),
                gemini(json!([{"text": "me see."}])),
                gemini(json!([{"functionCall": {"name": "a", "args": {"x": 1}}, "thoughtSignature": "c2ln"}])),
                gemini(json!([{"functionCall": {"name": "a", "args": {"x": 2}}}])),
                gemini_end(json!([{"text": ""}])),
            ],
            vec![("", "a", json!({"x": 1})), ("", "a", json!({"x": 2}))],
        ),
        (
            "arguments in pieces",
            Dialect::Gemini,
            vec![
                gemini(json!([{"functionCall": {"name": "a", "id": "1", "willContinue": true}}])),
                gemini(json!([{"functionCall": {"willContinue": true, "partialArgs": [
                    {"jsonPath": "$.city", "stringValue": "Par", "willContinue": true}]}}])),
                gemini(json!([{"functionCall": {"willContinue": true, "partialArgs": [
                    {"jsonPath": "$.city", "stringValue": "is", "willContinue": false},
                    {"jsonPath": "$.days", "numberValue": 3.0},
                    {"jsonPath": "$.deep.list[0]['a key']", "boolValue": true},
                    {"jsonPath": "$.deep.list[1]", "nullValue": "NULL_VALUE"}]}}])),
                gemini(json!([{"functionCall": {"willContinue": true, "partialArgs": [
                    {"jsonPath": "$.deep.city", "stringValue": "Rome", "willContinue": true},
                    {"jsonPath": "$.deep.city"}]}}])),
                gemini(json!([{"functionCall": {}}])),
                gemini(json!([{"functionCall": {"name": "b", "args": {}}}])),
                gemini_end(json!([])),
            ],
            vec![
                (
                    "1",
                    "a",
                    json!({"city": "Paris", "days": 3, "deep": {"list": [{"a key": true}, null], "city": "Rome"}}),
                ),
                ("", "b", json!({})),
            ],
        ),
        (
            "pieces as the vendor's package dumps them",
            Dialect::Gemini,
            vec![
                json!({"candidates": [{"content": {"role": "model", "parts": [
                    {"text": null, "function_call": {"id": null, "name": "a", "args": null, "partial_args": null, "will_continue": true}}]},
                    "finish_reason": null}]}),
                json!({"candidates": [{"content": {"role": "model", "parts": [
                    {"text": null, "function_call": {"name": null, "args": null, "will_continue": null, "partial_args": [
                        {"json_path": "$.x", "string_value": null, "number_value": 1.5, "null_value": null, "bool_value": null}]}}]},
                    "finish_reason": "STOP"}]}),
            ],
            vec![("", "a", json!({"x": 1.5}))],
        ),
        (
            "a prompt that was blocked",
            Dialect::Gemini,
            vec![json!({"promptFeedback": {"blockReason": "SAFETY"}})],
            vec![],
        ),
        (
            "an answer that was blocked",
            Dialect::Gemini,
            vec![gemini(json!([{"text": "So"}])), json!({"candidates": [{"finishReason": "SAFETY", "index": 0}]})],
            vec![],
        ),
    ]
}

fn messages() -> Vec<Row> {
    let call = |id: u64| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "a", "arguments": {"x": id}}});
    vec![
        (
            "one request",
            Dialect::Mcp,
            vec![json!({"jsonrpc": "2.0", "method": "notifications/x"}), call(1)],
            vec![("1", "a", json!({"x": 1}))],
        ),
        (
            "two requests",
            Dialect::Mcp,
            vec![call(1), call(2)],
            vec![("1", "a", json!({"x": 1})), ("2", "a", json!({"x": 2}))],
        ),
    ]
}

fn rows() -> Vec<Row> {
    [chats(), items(), blocks(), candidates(), messages()].concat()
}

fn assembled(dialect: Dialect, chunks: &[&[u8]]) -> Result<Value, Error> {
    let mut assembler = Assembler::new(dialect);
    for chunk in chunks {
        assembler.feed(chunk)?;
    }
    assembler.response()
}

#[test]
fn streams_become_the_same_calls() {
    for (name, dialect, events, want) in rows() {
        let want: Vec<_> =
            want.into_iter().map(|(id, name, arguments)| (id.to_owned(), name.to_owned(), arguments)).collect();
        let mut assembler = Assembler::new(dialect);
        assert!(!assembler.is_complete(), "{name}");
        for event in &events {
            assembler.push(event).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        assert!(assembler.is_complete(), "{name}");
        let response = assembler.response().expect(name);
        assert_eq!(told(dialect, &response), want, "{name}: {response}");

        let compact: String = events.iter().map(Value::to_string).collect();
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        let pretty = serde_json::to_string_pretty(&events).expect("JSON");
        let forms = [
            sse(&events, false, ""),
            sse(&events, true, "data: [DONE]\n\n"),
            format!("\u{feff}: a comment\r\n\r\nretry: 5\r\nid: 7\r\n{}", sse(&events, true, "").replace('\n', "\r\n")),
            sse(&events, false, "").replace('\n', "\r"),
            sse(&events, false, "").replace("data: ", "data:"),
            // The end of the last event is missing.
            sse(&events, false, "").trim_end().to_owned(),
            compact,
            lines,
            pretty,
        ];
        for (number, form) in forms.iter().enumerate() {
            let same =
                assembled(dialect, &[form.as_bytes()]).unwrap_or_else(|error| panic!("{name}, form {number}: {error}"));
            assert_eq!(same, response, "{name}, form {number}");
        }
    }
}

/// Cut into two, into single bytes, and at random into many, a stream gives the same.
#[test]
fn where_a_stream_is_cut_makes_no_difference() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = move |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % bound as u64).unwrap_or(0)
    };
    for (name, dialect, events, _) in rows() {
        let lines = sse(&events, true, "data: [DONE]\n\n");
        let pretty = serde_json::to_string_pretty(&events).expect("JSON");
        for text in [lines.replace('\n', "\r\n"), lines, pretty] {
            let bytes = text.as_bytes();
            let want = assembled(dialect, &[bytes]).expect(name);
            let singles: Vec<&[u8]> = bytes.chunks(1).collect();
            assert_eq!(assembled(dialect, &singles), Ok(want.clone()), "{name}: byte by byte");
            // Every place would take long; an odd step meets all kinds of places over the rows.
            for place in (0..=bytes.len()).step_by(23) {
                let (head, tail) = bytes.split_at(place);
                assert_eq!(assembled(dialect, &[head, tail]), Ok(want.clone()), "{name}: cut at {place}");
            }
            for _ in 0..20 {
                let (mut rest, mut chunks) = (bytes, Vec::new());
                while !rest.is_empty() {
                    let most = 1 << below(8);
                    let (head, tail) = rest.split_at(below(rest.len().min(most)) + 1);
                    chunks.push(head);
                    rest = tail;
                }
                assert_eq!(assembled(dialect, &chunks), Ok(want.clone()), "{name}: {} pieces", chunks.len());
            }
        }
    }
}

/// A call that was cut off must not run: before the end there is no response.
#[test]
fn a_stream_that_breaks_off_is_no_response() {
    for (name, dialect, events, _) in rows() {
        let Some((_, some)) = events.split_last() else { continue };
        let mut assembler = Assembler::new(dialect);
        some.iter().for_each(|event| assembler.push(event).expect(name));
        // What the last event only adds to.
        let is_over = assembler.is_complete();
        match assembler.response() {
            Ok(_) => assert!(is_over, "{name}"),
            Err(error) => {
                assert!(!is_over, "{name}");
                assert_eq!(error.status, Status::InvalidResponse);
                assert!(error.message.contains("not at its end"), "{name}: {error}");
            }
        }
    }
    for (_, dialect) in Dialect::ALL.iter().copied() {
        assert!(Assembler::new(dialect).response().is_err());
    }
    let cut = assembled(Dialect::OpenAi, &[sse(&[begin(0, "1", "a"), piece(0, "{}")], false, "").as_bytes()]);
    assert_eq!(cut.expect_err("cut off").status, Status::InvalidResponse);
    let marked =
        assembled(Dialect::OpenAi, &[sse(&[begin(0, "1", "a"), piece(0, "{}")], false, "data: [DONE]\n\n").as_bytes()]);
    assert!(marked.is_ok(), "an end mark is an end");
}

#[test]
fn faults_are_named_and_final() {
    let long = format!("data: {{\"choices\": [{}", "x".repeat(70 << 20));
    let rows: &[(Dialect, &[u8], Status, &str)] = &[
        (Dialect::OpenAi, b"data: {\"choices\":\n\n", Status::InvalidResponse, "event 1 is not JSON"),
        (Dialect::OpenAi, b"data: {}\n\ndata: hello\n\n", Status::InvalidResponse, "event 2 is not JSON"),
        (Dialect::OpenAi, b"data: \"x\xff\"\n\n", Status::InvalidUtf8, "event 1 is not UTF-8"),
        (Dialect::OpenAi, b"data: [1]\n\n", Status::InvalidResponse, "not an object"),
        (Dialect::OpenAi, b"{} hello", Status::InvalidResponse, "event 2: expected a JSON object"),
        (Dialect::OpenAi, b"data: {\"choices\":5}\n\n", Status::InvalidResponse, "`choices`"),
        (Dialect::OpenAi, b"data: {\"choices\":[{\"delta\":{\"tool_calls\":[5]}}]}\n\n", Status::InvalidResponse, "tool call"),
        (Dialect::OpenAi, b"data: {\"error\":{\"message\":\"quota\"}}\n\n", Status::InvalidResponse, "quota"),
        (Dialect::OpenAi, b": hi\n\n{\"error\":{\"message\":\"quota\"}}\n", Status::InvalidResponse, "quota"),
        (Dialect::OpenAi, long.as_bytes(), Status::InvalidResponse, "larger than"),
        (Dialect::OpenAiResponses, b"data: {\"type\":\"error\",\"code\":\"x\",\"message\":\"quota\"}\n\n", Status::InvalidResponse, "quota"),
        (Dialect::OpenAiResponses, b"data: {}\n\n", Status::InvalidResponse, "`type`"),
        (Dialect::OpenAiResponses, b"data: {\"type\":\"response.completed\"}\n\n", Status::InvalidResponse, "no `response`"),
        (
            Dialect::Anthropic,
            b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"quota\"}}\n\n",
            Status::InvalidResponse,
            "overloaded_error: quota",
        ),
        (
            Dialect::Anthropic,
            b"data: {\"type\":\"content_block_delta\",\"index\":3,\"delta\":{}}\n\n",
            Status::InvalidResponse,
            "block 3 was not begun",
        ),
        (Dialect::Gemini, b"[{\"error\":{\"code\":429,\"message\":\"quota\"}}]", Status::InvalidResponse, "quota"),
        (Dialect::Gemini, b"data: {\"candidates\":[{\"content\":{\"parts\":{}}}]}\n\n", Status::InvalidResponse, "`parts`"),
        (Dialect::Mcp, b"data: 5\n\n", Status::InvalidResponse, "JSON-RPC"),
    ];
    for (dialect, bytes, status, needle) in rows {
        let mut assembler = Assembler::new(*dialect);
        let error = assembler.feed(bytes).expect_err(needle);
        assert_eq!(error.status, *status, "{error}");
        assert!(error.message.contains(needle), "{error}");
        assert_eq!(assembler.feed(b""), Err(error.clone()));
        assert_eq!(assembler.push(&chat_end("stop")), Err(error.clone()));
        assert_eq!(assembler.response(), Err(error));
        assert!(!assembler.is_complete());
    }
}

/// Paths that a server must not make us follow.
#[test]
fn strange_paths_of_arguments_are_refused() {
    let deep = format!("${}", ".a".repeat(100));
    let paths = [
        "",
        "x",
        "$.",
        "$..x",
        "$[",
        "$[x]",
        "$['x",
        "$['x'",
        "$.x[1]",
        "$.x[99999999999999999999]",
        "$.t.x",
        "$[0]",
        deep.as_str(),
    ];
    for path in paths {
        let mut assembler = Assembler::new(Dialect::Gemini);
        let call = json!({"name": "a", "args": {"t": "text"}, "willContinue": true, "partialArgs": [{"jsonPath": path, "stringValue": "v"}]});
        let error = assembler.push(&gemini(json!([{"functionCall": call}]))).expect_err(path);
        assert!(error.message.contains("path"), "{path}: {error}");
    }
}

/// Not only calls come out as they would without streaming.
#[test]
fn the_rest_of_a_response_is_there_too() {
    let whole = |name: &str| {
        let (_, dialect, events, _) = rows().into_iter().find(|row| row.0 == name).expect("a row");
        let mut assembler = Assembler::new(dialect);
        events.iter().for_each(|event| assembler.push(event).expect(name));
        assembler.response().expect(name)
    };
    let chat = whole("two calls beside text");
    assert_eq!(chat["object"], "chat.completion");
    assert_eq!(chat["usage"]["total_tokens"], 9);
    assert_eq!(chat["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(chat["choices"][0]["message"]["content"], "Let me see… 数");
    assert_eq!(chat["choices"][0]["message"]["tool_calls"][0]["type"], "function");
    let refusal = whole("a refusal");
    assert_eq!(refusal["choices"][0]["message"]["refusal"], "I cannot.");
    let pieces = whole("calls without an index, the last one in pieces");
    let signature = &pieces["choices"][0]["message"]["tool_calls"][1]["extra_content"]["google"]["thought_signature"];
    assert_eq!(signature, "s");
    let items = whole("text and a refusal");
    assert_eq!(items["output"][0]["content"][0]["text"], "hi");
    let blocks = whole("two calls after thinking and text");
    assert_eq!(blocks["content"][0], json!({"type": "thinking", "thinking": "hm", "signature": "c2ln"}));
    assert_eq!(blocks["content"][1]["text"], "Let me see.");
    assert_eq!(blocks["usage"], json!({"input_tokens": 5, "output_tokens": 9}));
    assert_eq!(blocks["stop_reason"], "tool_use");
    let candidates = whole("text, then calls in chunks of their own");
    let parts = &candidates["candidates"][0]["content"]["parts"];
    assert_eq!(parts[0], json!({"text": "Let me see."}));
    assert_eq!(parts[1]["thoughtSignature"], "c2ln");
    assert_eq!(
        (&candidates["candidates"][0]["finishReason"], &candidates["usageMetadata"]["totalTokenCount"]),
        (&json!("STOP"), &json!(9))
    );
}

/// Streams with bytes changed, left out or repeated, and documents with values exchanged, end in an answer or an error.
#[test]
fn damage_is_survived() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |bound: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % bound as u64).unwrap_or(0)
    };
    let (mut survived, mut refused) = (0, 0);
    for (_, dialect, events, _) in rows() {
        for _ in 0..60 {
            let mut events = events.clone();
            let (at, other) = (below(events.len()), below(events.len()));
            match below(4) {
                0 => events.swap(at, other),
                1 => drop(events.remove(at)),
                2 => events.insert(at, events[other].clone()),
                _ => {}
            }
            let mut bytes = sse(&events, false, "").into_bytes();
            for _ in 0..below(4) {
                let place = below(bytes.len().max(1));
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = b"{}[]\",:0\n\\x\xff"[below(12)];
                }
            }
            // Fed as another dialect as well.
            for dialect in [dialect, Dialect::ALL[below(Dialect::ALL.len())].1] {
                match assembled(dialect, &[&bytes]).and_then(|response| dialect.calls(&response)) {
                    Ok(_) => survived += 1,
                    Err(error) => {
                        refused += 1;
                        assert!(matches!(error.status, Status::InvalidResponse | Status::InvalidUtf8), "{error}");
                    }
                }
            }
        }
    }
    assert!(survived > 100 && refused > 100, "{survived} survived, {refused} refused");
}
