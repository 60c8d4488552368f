//! Calls in every form in which vendors and compatible servers send them, and what is no response.

use serde_json::{Value, json};
use skilllite::error::Status;
use skilllite::tool::dialect::Dialect;

/// Calls as text, for tables: id, name, and the arguments or what is wrong with them.
pub(super) fn told(dialect: Dialect, response: &Value) -> Vec<(String, String, Value)> {
    let calls = dialect.calls(response).unwrap_or_else(|error| panic!("{}: {error}: {response}", dialect.name()));
    let arguments = |arguments: skilllite::error::Result<Value>| match arguments {
        Ok(value) => value,
        Err(error) => {
            assert_eq!(error.status, Status::InvalidArguments);
            assert!(error.message.contains("not valid JSON"), "{error}");
            json!("not JSON")
        }
    };
    calls.into_iter().map(|call| (call.id, call.name, arguments(call.arguments))).collect()
}

fn call(id: &str, name: &str, arguments: Value) -> (String, String, Value) {
    (id.to_owned(), name.to_owned(), arguments)
}

#[test]
fn chat_calls() {
    let calls = json!([
        {"id": "1", "type": "function", "function": {"name": "a", "arguments": "{\"x\": 1}"}, "index": 0, "extra": {}},
        {"id": "2", "type": "function", "function": {"name": "b", "arguments": "{\"x\": "}},
        {"id": "3", "type": "function", "function": {"name": "c", "arguments": ""}},
        {"type": "function", "function": {"name": "d", "arguments": {"x": 2}}},
        {"id": "5", "function": {"name": "e", "arguments": "\"{\\\"x\\\": 3}\""}},
        {"id": "x", "type": "custom", "custom": {"name": "not_ours", "input": "text"}},
        {"id": null, "type": "function", "function": {"name": "f", "arguments": null}},
        {"id": "8", "type": "function", "function": {"name": "g"}}
    ]);
    let want = [
        call("1", "a", json!({"x": 1})),
        call("2", "b", json!("not JSON")),
        call("3", "c", json!({})),
        call("", "d", json!({"x": 2})),
        // The second encoding is undone where the tool is known: a string may be what it takes.
        call("5", "e", json!("{\"x\": 3}")),
        call("", "f", json!({})),
        call("8", "g", json!({})),
    ];
    let message = json!({"role": "assistant", "content": "Let me see.", "refusal": null, "tool_calls": calls});
    let choice = json!({"index": 0, "message": message, "finish_reason": "tool_calls"});
    let response = json!({"id": "r", "object": "chat.completion", "choices": [choice], "error": null});
    for form in [&calls, &message, &choice, &response] {
        assert_eq!(told(Dialect::OpenAi, form), want, "{form}");
        assert_eq!(told(Dialect::OpenAiStrict, form), want, "{form}");
    }
}

#[test]
fn response_items() {
    let output = json!([
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see.", "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "1", "name": "a", "arguments": "{\"x\": 1}", "status": "completed"},
        {"type": "function_call", "id": "fc_2", "call_id": "2", "name": "b", "arguments": "{\"x\": ", "status": "incomplete"},
        {"type": "function_call", "call_id": "3", "name": "c", "arguments": ""},
        {"type": "function_call", "call_id": "4", "name": "d", "arguments": {"x": 2}},
        {"type": "custom_tool_call", "call_id": "5", "name": "not_ours", "input": "text"},
        {"type": "mcp_call", "id": "6", "name": "not_ours", "arguments": "{}", "server_label": "s"}
    ]);
    let want = [
        call("1", "a", json!({"x": 1})),
        call("2", "b", json!("not JSON")),
        call("3", "c", json!({})),
        call("4", "d", json!({"x": 2})),
    ];
    let response = json!({"id": "r", "object": "response", "status": "completed", "error": null, "output": output});
    let event = json!({"type": "response.completed", "sequence_number": 9, "response": response});
    for form in [&output, &response, &event] {
        assert_eq!(told(Dialect::OpenAiResponses, form), want, "{form}");
    }
    assert_eq!(told(Dialect::OpenAiResponses, &output[2]), want[..1]);
    // A whole conversation: what has its answer is done.
    let mut conversation = output.as_array().expect("items").clone();
    conversation.push(json!({"type": "function_call_output", "call_id": "1", "output": "5"}));
    assert_eq!(told(Dialect::OpenAiResponses, &json!(conversation)), want[1..]);
}

