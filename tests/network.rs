//! The network of a call: off, allowed by a list, denied with a reason. Real skills, real sandbox, real sockets; what was
//! reached is what a server outside saw.
#![cfg(all(target_os = "linux", feature = "network"))]

#[path = "network/server.rs"]
mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use server::Server;
use skilllite::engine::{Engine, Host, probe};
use skilllite::error::Status;
use skilllite::sandbox::Tier;

/// Asks for the addresses in its arguments, one line of answer each: the body, or the error with the body of a refusal.
const FETCH: &str = r#"
import socket, sys, time, urllib.error, urllib.request
for url in sys.argv[1:]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            print("OK", answer.read().decode())
    except urllib.error.HTTPError as error:
        print("HTTP", error.code, error.headers.get("X-Proxy-Error"), error.read().decode().strip())
    except OSError as error:
        print("FAILED", type(error).__name__, error)
"#;

/// The best of five look-ups, in milliseconds.
const LOOK_UP: &str = r#"
import socket, time
best = 1e9
for _ in range(5):
    start = time.monotonic()
    try:
        print("FOUND", socket.getaddrinfo("example.org", 443))
    except OSError as error:
        reason = error
    best = min(best, (time.monotonic() - start) * 1000)
print(best, reason)
"#;

/// Its words are taken so that nothing is inferred of them, and the test gives them as `args`.
const DIRECT: &str = r#"
import socket, sys
host, port = getattr(sys, "argv")[1].rsplit(":", 1)
try:
    socket.create_connection((host, int(port)), timeout=5)
    print("CONNECTED")
except OSError as error:
    print("REFUSED", error)
"#;

/// Without namespaces a guest of root must be able to reach the interpreter itself, which in a home it cannot.
const SEARCH_PATH: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

fn tiers() -> Vec<Tier> {
    let report = probe().expect("the host is probed");
    let best = report["tier"].as_str().and_then(Tier::parse);
    if best.is_none() {
        println!("skipped: no isolation on this host: {}", report["obstacles"]);
    }
    Tier::ALL.into_iter().filter(|tier| best.is_some_and(|best| *tier <= best)).collect()
}

fn write_skill(folder: &Path, name: &str, script: &str, declaration: &str) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("the folder is opened");
    let scripts = folder.join(name).join("scripts");
    fs::create_dir_all(&scripts).expect("a folder is made");
    let manifest = format!("---\nname: {name}\ndescription: Asks.\n{declaration}---\n");
    fs::write(folder.join(name).join("SKILL.md"), manifest).expect("it is written");
    fs::write(scripts.join("main.py"), script).expect("it is written");
}

/// An engine with the skills `fetch` (declares nothing), `look-up`, `direct`, `tame` (declares 127.0.0.1:1 only) and
/// `deaf` (declares that it needs none).
fn engine(tier: Tier, network: &Value) -> (tempfile::TempDir, Engine) {
    let folder = tempfile::tempdir().expect("a folder is made");
    write_skill(folder.path(), "fetch", FETCH, "");
    write_skill(folder.path(), "look-up", LOOK_UP, "");
    write_skill(folder.path(), "direct", DIRECT, "");
    write_skill(folder.path(), "tame", FETCH, "network: {enabled: true, outbound: ['127.0.0.1:1']}\n");
    write_skill(folder.path(), "deaf", FETCH, "network: {enabled: false}\n");
    let network = match network {
        Value::Array(rules) if tier == Tier::Landlock => json!({ "allow": rules, "accept_port_only": true }),
        other => other.clone(),
    };
    let policy = json!({ "min_tier": tier.name(), "max_tier": tier.name(), "network": network });
    let config = json!({ "search_path": SEARCH_PATH, "policy": policy });
    let engine = Engine::new(&config.to_string(), Host::snapshot()).expect("an engine is made");
    engine.load(folder.path()).expect("the skills are loaded");
    (folder, engine)
}

fn run(engine: &Engine, tool: &str, words: &[&str], options: &Value) -> Arc<Value> {
    let arguments = if words.is_empty() { json!({}) } else { json!({ "args": words }) }.to_string();
    engine.execute(tool, &arguments, &options.to_string()).unwrap_or_else(|error| panic!("{tool} {words:?}: {error}"))
}

