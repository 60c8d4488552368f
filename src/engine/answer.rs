//! What a model is told of a call that it asked for: the result, without what says nothing; and which errors are the
//! host's and not for it.

use serde_json::{Map, Value};

use crate::error::Status;

/// Whether an error says something about the host or its config that no other arguments would change.
pub(crate) fn is_for_the_host(status: Status) -> bool {
    !matches!(
        status,
        Status::InvalidJson
            | Status::InvalidUtf8
            | Status::ToolNotFound
            | Status::SkillNotFound
            | Status::InvalidArguments
            | Status::SkillChanged
            | Status::ScanDenied
            | Status::ResourceNotFound
            | Status::ResourceTooLarge
            | Status::PathEscape
            | Status::InterpreterNotFound
            | Status::QueueFull
            | Status::Spawn
    )
}

/// The part of a result that helps a model: what the program said and how it ended, without what says nothing.
pub(crate) fn for_model(document: &Value) -> Value {
    let mut told = Map::new();
    let mut tell = |key: &str| {
        told.insert(key.to_owned(), document[key].clone());
    };
    tell("status");
    tell("exit_code");
    // `output` is the same as `text`, already parsed.
    tell(if document["output"].is_null() { "text" } else { "output" });
    for key in ["stderr", "signal", "limit", "files", "skipped_files", "error"] {
        let says_nothing = match &document[key] {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            _ => false,
        };
        if !says_nothing {
            tell(key);
        }
    }
    if says_something(&document["network"]) {
        tell("network");
    }
    // Why an import failed.
    if document["dependencies"]["state"] == "host" && document["exit_code"] != 0 {
        tell("dependencies");
    }
    if document["truncated"].as_object().is_some_and(|parts| parts.values().any(|is_cut| is_cut == true)) {
        tell("truncated");
    }
    Value::Object(told)
}

/// Whether the network explains anything: something was denied, or the skill needs it and has none.
fn says_something(network: &Value) -> bool {
    network["denials"].as_u64().is_some_and(|denials| denials > 0)
        || (network["wanted"] == true && network["allowed"] == false)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_sees_what_was_said_and_how_it_ended() {
        let quiet = json!({
            "status": "ok", "exit_code": 0, "signal": null, "output": {"result": 405}, "text": "{\"result\":405}",
            "stderr": "", "truncated": {"stdout": false}, "limit": null, "files": [], "skipped_files": [],
            "usage": {}, "isolation": {}, "error": null,
        });
        assert_eq!(for_model(&quiet), json!({"status": "ok", "exit_code": 0, "output": {"result": 405}}));
        let mut loud = quiet;
        loud["output"] = Value::Null;
        loud["text"] = json!("no");
        loud["exit_code"] = json!(3);
        loud["stderr"] = json!("bad");
        loud["truncated"]["stdout"] = json!(true);
        let expected = json!({
            "status": "ok", "exit_code": 3, "text": "no", "stderr": "bad", "truncated": {"stdout": true},
        });
        assert_eq!(for_model(&loud), expected);
    }

    #[test]
    fn a_model_hears_of_packages_when_a_script_failed_without_them() {
        for (state, exit_code, is_told) in [("host", 1, true), ("host", 0, false), ("ready", 1, false)] {
            let document = json!({ "exit_code": exit_code, "dependencies": { "state": state } });
            assert_eq!(for_model(&document).get("dependencies").is_some(), is_told, "{state} {exit_code}");
        }
    }

    #[test]
    fn a_model_hears_of_the_network_when_that_explains_something() {
        let rows = [
            (json!({"allowed": false, "wanted": false, "denials": 0}), false),
            (json!({"allowed": false, "wanted": true, "denials": 0}), true),
            (json!({"allowed": true, "wanted": true, "denials": 0}), false),
            (json!({"allowed": true, "wanted": false, "denials": 2}), true),
            (Value::Null, false),
        ];
        for (network, expected) in rows {
            assert_eq!(says_something(&network), expected, "{network}");
        }
    }
}