#[test]
fn anthropic_blocks() {
    let content = json!([
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "1", "name": "a", "input": {"x": 1}, "caller": {"type": "direct"}},
        {"type": "tool_use", "id": "2", "name": "b", "input": "{\"x\": "},
        {"type": "tool_use", "id": "3", "name": "c", "input": {}},
        {"type": "server_tool_use", "id": "4", "name": "web_search", "input": {"query": "q"}},
        {"type": "tool_use", "id": "5", "name": "d"}
    ]);
    let want = [
        call("1", "a", json!({"x": 1})),
        call("2", "b", json!("not JSON")),
        call("3", "c", json!({})),
        call("5", "d", json!({})),
    ];
    let message =
        json!({"id": "m", "type": "message", "role": "assistant", "content": content, "stop_reason": "tool_use"});
    for form in [&content, &message] {
        assert_eq!(told(Dialect::Anthropic, form), want, "{form}");
    }
    assert_eq!(told(Dialect::Anthropic, &content[2]), want[..1]);
}

#[test]
fn gemini_parts() {
    let parts = json!([
        {"text": "Let me see.", "thought": true},
        {"functionCall": {"name": "a", "args": {"x": 1}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"id": "2", "name": "b", "args": {}}},
        {"functionCall": {"name": "c"}},
        {"function_call": {"id": null, "name": "d", "args": null, "partial_args": null}, "text": null},
        {"executableCode": {"language": "PYTHON", "code": "1"}}
    ]);
    let want =
        [call("", "a", json!({"x": 1})), call("2", "b", json!({})), call("", "c", json!({})), call("", "d", json!({}))];
    let content = json!({"role": "model", "parts": parts});
    let candidate = json!({"content": content, "finishReason": "STOP", "index": 0});
    let response = json!({"candidates": [candidate], "usageMetadata": {"totalTokenCount": 5}, "modelVersion": "m"});
    for form in [&parts, &content, &candidate, &response] {
        assert_eq!(told(Dialect::Gemini, form), want, "{form}");
    }
    assert_eq!(told(Dialect::Gemini, &parts[1]), want[..1]);
    // What the vendor's package gives as `response.function_calls`, and all chunks of a stream.
    let list = json!([{"name": "a", "args": {"x": 1}}, {"id": "2", "name": "b", "args": {}}]);
    assert_eq!(told(Dialect::Gemini, &list), want[..2]);
    let chunk = |part: &Value| json!({"candidates": [{"content": {"role": "model", "parts": [part]}}]});
    let last = json!({"usageMetadata": {"totalTokenCount": 5}});
    assert_eq!(told(Dialect::Gemini, &json!([chunk(&parts[1]), chunk(&parts[2]), last])), want[..2]);
}

#[test]
fn mcp_requests() {
    let request = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "a", "arguments": {"x": 1}, "_meta": {}}});
    assert_eq!(told(Dialect::Mcp, &request), [call("7", "a", json!({"x": 1}))]);
    assert_eq!(told(Dialect::Mcp, &request["params"]), [call("", "a", json!({"x": 1}))]);
    let batch = json!([
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        request,
        {"jsonrpc": "2.0", "id": "s", "method": "tools/call", "params": {"name": "b"}},
        {"jsonrpc": "2.0", "id": 1, "result": {}}
    ]);
    assert_eq!(told(Dialect::Mcp, &batch), [call("7", "a", json!({"x": 1})), call("s", "b", json!({}))]);
}