fn text(result: &Value) -> &str {
    result["text"].as_str().unwrap_or_default()
}

#[test]
fn without_a_network_names_fail_at_once_and_the_result_says_why() {
    for tier in tiers() {
        let (_folder, engine) = engine(tier, &json!(false));
        let result = run(&engine, "look-up", &[], &json!({}));
        let (best_ms, _) = text(&result).split_once(' ').unwrap_or_else(|| panic!("{result}"));
        let best_ms: f64 = best_ms.parse().unwrap_or_else(|_| panic!("{result}"));
        assert!(best_ms < 50.0, "{tier}: {result}");
        assert_eq!(result["network"]["allowed"], false, "{tier}");
        let hint = result["network"]["hint"].as_str().unwrap_or_default();
        assert!(hint.contains("policy.network"), "{tier}: {hint}");
    }
}

#[test]
fn what_is_listed_is_reached_and_nothing_else() {
    for tier in tiers() {
        let (allowed, other) = (Server::start("welcome"), Server::start("secret"));
        let (_folder, engine) = engine(tier, &json!([allowed.authority()]));
        let urls = [format!("http://{}/a?b", allowed.authority()), format!("http://{}/", other.authority())];
        let result = run(&engine, "fetch", &[&urls[0], &urls[1], "http://example.org/"], &json!({}));
        let lines: Vec<_> = text(&result).lines().collect();
        assert_eq!(lines.first(), Some(&"OK welcome"), "{tier}: {result}");
        for (line, host) in lines[1..].iter().zip([other.authority(), "example.org:80".into()]) {
            assert!(line.starts_with("HTTP 403 not-listed") && line.contains(&host), "{tier}: {result}");
            assert!(line.contains("policy.network"), "{tier}: {result}");
        }
        assert_eq!((allowed.requests().len(), other.requests().len()), (1, 0), "{tier}");
        let request = &allowed.requests()[0];
        assert!(
            request.starts_with("GET /a?b HTTP/1.1\r\n") && !request.to_lowercase().contains("proxy-"),
            "{request}"
        );

        let network = &result["network"];
        assert_eq!((&network["allowed"], &network["denials"]), (&json!(true), &json!(2)), "{tier}: {network}");
        let reached = &network["reached"][0];
        assert_eq!((&reached["host"], &reached["port"]), (&json!("127.0.0.1"), &json!(allowed.port())), "{network}");
        assert!(reached["bytes_in"].as_u64() > Some(0) && reached["bytes_out"].as_u64() > Some(0), "{network}");
        let denied: Vec<_> =
            (0..2).map(|index| (&network["denied"][index]["host"], &network["denied"][index]["port"])).collect();
        assert_eq!(
            denied,
            [(&json!("127.0.0.1"), &json!(other.port())), (&json!("example.org"), &json!(80))],
            "{network}"
        );
        assert!(
            network["denied"][0]["reason"].as_str().is_some_and(|reason| reason.contains("allow-list")),
            "{network}"
        );
    }
}

#[test]
fn around_the_proxy_there_is_no_way() {
    for tier in tiers() {
        let other = Server::start("secret");
        let (_folder, engine) = engine(tier, &json!([other.authority()]));
        let result = run(&engine, "direct", &[&other.authority()], &json!({}));
        assert!(text(&result).starts_with("REFUSED"), "{tier}: {result}");
        assert!(other.requests().is_empty());
    }
}

#[test]
fn a_skill_narrows_what_it_may_reach() {
    let Some(tier) = tiers().pop() else { return };
    let server = Server::start("welcome");
    let (_folder, engine) = engine(tier, &json!([server.authority()]));
    let url = format!("http://{}/", server.authority());
    let tame = run(&engine, "tame", &[&url], &json!({}));
    assert!(text(&tame).contains("HTTP 403 not-listed") && text(&tame).contains("SKILL.md"), "{tame}");
    assert!(tame["network"]["hint"].as_str().is_some_and(|hint| hint.contains("127.0.0.1:1")), "{tame}");
    let deaf = run(&engine, "deaf", &[&url], &json!({}));
    assert!(text(&deaf).starts_with("FAILED"), "{deaf}");
    assert_eq!(deaf["network"]["allowed"], false, "{deaf}");
    assert!(server.requests().is_empty());
}

