//! The index that this machine's pip uses: a real package with compiled parts and needs of its own.

use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::host::{Engine, folder, write_skill};
use super::tiers;

const SCRIPT: &str = include_str!("data_analyzer.py");
const SKILL: &str = "---\nname: data-analyzer\ndescription: Describes tables.\nlanguage: python\n\
                     input_schema: '{\"type\":\"object\",\"properties\":{\"data\":{\"type\":\"string\"},\
                     \"operation\":{\"type\":\"string\"}},\"required\":[\"data\",\"operation\"]}'\n---\n";

/// What pip says of its index: the URL, and the host of the files where it is another.
const ASKS_PIP: &str = "
import os, subprocess, sys
from pip._internal.models.index import PyPI
said = subprocess.run([sys.executable, '-m', 'pip', 'config', 'get', 'global.index-url'], capture_output=True, text=True)
url = os.environ.get('PIP_INDEX_URL') or said.stdout.strip() or PyPI.simple_url
print(url)
print(PyPI.file_storage_domain if url == PyPI.simple_url else '')
";

/// The URL of the index, and rules for who serves it; `None` where it is not reached.
fn index() -> Option<(String, Vec<String>)> {
    let said = Command::new("python3").args(["-c", ASKS_PIP]).output().expect("python3 is there");
    let said = String::from_utf8(said.stdout).expect("it is UTF-8");
    let mut lines = said.lines();
    let url = lines.next()?.to_owned();
    let files = lines.next().unwrap_or_default();
    let host = url.strip_prefix("https://")?.split('/').next()?;
    let mut rules = Vec::new();
    for host in [host, files].into_iter().filter(|host| !host.is_empty()) {
        let authority = if host.contains(':') { host.to_owned() } else { format!("{host}:443") };
        let addresses: Vec<_> = authority.to_socket_addrs().ok()?.collect();
        TcpStream::connect_timeout(addresses.first()?, Duration::from_secs(10)).ok()?;
        rules.push(authority);
        // A mirror inside a house has an address that only a rule for it allows.
        rules.extend(addresses.iter().map(ToString::to_string));
    }
    Some((url, rules))
}

/// Prepares and calls the skill; what the report and the result say.
fn analyze(search_path: &[&Path], url: &str, hosts: &[String]) -> (Value, Value) {
    let (skills, cache) = (folder(), folder());
    write_skill(skills.path(), "data-analyzer", &[("SKILL.md", SKILL), ("scripts/main.py", SCRIPT)]);
    let mut config = json!({
        "policy": { "min_tier": "namespaces" },
        "cache_dir": cache.path(),
        "dependencies": { "python_index": url, "hosts": hosts },
    });
    if !search_path.is_empty() {
        config["search_path"] = json!(search_path);
    }
    let engine = Engine::new(&config);
    engine.load(skills.path());
    let report = engine.prepare("data-analyzer").unwrap_or_else(|error| panic!("{error:?}"));
    let arguments = json!({ "data": "[{\"a\": 1, \"b\": \"x\"}, {\"a\": 3, \"b\": \"y\"}]", "operation": "mean" });
    let result = engine.execute_with("data-analyzer", &arguments).expect("it is installed");
    (report["environments"][0].clone(), result)
}

#[test]
fn pandas_comes_from_a_real_index() {
    if tiers().iter().all(|tier| *tier == "landlock") {
        return;
    }
    let Some((url, hosts)) = index() else {
        println!("skipped: the index of pip is not reached from here");
        return;
    };
    let check = |installer: &str, (report, result): (Value, Value)| {
        assert_eq!((&report["state"], &report["installer"]), (&json!("built"), &json!(installer)), "{report}");
        let packages = report["packages"].to_string();
        assert!(["pandas==", "numpy=="].iter().all(|name| packages.contains(name)), "{packages}");
        assert_eq!(result["output"]["result"], json!({ "a": 2.0 }), "{result}");
        println!(
            "{installer}: {} ms, {} bytes in {} files; the call {} ms",
            report["duration_ms"], report["bytes"], report["files"], result["usage"]["wall_ms"]
        );
    };
    // An environment of the test's own: whatever the host has, it has pip and nothing else.
    let place = folder();
    let own = place.path().join("own");
    let made = Command::new("python3").args(["-m", "venv"]).arg(&own).status();
    assert!(made.expect("python3 makes an environment").success());
    let bin = own.join("bin");
    check("pip", analyze(&[&bin], &url, &hosts));
    let fetched = Command::new(bin.join("pip")).args(["install", "--quiet", "uv"]).status();
    if !fetched.expect("pip is there").success() {
        println!("skipped: uv is not to be had from this index");
        return;
    }
    check("uv", analyze(&[&bin], &url, &hosts));
}