/// Answers in text, refusals, blocked prompts and other things that ask for no tool.
#[test]
fn silence() {
    let rows: &[(Dialect, &[Value])] = &[
        (
            Dialect::OpenAi,
            &[
                json!({"choices": [{"message": {"role": "assistant", "content": "hello"}}]}),
                json!({"choices": [{"message": {"role": "assistant", "content": null, "refusal": "I cannot."}, "finish_reason": "stop"}]}),
                json!({"role": "assistant", "content": "hello", "tool_calls": null}),
                json!({"message": {"role": "assistant", "content": "hello", "tool_calls": []}}),
                json!([]),
            ],
        ),
        (
            Dialect::OpenAiResponses,
            &[
                json!({"object": "response", "status": "completed", "output": [
                    {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "I cannot."}]}
                ]}),
                json!({"object": "response", "status": "incomplete", "incomplete_details": {"reason": "content_filter"}, "output": []}),
                json!([]),
                json!({"type": "message", "role": "assistant", "content": []}),
                json!({"type": "function_call_output", "call_id": "1", "output": "5"}),
            ],
        ),
        (
            Dialect::Anthropic,
            &[
                json!({"type": "message", "role": "assistant", "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn"}),
                json!({"type": "message", "role": "assistant", "content": [], "stop_reason": "refusal"}),
                json!({"role": "assistant", "content": "hi"}),
                json!([]),
            ],
        ),
        (
            Dialect::Gemini,
            &[
                json!({"candidates": [{"content": {"parts": [{"text": "hi"}], "role": "model"}, "finishReason": "STOP"}]}),
                json!({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "..."}]}),
                json!({"candidates": [{"content": {"role": "model"}, "finishReason": "SAFETY"}]}),
                json!({"promptFeedback": {"blockReason": "SAFETY"}}),
                json!({"candidates": [], "usageMetadata": {}}),
                json!({"candidates": null, "prompt_feedback": {}}),
                json!([]),
                json!({"text": "hi"}),
            ],
        ),
        (
            Dialect::Mcp,
            &[
                json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
                json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
                json!([]),
            ],
        ),
    ];
    for (dialect, responses) in rows {
        for response in *responses {
            assert_eq!(told(*dialect, response), [], "{}: {response}", dialect.name());
        }
    }
}

#[test]
fn responses_of_another_shape_are_errors() {
    let strange = [json!(null), json!("text"), json!(5), json!({}), json!([5]), json!({"unknown": {}})];
    let rows: &[(Dialect, &str, &[Value])] = &[
        (
            Dialect::OpenAi,
            "OpenAI chat",
            &[
                json!({"choices": []}),
                json!({"choices": [{"message": "hello"}]}),
                json!({"role": "assistant", "tool_calls": {}}),
                json!([{"id": "1", "type": "function"}]),
                json!([{"id": "1", "function": {"arguments": "{}"}}]),
                json!([{"id": "1", "function": {"name": "", "arguments": "{}"}}]),
            ],
        ),
        (
            Dialect::OpenAiResponses,
            "OpenAI response",
            &[
                json!({"output": "text"}),
                json!({"output": [5]}),
                json!({"output": [{"type": "function_call", "call_id": "1"}]}),
                json!([{"type": "function_call", "name": 5}]),
            ],
        ),
        (
            Dialect::Anthropic,
            "Anthropic",
            &[
                json!({"content": {}}),
                json!({"content": ["text"]}),
                json!([{"type": "tool_use", "id": "1", "input": {}}]),
                json!({"type": "tool_use", "name": ""}),
            ],
        ),
        (
            Dialect::Gemini,
            "Gemini",
            &[
                json!({"candidates": 5}),
                json!({"candidates": [{"content": {"parts": {}}}]}),
                json!({"parts": [{"functionCall": {"args": {}}}]}),
                json!([[{"functionCall": {"name": "a"}}]]),
            ],
        ),
        (
            Dialect::Mcp,
            "MCP",
            &[
                json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call"}),
                json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"arguments": {}}}),
                json!({"method": 5}),
                json!({"name": 5}),
            ],
        ),
    ];
    for (dialect, name, responses) in rows {
        for response in strange.iter().chain(*responses) {
            let error = dialect.calls(response).expect_err("another shape");
            assert_eq!(error.status, Status::InvalidResponse, "{response}: {error}");
            assert!(error.message.contains(name), "{response}: {error}");
        }
    }
}

#[test]
fn a_vendors_error_is_told_in_its_words() {
    let rows = [
        (
            Dialect::OpenAi,
            json!({"error": {"message": "quota", "type": "insufficient_quota", "code": "insufficient_quota"}}),
        ),
        (Dialect::OpenAi, json!({"error": "quota"})),
        (Dialect::OpenAiResponses, json!({"error": {"message": "quota", "code": null}})),
        (
            Dialect::OpenAiResponses,
            json!({"object": "response", "status": "failed", "error": {"code": "server_error", "message": "quota"}, "output": []}),
        ),
        (Dialect::Anthropic, json!({"type": "error", "error": {"type": "overloaded_error", "message": "quota"}})),
        (Dialect::Gemini, json!({"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}})),
    ];
    for (dialect, response) in rows {
        let error = dialect.calls(&response).expect_err("an error");
        assert_eq!(error.status, Status::InvalidResponse);
        assert!(error.message.contains("error of the server") && error.message.contains("quota"), "{error}");
    }
}