#[test]
fn a_call_narrows_and_never_widens() {
    let Some(tier) = tiers().pop() else { return };
    let (server, other) = (Server::start("welcome"), Server::start("secret"));
    let (_folder, engine) = engine(tier, &json!(["127.0.0.0/8:*"]));
    let urls = [format!("http://{}/", server.authority()), format!("http://{}/", other.authority())];
    let words = [urls[0].as_str(), urls[1].as_str()];
    let result = run(&engine, "fetch", &words, &json!({ "network": [server.authority()] }));
    assert!(text(&result).starts_with("OK welcome\nHTTP 403 not-listed"), "{result}");
    let result = run(&engine, "fetch", &words, &json!({ "network": false }));
    assert!(text(&result).starts_with("FAILED") && result["network"]["allowed"] == false, "{result}");
    assert!(other.requests().is_empty());

    let arguments = json!({ "args": words }).to_string();
    for (options, needle) in [
        (json!({ "network": ["10.0.0.1:80"] }), "10.0.0.1:80"),
        (json!({ "network": { "limits": { "connections": 65 } } }), "connections"),
    ] {
        let error = engine.call("fetch", &arguments, &options.to_string()).err().expect("it is refused");
        assert_eq!(error.status, Status::PolicyWidened, "{error}");
        assert!(error.message.contains(needle), "{error}");
    }
}

#[test]
fn an_empty_list_allows_nothing() {
    for tier in tiers() {
        let server = Server::start("secret");
        let (_folder, engine) = engine(tier, &json!([]));
        let result = run(&engine, "fetch", &[&format!("http://{}/", server.authority())], &json!({}));
        assert!(text(&result).starts_with("FAILED") && server.requests().is_empty(), "{tier}: {result}");
    }
}

#[test]
fn the_landlock_tier_must_be_accepted_by_name() {
    if tiers().is_empty() {
        return;
    }
    let (_folder, engine) = engine(Tier::Landlock, &json!({ "allow": ["*:443"] }));
    let error = engine.call("fetch", "{}", "{}").err().expect("it is refused");
    assert_eq!(error.status, Status::IsolationUnavailable);
    assert!(error.message.contains("accept_port_only"), "{error}");
}

#[test]
fn the_bytes_of_a_call_are_bounded() {
    for tier in tiers() {
        let server = Server::start(&"x".repeat(1 << 20));
        let (_folder, engine) = engine(
            tier,
            &json!({ "allow": [server.authority()], "limits": { "bytes_in": 100_000 }, "accept_port_only": true }),
        );
        let result = run(&engine, "fetch", &[&format!("http://{}/", server.authority())], &json!({}));
        assert!(!text(&result).starts_with("OK"), "{tier}: {}", result["network"]);
        let network = &result["network"];
        assert!(network["reached"][0]["bytes_in"].as_u64() <= Some(100_000), "{tier}: {network}");
        assert_eq!(network["denied"][0]["code"], "limit", "{tier}: {network}");
    }
}

