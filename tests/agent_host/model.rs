//! What a model says, in each vendor's shape, whole and streamed; and what is in a transcript.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A call that the model makes. Arguments that are a text are sent as they are where the vendor has text.
#[derive(Clone)]
pub struct Said {
    pub id: String,
    pub name: String,
    pub arguments: Value,
}

pub fn call(id: &str, name: &str, arguments: Value) -> Said {
    Said { id: id.to_owned(), name: name.to_owned(), arguments }
}

/// Those in which a model is asked, of this build.
pub fn dialects() -> Vec<&'static str> {
    match cfg!(feature = "dialects") {
        true => vec![
            "openai",
            "openai:strict",
            "openai-responses",
            "openai-responses:strict",
            "anthropic",
            "anthropic:strict",
            "gemini",
        ],
        false => vec!["openai"],
    }
}

/// The body of a response.
pub fn says(dialect: &str, is_streamed: bool, text: &str, calls: &[Said]) -> Vec<u8> {
    let vendor = dialect.split(':').next().unwrap_or_default();
    match (vendor, is_streamed) {
        ("openai", false) => openai(text, calls).to_string(),
        ("openai", true) => openai_stream(text, calls),
        ("openai-responses", false) => responses(text, calls).to_string(),
        ("openai-responses", true) => responses_stream(text, calls),
        ("anthropic", false) => anthropic(text, calls).to_string(),
        ("anthropic", true) => anthropic_stream(text, calls),
        (_, false) => gemini(text, calls).to_string(),
        (_, true) => gemini_stream(text, calls),
    }
    .into_bytes()
}

fn arguments(call: &Said) -> String {
    call.arguments.as_str().map_or_else(|| call.arguments.to_string(), str::to_owned)
}

fn with_id(mut value: Value, key: &str, call: &Said) -> Value {
    if !call.id.is_empty() {
        value[key] = json!(call.id);
    }
    value
}

fn event(data: Value) -> String {
    format!("data: {data}\n\n")
}

/// A text in two pieces, cut inside.
fn pieces(text: &str) -> [&str; 2] {
    let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    [&text[..middle], &text[middle..]]
}

fn openai(text: &str, calls: &[Said]) -> Value {
    let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { json!(text) };
    let mut message = json!({ "role": "assistant", "content": content, "refusal": null });
    if !calls.is_empty() {
        let one = |call: &Said| {
            let function = json!({ "name": call.name, "arguments": arguments(call) });
            with_id(json!({ "type": "function", "function": function }), "id", call)
        };
        message["tool_calls"] = calls.iter().map(one).collect();
    }
    let finish = if calls.is_empty() { "stop" } else { "tool_calls" };
    json!({ "id": "r", "object": "chat.completion", "choices": [{ "index": 0, "message": message, "finish_reason": finish }] })
}

fn openai_stream(text: &str, calls: &[Said]) -> String {
    let chunk = |delta: Value, finish: Value| {
        event(json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }] }))
    };
    let mut body = chunk(json!({ "role": "assistant", "content": "" }), Value::Null);
    for piece in pieces(text) {
        body += &chunk(json!({ "content": piece }), Value::Null);
    }
    for (index, call) in calls.iter().enumerate() {
        let start = json!({ "index": index, "type": "function", "function": { "name": call.name, "arguments": "" } });
        body += &chunk(json!({ "tool_calls": [with_id(start, "id", call)] }), Value::Null);
        for piece in pieces(&arguments(call)) {
            body +=
                &chunk(json!({ "tool_calls": [{ "index": index, "function": { "arguments": piece } }] }), Value::Null);
        }
    }
    body + &chunk(json!({}), json!(if calls.is_empty() { "stop" } else { "tool_calls" })) + "data: [DONE]\n\n"
}

