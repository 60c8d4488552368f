//! Many networked calls at once: every request of every call gets the answer that its own list gives, and nothing is left.
//! Alone in its process, because it counts what that holds.
#![cfg(all(target_os = "linux", feature = "network"))]

#[path = "network/server.rs"]
#[allow(dead_code, reason = "the other tests of the network ask it for more")]
mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use server::Server;
use skilllite::engine::{Engine, Host, probe};

const CALLS: usize = 64;
const REQUESTS: usize = 100;

const SCRIPT: &str = r#"
import http.client, os, sys
own, other, times = getattr(sys, "argv")[1:]
times = int(times)
proxy = os.environ["http_proxy"].removeprefix("http://")
counts = {}
for _ in range(times):
    for target in (own, other):
        connection = http.client.HTTPConnection(proxy, timeout=60)
        connection.request("GET", f"http://{target}/")
        answer = connection.getresponse()
        body = answer.read()
        key = f"{'own' if target == own else 'other'} {answer.status} {body.decode() if answer.status == 200 else ''}"
        counts[key] = counts.get(key, 0) + 1
        connection.close()
print(sorted(counts.items()))
"#;

#[test]
fn many_calls_at_once_are_decided_each_by_its_own_list() {
    if probe().expect("the host is probed")["tier"].is_null() {
        println!("skipped: no isolation on this host");
        return;
    }
    let before = held();
    let servers = [Server::start("even"), Server::start("odd")];
    let folder = tempfile::tempdir().expect("a folder is made");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("the folder is opened");
    fs::create_dir_all(folder.path().join("many/scripts")).expect("a folder is made");
    fs::write(folder.path().join("many/SKILL.md"), "---\nname: many\ndescription: Asks.\n---\n")
        .expect("it is written");
    fs::write(folder.path().join("many/scripts/main.py"), SCRIPT).expect("it is written");
    let config = json!({
        "search_path": ["/usr/local/bin", "/usr/bin", "/bin"],
        "max_running": CALLS,
        "policy": { "min_tier": "landlock", "limits": { "wall_ms": 120_000 },
                    "network": { "allow": ["127.0.0.0/8:*"], "accept_port_only": true } },
    });
    let engine = Engine::new(&config.to_string(), Host::snapshot()).expect("an engine is made");
    engine.load(folder.path()).expect("the skill is loaded");
    let calls: Vec<_> = (0..CALLS)
        .map(|index| {
            let (own, other) = (servers[index % 2].authority(), servers[(index + 1) % 2].authority());
            let arguments = json!({ "args": [own, other, REQUESTS.to_string()] }).to_string();
            engine.call("many", &arguments, &json!({ "network": [own] }).to_string()).expect("it is started")
        })
        .collect();
    for (index, call) in calls.into_iter().enumerate() {
        let result = call.wait(None).expect("it ends");
        let body = ["even", "odd"][index % 2];
        let expected = format!("[('other 403 ', {REQUESTS}), ('own 200 {body}', {REQUESTS})]\n");
        assert_eq!(result["text"], expected, "{result}");
        assert_eq!(result["network"]["reached"][0]["connections"], REQUESTS, "{}", result["network"]);
        assert_eq!(result["network"]["denials"], REQUESTS, "{}", result["network"]);
    }
    for server in &servers {
        assert_eq!(server.requests().len(), CALLS / 2 * REQUESTS);
    }
    engine.close().expect("it closes");
    drop(engine);
    drop(servers);
    assert_eq!(held(), before, "descriptors and threads after, and before");
}

/// Descriptors and threads of this process, once those that have ended are gone.
fn held() -> (usize, usize) {
    let count = |path: &str| fs::read_dir(path).expect("it is listed").count();
    let mut last = (usize::MAX, usize::MAX);
    for _ in 0..200 {
        let now = (count("/proc/self/fd"), count("/proc/self/task"));
        if now == last {
            return now;
        }
        last = now;
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    last
}