#[test]
fn the_plan_shows_the_way_out() {
    for tier in tiers() {
        let (_folder, engine) = engine(tier, &json!(["*:443"]));
        let plan = engine.plan("fetch", "{}", "{}").expect("it is planned");
        let expected = if tier == Tier::Landlock { "tcp port" } else { "listen       127.0.0.1:3128" };
        assert!(plan.contains(expected), "{tier}: {plan}");
        let off = engine.plan("fetch", "{}", r#"{"network":false}"#).expect("it is planned");
        assert!(!off.contains(expected) && !off.contains("loopback"), "{tier}: {off}");
    }
}

/// Without namespaces a call's proxy lies on the host's loopback: others reach it, and are not served.
#[test]
fn the_proxy_of_a_call_serves_nobody_else() {
    use std::io::{Read, Write};
    if tiers().is_empty() {
        return;
    }
    let server = Server::start("welcome");
    let (folder, engine) = engine(Tier::Landlock, &json!([server.authority()]));
    // It tells the server where its proxy is, and waits until the server's owner ends it.
    let script = r#"
import os, sys, time, urllib.request
urllib.request.urlopen(f"http://{getattr(sys, 'argv')[1]}/?{os.environ['HTTP_PROXY']}").read()
time.sleep(1000)
"#;
    write_skill(folder.path(), "waits", script, "");
    engine.load(folder.path()).expect("the skill is loaded");
    let arguments = json!({ "args": [server.authority()] }).to_string();
    let call = engine.call("waits", &arguments, "{}").expect("it is started");
    let told = server.first_request();
    let proxy = told.split(['?', ' ']).nth(2).and_then(|url| url.strip_prefix("http://")).expect("it tells");
    let (user, address) = proxy.split_once('@').expect("a token is in it");

    let ask = |authorization: &str| {
        let mut connection = std::net::TcpStream::connect(address).expect("the proxy listens");
        let authority = server.authority();
        let request = format!("GET http://{authority}/ HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n");
        connection.write_all(request.as_bytes()).expect("it is sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("it is answered");
        answer
    };
    assert!(ask("").starts_with("HTTP/1.1 407 "));
    assert!(ask("Proxy-Authorization: Basic c2tpbGxsaXRlOjA=\r\n").starts_with("HTTP/1.1 407 "));
    assert_eq!(server.requests().len(), 1);
    let known = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, user);
    assert!(ask(&format!("Proxy-Authorization: Basic {known}\r\n")).ends_with("welcome"));

    // Another call of the same engine may not even connect there.
    let other = run(&engine, "direct", &[address], &json!({}));
    assert!(text(&other).starts_with("REFUSED [Errno 13]"), "{other}");
    call.cancel().expect("it is cancelled");
    let result = call.wait(None).expect("it ends");
    assert_eq!((&result["status"], &result["network"]["denials"]), (&json!("cancelled"), &json!(2)), "{result}");
}

/// The example skills, over the proxy to a server on this machine.
#[test]
fn the_example_skills_work_through_it() {
    for tier in tiers() {
        let weather = r#"{"current_condition":[{"temp_C":"4","FeelsLikeC":"0","humidity":"87","windspeedKmph":"18","winddir16Point":"NW","weatherDesc":[{"value":"Light rain"}]}],"weather":[{"maxtempC":"6","mintempC":"1"}],"nearest_area":[{"areaName":[{"value":"Oslo"}]}]}"#;
        let server = Server::start(weather);
        let config = json!({ "search_path": SEARCH_PATH, "policy": {
            "min_tier": tier.name(), "max_tier": tier.name(),
            "network": { "allow": [server.authority()], "accept_port_only": true },
            "env": { "WEATHER_BASE_URL": format!("http://{}", server.authority()) },
        } });
        let engine = Engine::new(&config.to_string(), Host::snapshot()).expect("an engine is made");
        engine.load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("skills")).expect("the skills are loaded");
        let result = engine.execute("weather", r#"{"city":"Oslo"}"#, "{}").expect("it runs");
        assert_eq!(
            (&result["output"]["success"], &result["output"]["temperature"]),
            (&json!(true), &json!("4°C")),
            "{result}"
        );
        let arguments =
            json!({ "url": format!("http://{}/x", server.authority()), "method": "POST", "body": { "a": 1 } });
        let result = engine.execute("http-request", &arguments.to_string(), "{}").expect("it runs");
        assert_eq!(result["output"]["status_code"], 200, "{result}");
        let denied = engine.execute("http-request", r#"{"url":"https://example.org/"}"#, "{}").expect("it runs");
        assert_eq!(denied["output"]["success"], false, "{denied}");
        assert_eq!(denied["network"]["denied"][0]["host"], "example.org", "{denied}");
        let seen: Vec<_> =
            server.requests().iter().map(|head| head.lines().next().unwrap_or_default().to_owned()).collect();
        assert_eq!(seen, ["GET /Oslo?format=j1 HTTP/1.1", "POST /x HTTP/1.1"], "{tier}");
    }
}
