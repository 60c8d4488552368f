//! The example skills: valid for every reader, typed for ours, and their scripts do what their instructions say.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};
use skilllite::skill::{discover, validate};

const NAMES: [&str; 6] = ["calculator", "data-analyzer", "http-request", "text-processor", "weather", "writing-helper"];

fn skills() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("skills")
}

#[test]
fn they_are_valid_and_load_without_a_remark() {
    let found = discover(&skills()).expect("readable");
    assert_eq!(found.skills.iter().map(|skill| skill.name.as_str()).collect::<Vec<_>>(), NAMES);
    assert!(found.skipped.is_empty() && found.diagnostics.is_empty());
    for skill in &found.skills {
        assert_eq!(validate(&skill.root), [], "{}", skill.name);
        assert_eq!(skill.diagnostics, [], "{}", skill.name);
        assert_eq!(skill.manifest.license.as_deref(), Some("MIT"), "{}", skill.name);
        for resource in skill.resources() {
            let path = resource.path.to_str().unwrap();
            let is_mentioned = skill.body.contains(path) || path == "scripts/main.py";
            assert!(is_mentioned, "{}: the instructions do not mention {path}", skill.name);
        }
        if skill.name == "writing-helper" {
            assert!(skill.manifest.entry_point.is_none() && skill.manifest.input_schema.is_none());
            continue;
        }
        assert_eq!(skill.manifest.entry_point.as_deref(), Some("scripts/main.py"), "{}", skill.name);
        assert_eq!(skill.manifest.language.as_deref(), Some("python"), "{}", skill.name);
        let wants_network = matches!(skill.name.as_str(), "http-request" | "weather");
        let network = skill.manifest.network.as_ref().map(|network| network.enabled);
        assert_eq!(network.unwrap_or_default(), wants_network, "{}", skill.name);
        let schema = skill.manifest.input_schema.as_ref().expect("a schema");
        let properties = schema["properties"].as_object().expect("properties");
        assert!(properties.values().all(|property| property["description"].is_string()), "{}: {schema}", skill.name);
        let required = schema["required"].as_array().expect("required");
        assert!(
            required.iter().all(|name| properties.contains_key(name.as_str().unwrap())),
            "{}: {schema}",
            skill.name
        );
        assert_eq!(
            skill.manifest.output_schema.as_ref().map(|schema| &schema["type"]),
            Some(&json!("object")),
            "{}",
            skill.name
        );
    }
}

/// Runs a skill's script as its instructions say; it always ends well and prints one JSON document.
fn run(skill: &str, input: &str, environment: &[(&str, &str)]) -> Value {
    let folder = skills().join(skill);
    let mut child = Command::new("python3")
        .args(["-I", "-S", "-B"])
        .arg(folder.join("scripts/main.py"))
        .current_dir(folder.join(if skill == "data-analyzer" { "assets" } else { "scripts" }))
        .envs(environment.iter().copied())
        .envs([("NO_PROXY", "127.0.0.1"), ("no_proxy", "127.0.0.1")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("the script reads");
    let output = child.wait_with_output().expect("the script ends");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success(), "{skill} {input}: {text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{skill} {input}: {error}: {text}"))
}

/// The answer has at least what is expected, objects compared by the keys that are given.
fn holds(answer: &Value, expected: &Value) -> bool {
    match (answer, expected) {
        (Value::Object(answer), Value::Object(expected)) => {
            expected.iter().all(|(key, value)| answer.get(key).is_some_and(|answer| holds(answer, value)))
        }
        (answer, expected) => answer == expected,
    }
}

fn check(skill: &str, rows: &[(Value, Value)]) {
    for (input, expected) in rows {
        let answer = run(skill, &input.to_string(), &[]);
        assert!(holds(&answer, expected), "{skill} {input}\n gave {answer}\n not  {expected}");
    }
}

#[test]
fn calculator() {
    check(
        "calculator",
        &[
            (
                json!({"operation": "multiply", "a": 15, "b": 27}),
                json!({"operation": "multiply", "a": 15, "b": 27, "result": 405}),
            ),
            (json!({"operation": "add", "a": 0.1, "b": 0.2}), json!({"result": 0.1 + 0.2})),
            (json!({"operation": "subtract", "a": 3, "b": 10}), json!({"result": -7})),
            (json!({"operation": "divide", "a": 6, "b": 3}), json!({"result": 2})),
            (json!({"operation": "divide", "a": 100, "b": 8}), json!({"result": 12.5})),
            (json!({"operation": "divide", "a": 1, "b": 0}), json!({"error": "division by zero"})),
            (json!({"operation": "multiply", "a": 1e308, "b": 10}), json!({"error": "the result is too large"})),
            (json!({"operation": "add", "a": "1", "b": 2}), json!({"error": "a must be a finite number"})),
            (json!({"operation": "add", "a": 1}), json!({"error": "b must be a finite number"})),
            (
                json!({"operation": "power", "a": 1, "b": 2}),
                json!({"error": "operation must be one of add, subtract, multiply, divide"}),
            ),
            (json!([]), json!({"error": "the input must be a JSON object with operation, a and b"})),
        ],
    );
    assert!(run("calculator", "{", &[])["error"].as_str().expect("an error").contains("not JSON"));
}

