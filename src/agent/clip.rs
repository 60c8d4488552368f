//! Results cut to size: the head and the tail stay, and a line between them says how much is not there. The document stays
//! one, so that a model reads its status and exit code whatever a script printed.

use serde_json::{Map, Value};

/// The fields that are text.
const TEXTS: [&str; 2] = ["text", "stderr"];
/// The fields that are lists.
const LISTS: [&str; 2] = ["files", "skipped_files"];

/// The JSON of a result, at most `most` bytes long if that is enough for what cannot be left out.
pub(super) fn document(document: Value, most: usize) -> String {
    let whole = document.to_string();
    if whole.len() <= most {
        return whole;
    }
    let Value::Object(mut fields) = document else { return text(&whole, most) };
    // A parsed output has no head and tail; its text does.
    if let Some(output) = fields.shift_remove("output") {
        fields.insert("text".to_owned(), Value::String(output.to_string()));
    }
    fields.insert("is_clipped".to_owned(), Value::Bool(true));
    // Escapes make JSON longer than the text, by how much is seen only when it is there.
    let mut room = most;
    for _ in 0..12 {
        let shorter = Value::Object(shortened(&fields, room)).to_string();
        if shorter.len() <= most {
            return shorter;
        }
        room = (room as u128 * most as u128 / shorter.len() as u128) as usize;
        room = room.saturating_sub(8);
    }
    text(&whole, most)
}

fn shortened(fields: &Map<String, Value>, room: usize) -> Map<String, Value> {
    let mut fields = fields.clone();
    for key in LISTS {
        if let Some(Value::Array(items)) = fields.get_mut(key) {
            let mut left = room / 8;
            let all = items.len();
            items.retain(|item| {
                let fits = item.to_string().len() <= left;
                left = if fits { left - item.to_string().len() } else { 0 };
                fits
            });
            let dropped = all - items.len();
            if dropped > 0 {
                items.push(Value::String(format!("{dropped} more are not listed")));
            }
        }
    }
    let mut others = fields.clone();
    TEXTS.iter().for_each(|key| drop(others.shift_remove(*key)));
    let others = Value::Object(others).to_string().len() + TEXTS.iter().map(|key| key.len() + 6).sum::<usize>();
    let mut left = room.saturating_sub(others);
    // What went wrong is said last and is short; output is what there is much of.
    for (key, share) in [("stderr", left / 4), ("text", usize::MAX)] {
        if let Some(Value::String(value)) = fields.get_mut(key) {
            *value = text(value, share.min(left));
            left = left.saturating_sub(value.len());
        }
    }
    fields
}

/// A text of at most `most` bytes: two thirds head, one third tail, and the line between. Shorter than that line, only
/// its head.
pub(super) fn text(whole: &str, most: usize) -> String {
    if whole.len() <= most {
        return whole.to_owned();
    }
    let line = |left_out: usize| format!("\n[... {left_out} bytes left out ...]\n");
    let Some(room) = most.checked_sub(line(whole.len()).len()) else { return head(whole, most).to_owned() };
    let head = head(whole, room - room / 3);
    let tail = tail(whole, room / 3);
    format!("{head}{}{tail}", line(whole.len() - head.len() - tail.len()))
}

fn head(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

fn tail(text: &str, most: usize) -> &str {
    let from = text.len().saturating_sub(most);
    let start = (from..=text.len()).find(|start| text.is_char_boundary(*start)).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_keeps_its_head_and_its_tail() {
        let whole = "é".repeat(1000);
        for most in [0, 1, 7, 30, 31, 40, 100, 999, 1999, 2000, 9000] {
            let clipped = text(&whole, most);
            assert!(clipped.len() <= most, "{most}: {}", clipped.len());
            assert_eq!(clipped == whole, most >= 2000, "{most}");
            if (100..2000).contains(&most) {
                assert!(
                    clipped.starts_with("éé") && clipped.ends_with("éé") && clipped.contains("bytes left out"),
                    "{clipped}"
                );
            }
        }
        assert_eq!(text("0123456789".repeat(20).as_str(), 60).len(), 60);
    }

    #[test]
    fn a_document_stays_one() {
        let long = "line\n\"quoted\" \u{1}\u{2} é".repeat(5000);
        let files: Vec<_> = (0..1000).map(|n| json!({ "path": format!("f{n}"), "size": n })).collect();
        let rows = [
            json!({ "status": "ok", "exit_code": 0, "text": long }),
            json!({ "status": "ok", "exit_code": 3, "text": "short", "stderr": long }),
            json!({ "status": "ok", "exit_code": 3, "text": long, "stderr": long }),
            json!({ "status": "ok", "exit_code": 0, "output": { "rows": [long, long] } }),
            json!({ "status": "ok", "exit_code": 0, "text": "short", "files": files }),
        ];
        for row in rows {
            let whole = row.to_string();
            for most in [400, 1000, 20_000, 30_000] {
                let clipped = document(row.clone(), most);
                assert!(clipped.len() <= most, "{most}: {}", clipped.len());
                let read: Value = serde_json::from_str(&clipped).unwrap();
                assert_eq!((&read["status"], &read["exit_code"]), (&row["status"], &row["exit_code"]));
                assert_eq!(read["is_clipped"] == true, clipped != whole);
            }
            assert_eq!(document(row.clone(), usize::MAX), whole);
        }
        let both = document(json!({ "status": "ok", "text": long, "stderr": "the reason" }), 1000);
        assert!(both.contains("the reason") && both.contains("bytes left out"), "{both}");
        // Nothing can be left out of this: then it is cut as text.
        assert!(document(json!({ "error": { "message": long } }), 300).len() <= 300);
    }
}