fn responses(text: &str, calls: &[Said]) -> Value {
    let mut output = vec![json!({ "type": "reasoning", "id": "rs", "summary": [] })];
    if !text.is_empty() {
        let part = json!({ "type": "output_text", "text": text, "annotations": [] });
        output.push(
            json!({ "type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [part] }),
        );
    }
    output.extend(calls.iter().map(|call| {
        let item = json!({ "type": "function_call", "id": "fc", "name": call.name, "arguments": arguments(call) });
        with_id(item, "call_id", call)
    }));
    json!({ "id": "r", "object": "response", "status": "completed", "output": output })
}

fn responses_stream(text: &str, calls: &[Said]) -> String {
    let whole = responses(text, calls);
    let mut body =
        event(json!({ "type": "response.created", "response": { "id": "r", "status": "in_progress", "output": [] } }));
    for (index, item) in whole["output"].as_array().into_iter().flatten().enumerate() {
        body += &event(json!({ "type": "response.output_item.added", "output_index": index, "item": item }));
        if item["type"] == "message" {
            for piece in pieces(text) {
                body += &event(
                    json!({ "type": "response.output_text.delta", "output_index": index, "content_index": 0, "delta": piece }),
                );
            }
        }
        body += &event(json!({ "type": "response.output_item.done", "output_index": index, "item": item }));
    }
    body + &event(json!({ "type": "response.completed", "response": whole }))
}

fn input(call: &Said) -> Value {
    // An input is an object; what is none is what a broken stream leaves.
    call.arguments.clone()
}

fn anthropic(text: &str, calls: &[Said]) -> Value {
    let mut content = Vec::new();
    if !text.is_empty() {
        content.push(json!({ "type": "text", "text": text }));
    }
    content.extend(
        calls
            .iter()
            .map(|call| with_id(json!({ "type": "tool_use", "name": call.name, "input": input(call) }), "id", call)),
    );
    let reason = if calls.is_empty() { "end_turn" } else { "tool_use" };
    json!({ "id": "r", "type": "message", "role": "assistant", "content": content, "stop_reason": reason })
}

fn anthropic_stream(text: &str, calls: &[Said]) -> String {
    let mut body =
        event(json!({ "type": "message_start", "message": { "id": "r", "role": "assistant", "content": [] } }));
    let mut index = 0;
    if !text.is_empty() {
        body += &event(
            json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        );
        for piece in pieces(text) {
            body += &event(
                json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": piece } }),
            );
        }
        index = 1;
    }
    for call in calls {
        let block = with_id(json!({ "type": "tool_use", "name": call.name, "input": {} }), "id", call);
        body += &event(json!({ "type": "content_block_start", "index": index, "content_block": block }));
        for piece in pieces(&arguments(call)) {
            let delta = json!({ "type": "input_json_delta", "partial_json": piece });
            body += &event(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        }
        body += &event(json!({ "type": "content_block_stop", "index": index }));
        index += 1;
    }
    let reason = if calls.is_empty() { "end_turn" } else { "tool_use" };
    body + &event(json!({ "type": "message_delta", "delta": { "stop_reason": reason } }))
        + &event(json!({ "type": "message_stop" }))
}

fn parts(text: &str, calls: &[Said]) -> Vec<Value> {
    let mut parts = Vec::new();
    if !text.is_empty() {
        parts.push(json!({ "text": text }));
    }
    parts.extend(calls.iter().map(|call| {
        let inner = with_id(json!({ "name": call.name, "args": input(call) }), "id", call);
        json!({ "functionCall": inner, "thoughtSignature": "c2ln" })
    }));
    parts
}

fn gemini(text: &str, calls: &[Said]) -> Value {
    json!({ "candidates": [{ "content": { "role": "model", "parts": parts(text, calls) }, "finishReason": "STOP", "index": 0 }] })
}

fn gemini_stream(text: &str, calls: &[Said]) -> String {
    let [first, second] = pieces(text);
    event(json!({ "candidates": [{ "content": { "role": "model", "parts": parts(first, &[]) } }] }))
        + &event(
            json!({ "candidates": [{ "content": { "role": "model", "parts": parts(second, calls) }, "finishReason": "STOP" }] }),
        )
}

/// The answers in a transcript, in order: the id of the call and the content.
pub fn answers(dialect: &str, transcript: &Value) -> Vec<(String, String)> {
    let vendor = dialect.split(':').next().unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let id = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let messages = transcript.as_array().into_iter().flatten();
    match vendor {
        "openai" => messages
            .filter(|item| item["role"] == "tool")
            .map(|item| (id(&item["tool_call_id"]), text(&item["content"])))
            .collect(),
        "openai-responses" => messages
            .filter(|item| item["type"] == "function_call_output")
            .map(|item| (id(&item["call_id"]), text(&item["output"])))
            .collect(),
        "anthropic" => messages
            .flat_map(|item| item["content"].as_array().into_iter().flatten())
            .filter(|block| block["type"] == "tool_result")
            .map(|block| (id(&block["tool_use_id"]), text(&block["content"])))
            .collect(),
        _ => messages
            .flat_map(|item| item["parts"].as_array().into_iter().flatten())
            .filter_map(|part| part.get("functionResponse"))
            .map(|response| (id(&response["id"]), text(&response["response"])))
            .collect(),
    }
}

/// The ids of the calls in a transcript, in order.
fn calls(dialect: &str, transcript: &Value) -> Vec<String> {
    let vendor = dialect.split(':').next().unwrap_or_default();
    let id = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let messages = transcript.as_array().into_iter().flatten();
    match vendor {
        "openai" => messages
            .flat_map(|item| item["tool_calls"].as_array().into_iter().flatten())
            .map(|call| id(&call["id"]))
            .collect(),
        "openai-responses" => {
            messages.filter(|item| item["type"] == "function_call").map(|item| id(&item["call_id"])).collect()
        }
        "anthropic" => messages
            .flat_map(|item| item["content"].as_array().into_iter().flatten())
            .filter(|block| block["type"] == "tool_use")
            .map(|block| id(&block["id"]))
            .collect(),
        _ => messages
            .flat_map(|item| item["parts"].as_array().into_iter().flatten())
            .filter_map(|part| part.get("functionCall"))
            .map(|call| id(&call["id"]))
            .collect(),
    }
}

/// Every call has exactly one answer, in the order of the calls, except for the last `open` ones, which have none.
pub fn counts(dialect: &str, transcript: &Value, open: usize) {
    let mut called = calls(dialect, transcript);
    let answered: Vec<String> = answers(dialect, transcript).into_iter().map(|(id, _)| id).collect();
    assert_eq!(called.len(), answered.len() + open, "{dialect}: {transcript}");
    called.truncate(answered.len());
    assert_eq!(called, answered, "{dialect}: {transcript}");
    let mut times: BTreeMap<&String, usize> = BTreeMap::new();
    answered.iter().filter(|id| !id.is_empty()).for_each(|id| *times.entry(id).or_default() += 1);
    assert!(times.values().all(|times| *times == 1), "{dialect}: {transcript}");
}