#[test]
fn text_processor() {
    check(
        "text-processor",
        &[
            (
                json!({"text": "hello  world", "operation": "upper"}),
                json!({"success": true, "original": "hello  world", "operation": "upper", "processed": "HELLO WORLD"}),
            ),
            (json!({"text": "ÀB", "operation": "lower"}), json!({"processed": "àb"})),
            (json!({"text": "a  b", "operation": "upper", "normalize": false}), json!({"processed": "A  B"})),
            (json!({"text": "ae\u{301}👍🏽", "operation": "reverse"}), json!({"processed": "👍🏽e\u{301}a"})),
            (json!({"text": " \n a \t\nb\n ", "operation": "trim", "normalize": false}), json!({"processed": "a\nb"})),
            (
                json!({"text": "One two. Three!", "operation": "count"}),
                json!({"statistics": {"characters": 15, "characters_without_spaces": 13, "words": 3, "lines": 1, "sentences": 2, "reading_seconds": 1}}),
            ),
            (
                json!({"text": "", "operation": "count"}),
                json!({"statistics": {"words": 0, "lines": 0, "sentences": 0}}),
            ),
            (json!({"operation": "upper"}), json!({"success": false})),
            (json!({"text": "x", "operation": "rot13"}), json!({"success": false})),
        ],
    );
}

#[test]
fn data_analyzer() {
    let people = "name,age\nAda,36\nAlan,41\nGrace,\n";
    check(
        "data-analyzer",
        &[
            (
                json!({"data": people, "operation": "mean", "column": "age"}),
                json!({"success": true, "operation": "mean", "result": 38.5, "shape": [3, 2]}),
            ),
            (json!({"data": people, "operation": "sum"}), json!({"result": {"age": 77}})),
            (json!({"data": people, "operation": "count"}), json!({"result": {"name": 3, "age": 2}})),
            (json!({"data": people, "operation": "max", "column": "name"}), json!({"result": "Grace"})),
            (
                json!({"data": "[{\"x\": 1, \"y\": 2}, {\"x\": 3, \"y\": 4}]", "operation": "median"}),
                json!({"result": {"x": 2.0, "y": 3.0}}),
            ),
            (json!({"data": "a;b\n1;\"x;y\"\n", "operation": "min"}), json!({"result": {"a": 1, "b": "x;y"}})),
            (
                json!({"file": "sample.csv", "operation": "describe", "column": "rain"}),
                json!({"result": {"type": "number", "count": 5, "missing": 1, "mean": 100.0, "min": 20, "50%": 83.0, "max": 190}, "shape": [6, 4]}),
            ),
            (
                json!({"data": "zip\n01234\n", "operation": "describe"}),
                json!({"result": {"zip": {"type": "text", "top": "01234"}}}),
            ),
            (json!({"data": "a,b\n", "operation": "count"}), json!({"result": {"a": 0, "b": 0}, "shape": [0, 2]})),
            (
                json!({"data": people, "operation": "mean", "column": "name"}),
                json!({"success": false, "error": "column 'name' holds text; mean needs numbers"}),
            ),
            (
                json!({"data": people, "operation": "mean", "column": "x"}),
                json!({"success": false, "error": "there is no column 'x'; the columns are: name, age"}),
            ),
            (json!({"data": "[1]", "operation": "sum"}), json!({"success": false})),
            (json!({"file": "none.csv", "operation": "sum"}), json!({"success": false})),
            (json!({"operation": "sum"}), json!({"success": false})),
        ],
    );
}

/// Answers one request with `answer` and gives back what was asked.
fn serve_once(answer: String) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let count = stream.read(&mut buffer).expect("a request");
            request.extend_from_slice(&buffer[..count]);
            let text = String::from_utf8_lossy(&request);
            let length = text
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
            let has_all = text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length.unwrap_or(0));
            if has_all || count == 0 {
                break;
            }
        }
        // A client that has read enough may leave before the end.
        let _ = stream.write_all(answer.as_bytes());
        String::from_utf8_lossy(&request).into_owned()
    });
    (base, server)
}

fn response(status: &str, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// An address where nothing listens.
fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

#[test]
fn http_request() {
    let (base, server) = serve_once(response("201 Created", "application/json; charset=utf-8", "{\"id\": 7}"));
    let input = json!({"url": format!("{base}/a b?x=1"), "method": "POST", "params": {"q": "é&"}, "headers": {"X-Key": "k"}, "body": {"n": 1}});
    let answer = run("http-request", &input.to_string(), &[]);
    let expected = json!({"success": true, "status_code": 201, "headers": {"content-type": "application/json; charset=utf-8"}, "body": {"id": 7}, "is_json": true});
    assert!(holds(&answer, &expected), "{answer}");
    let request = server.join().expect("served");
    assert!(request.starts_with("POST /a%20b?x=1&q=%C3%A9%26 HTTP/1.1\r\n"), "{request}");
    assert!(request.to_lowercase().contains("\r\nx-key: k\r\n") && request.ends_with("{\"n\": 1}"), "{request}");

    let (base, server) = serve_once(response("404 Not Found", "text/plain", "nothing"));
    let answer = run("http-request", &json!({"url": base}).to_string(), &[]);
    assert!(
        holds(&answer, &json!({"success": false, "status_code": 404, "body": "nothing", "is_json": false})),
        "{answer}"
    );
    server.join().expect("served");

    let (base, server) = serve_once(response("200 OK", "text/plain", &"x".repeat((1 << 20) + 10)));
    let answer = run("http-request", &json!({"url": base}).to_string(), &[]);
    assert_eq!((answer["truncated"].as_bool(), answer["body"].as_str().map(str::len)), (Some(true), Some(1 << 20)));
    // The script stops reading at its bound, so the rest may not have been sent.
    drop(server);

    let answer = run("http-request", &json!({"url": closed_port()}).to_string(), &[]);
    assert!(
        holds(&answer, &json!({"success": false}))
            && answer["hint"].as_str().is_some_and(|hint| hint.contains("policy")),
        "{answer}"
    );
    for url in ["file:///etc/passwd", "ftp://127.0.0.1/", "http://", "x"] {
        let answer = run("http-request", &json!({"url": url}).to_string(), &[]);
        assert!(holds(&answer, &json!({"success": false})), "{url}: {answer}");
    }
}

#[test]
fn http_request_takes_no_credentials_to_another_host() {
    let (target, target_server) = serve_once(response("200 OK", "text/plain", "here"));
    let (base, server) = serve_once(format!(
        "HTTP/1.1 302 Found\r\nLocation: {target}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ));
    let input = json!({"url": base, "headers": {"Authorization": "Bearer secret", "X-Trace": "1"}});
    let answer = run("http-request", &input.to_string(), &[]);
    assert!(holds(&answer, &json!({"success": true, "body": "here"})), "{answer}");
    assert!(server.join().expect("served").contains("Bearer secret"));
    let followed = target_server.join().expect("served");
    assert!(!followed.contains("secret") && followed.to_lowercase().contains("x-trace: 1"), "{followed}");
}

#[test]
fn weather() {
    let report = json!({
        "current_condition": [{"temp_C": "4", "FeelsLikeC": "0", "humidity": "87", "windspeedKmph": "18", "winddir16Point": "NW", "weatherDesc": [{"value": "Light rain "}]}],
        "weather": [{"maxtempC": "6", "mintempC": "1"}],
        "nearest_area": [{"areaName": [{"value": "Oslo"}]}],
    });
    let (base, server) = serve_once(response("200 OK", "application/json", &report.to_string()));
    let answer = run("weather", "{\"city\": \"Oslo, Norway\"}", &[("WEATHER_BASE_URL", &base)]);
    let expected = json!({
        "success": true, "city": "Oslo", "temperature": "4°C", "weather": "Light rain", "high": "6°C", "low": "1°C", "wind": "18 km/h NW",
        "humidity": "87%", "feels_like": "0°C", "tip": "Take an umbrella. Dress warmly.", "source": base.trim_start_matches("http://"),
    });
    assert_eq!(answer, expected);
    let request = server.join().expect("served");
    assert!(request.starts_with("GET /Oslo%2C%20Norway?format=j1 "), "{request}");

    for (body, says) in [("{}", "not a weather report"), ("nonsense", "not a weather report")] {
        let (base, server) = serve_once(response("200 OK", "application/json", body));
        let answer = run("weather", "{\"city\": \"Oslo\"}", &[("WEATHER_BASE_URL", &base)]);
        assert!(
            answer["success"] == false && answer["error"].as_str().is_some_and(|error| error.contains(says)),
            "{answer}"
        );
        server.join().expect("served");
    }
    let answer = run("weather", "{\"city\": \"Oslo\"}", &[("WEATHER_BASE_URL", &closed_port())]);
    assert!(
        answer["success"] == false && answer["hint"].as_str().is_some_and(|hint| hint.contains("policy")),
        "{answer}"
    );
    assert_eq!(run("weather", "{\"city\": \" \"}", &[])["error"], "city is missing");
}
