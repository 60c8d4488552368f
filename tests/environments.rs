//! What skills declare to need, installed from indexes on this machine's loopback, through the C API: as root and as an
//! ordinary user, in every tier.
#![cfg(all(feature = "dependencies", target_os = "linux"))]

#[path = "environments/host.rs"]
mod host;
#[path = "environments/index.rs"]
mod index;
#[path = "environments/public.rs"]
mod public;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use host::{Engine, folder, write_skill};
use index::Index;
use serde_json::{Value, json};
use skilllite::capi::skl_status::*;
use skilllite::engine::probe;

/// An id that no process of an ordinary machine has.
const ORDINARY: u32 = 61_235;
const PRINTS_GREETING: &str = "import greeting\nprint(greeting.text)\n";

/// The tiers of this host, strongest first.
fn tiers() -> Vec<&'static str> {
    let report = probe().expect("the host is probed");
    let is_there = |tier: &str| {
        let tiers = report["tiers"].as_array().expect("it is an array");
        tiers.iter().any(|entry| entry["tier"] == tier && entry["is_available"] == true)
    };
    let found: Vec<_> = ["full", "namespaces", "landlock"].into_iter().filter(|tier| is_there(tier)).collect();
    if found.is_empty() {
        println!("skipped: no isolation on this host: {}", report["obstacles"]);
    }
    found
}

/// Skills, a cache and an index.
struct Stage {
    skills: tempfile::TempDir,
    cache: tempfile::TempDir,
    index: Index,
}

impl Stage {
    fn new() -> Stage {
        Self::with(Path::new("/nowhere"), 1)
    }

    fn with(canary: &Path, probed: u16) -> Stage {
        Stage { skills: folder(), cache: folder(), index: Index::start(canary, probed) }
    }

    fn skill(&self, name: &str, files: &[(&str, &str)]) {
        write_skill(self.skills.path(), name, files);
    }

    /// The config of a host that lets packages be installed; `more` goes into `dependencies`.
    fn config(&self, tier: &str, more: Value) -> Value {
        let mut config = json!({
            "policy": { "min_tier": "landlock", "max_tier": tier, "network": { "allow": [], "accept_port_only": true } },
            "cache_dir": self.cache_dir(),
            "dependencies": { "python_index": self.index.python(), "node_registry": self.index.node() },
        });
        if tier == "landlock" {
            // Another user must reach the interpreters, which one's own may not let it.
            config["search_path"] = json!(["/usr/bin", "/bin"]);
        }
        for (key, value) in more.as_object().into_iter().flatten() {
            config["dependencies"][key] = value.clone();
        }
        config
    }

    /// The library makes it.
    fn cache_dir(&self) -> PathBuf {
        self.cache.path().join("cache")
    }

    fn engine(&self, tier: &str, more: Value) -> Engine {
        let engine = Engine::new(&self.config(tier, more));
        engine.load(self.skills.path());
        engine
    }

    /// What lies in the folder of environments, locks left out.
    fn kept(&self) -> Vec<String> {
        let names = fs::read_dir(self.cache_dir().join("environments")).into_iter().flatten().flatten();
        let names = names.filter_map(|entry| entry.file_name().into_string().ok());
        names.filter(|name| !name.ends_with(".lock")).collect()
    }
}

#[test]
fn packages_are_installed_once_and_seen() {
    for tier in tiers() {
        let stage = Stage::new();
        stage.skill("a", &[("requirements.txt", "greeting>=2\n"), ("scripts/main.py", PRINTS_GREETING)]);
        stage.skill("b", &[("requirements.txt", "# the same\ngreeting>=2"), ("scripts/main.py", PRINTS_GREETING)]);
        let engine = stage.engine(tier, json!({}));
        let (status, message) = engine.execute("a").expect_err("nothing is installed");
        assert_eq!(status, SKL_ERR_NOT_PREPARED, "{message}");
        assert!(["skl_engine_prepare", "greeting>=2", "requirements.txt"].iter().all(|part| message.contains(part)));

        let (status, message) = engine.answer("a").expect_err("only the host can mend it");
        assert_eq!(status, SKL_ERR_NOT_PREPARED, "{message}");

        let report = engine.prepare("").unwrap_or_else(|error| panic!("{tier}: {error:?}"));
        let [first, second] = report["environments"].as_array().expect("one each").as_slice() else {
            panic!("{report}")
        };
        assert_eq!((&first["state"], &second["state"]), (&json!("built"), &json!("ready")), "{report}");
        assert_eq!(first["key"], second["key"], "the same needs are one environment");
        assert_eq!(first["packages"], json!(["greeting==2.0", "tone==1.5"]));
        assert_eq!((&first["tools"], &first["language"]), (&json!(["a"]), &json!("python")));
        assert_eq!(stage.index.count("/simple/greeting/"), 1);
        assert_eq!(stage.kept(), [first["key"].as_str().expect("a text")]);

        for tool in ["a", "b"] {
            let result = engine.execute(tool).expect("it is installed");
            assert_eq!((&result["text"], &result["stderr"]), (&json!("HELLO\n"), &json!("")), "{tier}: {result}");
            assert_eq!(result["isolation"]["tier"], tier);
            assert_eq!(result["dependencies"]["state"], "ready");
        }
        // Another engine, as after a restart of the host, finds it.
        let later = stage.engine(tier, json!({}));
        assert_eq!(later.execute("b").expect("it is installed")["text"], "HELLO\n");
        assert_eq!(later.prepare("b").expect("it is there")["environments"][0]["state"], "ready");
    }
}

#[test]
fn the_nearest_declaration_counts() {
    let Some(tier) = tiers().first().copied() else { return };
    let inline = "# /// script\n# dependencies = [\"greeting<2\"]\n# ///\nimport greeting\nprint(greeting.text)\n";
    let md = "---\nname: md\ndescription: Tries.\nlanguage: python\ndependencies: [\"greeting == 1.0\"]\n---\n";
    let stage = Stage::new();
    stage.skill("md", &[("SKILL.md", md), ("scripts/main.py", PRINTS_GREETING)]);
    stage.skill("inline", &[("requirements.txt", "greeting>=2"), ("scripts/main.py", inline)]);
    stage.skill(
        "beside",
        &[
            ("requirements.txt", "greeting<2"),
            ("scripts/requirements.txt", "greeting>=2"),
            ("scripts/main.py", PRINTS_GREETING),
        ],
    );
    let engine = stage.engine(tier, json!({}));
    for (skill, source, text) in [
        ("md", "SKILL.md", "old\n"),
        ("inline", "scripts/main.py", "old\n"),
        ("beside", "scripts/requirements.txt", "HELLO\n"),
    ] {
        let report = engine.prepare(skill).unwrap_or_else(|error| panic!("{skill}: {error:?}"));
        assert_eq!(report["environments"][0]["source"], source, "{report}");
        assert_eq!(engine.execute(skill).expect("it is installed")["text"], text, "{skill}");
    }
    assert_eq!(stage.kept().len(), 3, "different needs are different environments");
}

#[test]
fn node_packages_are_required_and_imported() {
    for tier in tiers() {
        let stage = Stage::new();
        let package = r#"{"dependencies":{"greet":"1.2.0"}}"#;
        let lock = fs::read_to_string(stage.index.folder.path().join("package-lock.json")).expect("it was made");
        let required = "console.log(require('greet').text);\n";
        let imported = "import { text } from 'greet';\nconsole.log(text);\n";
        stage.skill("cjs", &[("package.json", package), ("scripts/main.js", required)]);
        stage.skill("esm", &[("package.json", package), ("package-lock.json", &lock), ("scripts/main.mjs", imported)]);
        let engine = stage.engine(tier, json!({}));
        for skill in ["cjs", "esm"] {
            let report = engine.prepare(skill).unwrap_or_else(|error| panic!("{tier}: {skill}: {error:?}"));
            let packages = &report["environments"][0]["packages"];
            assert_eq!(packages, &json!(["greet@1.2.0", "loud@3.1.0"]), "{report}");
            let result = engine.execute(skill).expect("it is installed");
            assert_eq!(result["text"], "HELLO\n", "{tier}: {result}");
        }
    }
}

#[test]
fn packages_run_nothing_of_their_own_unless_the_host_says_so() {
    let Some(tier) = tiers().first().copied() else { return };
    for (runs, expected) in [(false, "false\n"), (true, "true\n")] {
        let stage = Stage::new();
        let script = "console.log(require('scripted').ran);\n";
        stage.skill("s", &[("package.json", r#"{"dependencies":{"scripted":"*"}}"#), ("scripts/main.js", script)]);
        let engine = stage.engine(tier, json!({ "scripts": runs }));
        engine.prepare("s").unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(engine.execute("s").expect("it is installed")["text"], expected);
    }
    let stage = Stage::new();
    stage.skill("p", &[("requirements.txt", "hostile"), ("scripts/main.py", "import hostile\n")]);
    let (status, message) = stage.engine(tier, json!({})).prepare("p").expect_err("it must be built");
    assert_eq!(status, SKL_ERR_BUILD_FAILED, "{message}");
    assert!(message.contains("\"scripts\": true"), "{message}");
}

#[test]
fn where_nothing_is_declared_nothing_is_touched() {
    let Some(tier) = tiers().first().copied() else { return };
    let stage = Stage::new();
    stage.skill("plain", &[("scripts/main.py", "print(1)\n"), ("requirements.txt", "# none\n")]);
    let engine = stage.engine(tier, json!({}));
    assert_eq!(engine.prepare("").expect("there is nothing to do"), json!({ "environments": [] }));
    let result = engine.execute("plain").expect("it runs");
    assert_eq!((&result["text"], &result["dependencies"]), (&json!("1\n"), &Value::Null));
    assert!(!stage.cache_dir().join("environments").exists());
    assert_eq!(stage.index.count(""), 0);
}

#[test]
fn a_host_that_allows_nothing_hears_what_would_be_needed() {
    let Some(tier) = tiers().first().copied() else { return };
    let stage = Stage::new();
    stage.skill("a", &[("requirements.txt", "greeting"), ("scripts/main.py", PRINTS_GREETING)]);
    let mut config = stage.config(tier, json!({}));
    config["dependencies"] = json!(false);
    let engine = Engine::new(&config);
    engine.load(stage.skills.path());
    let report = engine.prepare("a").expect("it is no failure");
    assert_eq!((&report["environments"][0]["state"], stage.index.count("")), (&json!("host"), 0));
    let result = engine.execute("a").expect("it runs with what the host has");
    assert_eq!((&result["exit_code"], &result["dependencies"]["state"]), (&json!(1), &json!("host")), "{result}");
    let hint = result["dependencies"]["hint"].as_str().expect("there is one");
    assert!(["greeting", "cache_dir", "skl_engine_prepare"].iter().all(|part| hint.contains(part)), "{hint}");

    config["dependencies"] = json!({ "node_registry": stage.index.node() });
    let engine = Engine::new(&config);
    engine.load(stage.skills.path());
    for (status, message) in [engine.prepare("a").expect_err("no index"), engine.execute("a").expect_err("no index")] {
        assert_eq!(status, SKL_ERR_INVALID_DEPENDENCIES, "{message}");
        assert!(message.contains("python_index"), "{message}");
    }
}

#[test]
fn a_declaration_that_steers_the_installer_is_refused() {
    let Some(tier) = tiers().first().copied() else { return };
    let stage = Stage::new();
    let lines = format!("--index-url {}\ngreeting\n", stage.index.python());
    stage.skill("a", &[("requirements.txt", &lines), ("scripts/main.py", PRINTS_GREETING)]);
    let engine = stage.engine(tier, json!({}));
    for (status, message) in [engine.prepare("a").expect_err("refused"), engine.execute("a").expect_err("refused")] {
        assert_eq!(status, SKL_ERR_INVALID_DEPENDENCIES, "{message}");
        assert!(message.contains("`--index-url`"), "{message}");
    }
}

#[test]
fn failures_say_who_was_asked_and_what_was_said() {
    let Some(tier) = tiers().first().copied() else { return };
    let stage = Stage::new();
    stage.skill("missing", &[("requirements.txt", "greeting==9"), ("scripts/main.py", "")]);
    stage.skill("outside", &[("requirements.txt", "elsewhere"), ("scripts/main.py", "")]);
    stage.skill("slow", &[("requirements.txt", "slow"), ("scripts/main.py", "")]);
    stage.skill("npm", &[("package.json", r#"{"dependencies":{"nothing":"1"}}"#), ("scripts/main.js", "")]);
    stage.index.hold("slow-1.0-py3-none-any.whl");
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port is free").local_addr().expect("it is bound");
    let offline = json!({ "python_index": format!("http://{closed}/simple/") });
    let rows: [(&str, Value, &[&str]); 5] = [
        ("missing", json!({}), &["greeting==9", "requirements.txt", "exit code 1", "version"]),
        ("missing", offline, &[&closed.to_string(), "was not reached: allowed", "refused"]),
        ("outside", json!({}), &["127.0.0.1:1 was not reached", "dependencies.hosts"]),
        ("slow", json!({ "limits": { "wall_ms": 4000 } }), &["dependencies.limits.wall_ms"]),
        ("npm", json!({}), &["npm", "nothing@1", "404"]),
    ];
    for (skill, more, parts) in rows {
        let (status, message) = stage.engine(tier, more).prepare(skill).expect_err("it cannot be installed");
        assert_eq!(status, SKL_ERR_BUILD_FAILED, "{message}");
        for part in parts {
            assert!(message.contains(part), "'{part}' is not in: {message}");
        }
    }
    stage.index.release();
    assert_eq!(stage.kept(), [""; 0], "a failure leaves nothing and is not remembered");
    stage.engine(tier, json!({})).prepare("slow").expect("it can be installed now");
}

#[test]
fn whoever_comes_second_takes_what_the_first_made() {
    let Some(tier) = tiers().first().copied() else { return };
    let stage = Stage::new();
    stage.skill("slow", &[("requirements.txt", "slow"), ("scripts/main.py", "import slow\nprint(slow.text)\n")]);
    stage.index.hold("slow-1.0-py3-none-any.whl");
    let mut other = host_in_another_process(&stage, tier);
    stage.index.await_request("slow-1.0-py3-none-any.whl", 1);
    let engines = [stage.engine(tier, json!({})), stage.engine(tier, json!({}))];
    std::thread::scope(|scope| {
        let waiting: Vec<_> = engines.iter().map(|engine| scope.spawn(|| engine.prepare("slow"))).collect();
        stage.index.release();
        for thread in waiting {
            let report = thread.join().expect("no panic").unwrap_or_else(|error| panic!("{error:?}"));
            assert_eq!(report["environments"][0]["state"], "ready", "{report}");
        }
    });
    assert!(other.wait().expect("it is a child").success());
    assert_eq!(stage.index.count("/simple/slow/"), 1);
    assert_eq!(engines[0].execute("slow").expect("it is installed")["text"], "slow\n");
}

#[test]
fn what_a_killed_host_left_is_made_anew() {
    let Some(tier) = tiers().first().copied() else { return };
    let stage = Stage::new();
    stage.skill("slow", &[("requirements.txt", "slow"), ("scripts/main.py", "import slow\nprint(slow.text)\n")]);
    stage.index.hold("slow-1.0-py3-none-any.whl");
    let mut other = host_in_another_process(&stage, tier);
    stage.index.await_request("slow-1.0-py3-none-any.whl", 1);
    let left = stage.kept();
    assert!(left.len() == 1 && left[0].ends_with(".part"), "{left:?}");
    other.kill().expect("it is killed");
    other.wait().expect("it is a child");
    stage.index.release();
    let engine = stage.engine(tier, json!({}));
    let report = engine.prepare("slow").expect("the lock went with its owner");
    assert_eq!(report["environments"][0]["state"], "built");
    assert_eq!(stage.kept(), [left[0].trim_end_matches(".part")]);
    assert_eq!(engine.execute("slow").expect("it is installed")["text"], "slow\n");
}

/// Prepares the skill `slow` in a process of its own, which may be killed.
fn host_in_another_process(stage: &Stage, tier: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("it has a path"));
    command.args(["prepares_for_another_process", "--exact", "--nocapture"]).stdout(Stdio::null());
    command.env("ENVIRONMENTS_CONFIG", stage.config(tier, json!({})).to_string());
    command.env("ENVIRONMENTS_SKILLS", stage.skills.path()).spawn().expect("it is started")
}

#[test]
fn prepares_for_another_process() {
    let (Ok(config), Ok(skills)) = (std::env::var("ENVIRONMENTS_CONFIG"), std::env::var("ENVIRONMENTS_SKILLS")) else {
        return;
    };
    let engine = Engine::new(&serde_json::from_str(&config).expect("it is JSON"));
    engine.load(Path::new(&skills));
    engine.prepare("slow").expect("it is built");
}

#[test]
fn closing_the_engine_ends_a_build_and_a_wait() {
    let Some(tier) = tiers().first().copied() else { return };
    let stage = Stage::new();
    stage.skill("slow", &[("requirements.txt", "slow"), ("scripts/main.py", "")]);
    stage.index.hold("slow-1.0-py3-none-any.whl");
    let (building, waiting) = (stage.engine(tier, json!({})), stage.engine(tier, json!({})));
    std::thread::scope(|scope| {
        let build = scope.spawn(|| building.prepare("slow"));
        stage.index.await_request("slow-1.0-py3-none-any.whl", 1);
        let wait = scope.spawn(|| waiting.prepare("slow"));
        waiting.close();
        assert_eq!(wait.join().expect("no panic").expect_err("closed").0, SKL_ERR_CLOSED);
        building.close();
        assert_eq!(build.join().expect("no panic").expect_err("closed").0, SKL_ERR_CLOSED);
    });
    stage.index.release();
    assert_eq!(stage.kept(), [""; 0]);
}

#[test]
fn what_builds_itself_reaches_nothing_of_the_host() {
    for tier in tiers() {
        let outside = folder();
        let canary = outside.path().join("canary");
        fs::write(&canary, "canary-7f3a").expect("it is written");
        // The canary is closed to the other user of the landlock tier only as a secret of a host is.
        fs::set_permissions(&canary, fs::Permissions::from_mode(0o600)).expect("it is closed");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        listener.set_nonblocking(true).expect("it is told");
        let stage = Stage::with(&canary, listener.local_addr().expect("it is bound").port());
        let script = "import hostile, json\nprint(json.dumps(hostile.found))\n";
        stage.skill("h", &[("requirements.txt", "hostile"), ("scripts/main.py", script)]);
        let engine = stage.engine(tier, json!({ "scripts": true }));
        engine.prepare("h").unwrap_or_else(|error| panic!("{tier}: {error:?}"));
        let result = engine.execute("h").expect("it is installed");
        let found = &result["output"];
        for what in ["canary", "written", "direct", "proxied", "secret"] {
            let said = found[what].as_str().unwrap_or_else(|| panic!("{result}"));
            assert!(said.ends_with("Error"), "{tier}: {what}: {found}");
        }
        assert_eq!(found["cache"], "[]", "{tier}: the cache is not even visible");
        assert!(!found.to_string().contains("canary-7f3a"));
        assert!(!outside.path().join("canary.out").exists());
        assert!(listener.accept().is_err(), "{tier}: nobody came");
    }
}

#[test]
fn a_call_cannot_change_what_others_import() {
    let script = "import greeting, os\nfor what in (greeting.__file__, os.path.dirname(greeting.__file__) + '/new.py'):\n    \
                  try:\n        open(what, 'w')\n        print('written')\n    except OSError as error:\n        print('refused')\n";
    for tier in tiers() {
        let stage = Stage::new();
        stage.skill("a", &[("requirements.txt", "greeting"), ("scripts/main.py", script)]);
        let engine = stage.engine(tier, json!({}));
        engine.prepare("a").unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(engine.execute("a").expect("it is installed")["text"], "refused\nrefused\n", "{tier}");
    }
}

#[test]
fn a_cache_that_others_may_write_is_not_used() {
    let Some(tier) = tiers().first().copied() else { return };
    let stage = Stage::new();
    stage.skill("a", &[("requirements.txt", "greeting"), ("scripts/main.py", PRINTS_GREETING)]);
    let environments = stage.cache_dir().join("environments");
    let engine = stage.engine(tier, json!({}));
    let report = engine.prepare("a").unwrap_or_else(|error| panic!("{error:?}"));
    let folder = PathBuf::from(report["environments"][0]["path"].as_str().expect("a text"));
    assert!(folder.starts_with(environments.canonicalize().expect("it is there")));

    // Incomplete: it is made anew.
    fs::remove_file(folder.join("record.json")).expect("it was there");
    assert_eq!(engine.execute("a").expect_err("incomplete").0, SKL_ERR_NOT_PREPARED);
    assert_eq!(engine.prepare("a").expect("it is made")["environments"][0]["state"], "built");

    for place in [&folder, &environments] {
        fs::set_permissions(place, fs::Permissions::from_mode(0o777)).expect("it is opened");
        let engine = stage.engine(tier, json!({}));
        for (status, message) in [engine.execute("a").expect_err("open"), engine.prepare("a").expect_err("open")] {
            assert_eq!(status, SKL_ERR_INVALID_CONFIG, "{message}");
            assert!(message.contains("nobody else may write"), "{message}");
        }
        fs::set_permissions(place, fs::Permissions::from_mode(0o755)).expect("it is closed");
    }
    let link = stage.cache.path().join("link");
    std::os::unix::fs::symlink(stage.cache_dir(), &link).expect("it is made");
    let mut config = stage.config(tier, json!({}));
    config["policy"]["write_paths"] = json!([link]);
    let (status, message) = Engine::try_new(&config).err().unwrap_or_else(|| {
        let engine = Engine::new(&config);
        engine.load(stage.skills.path());
        engine.execute("a").expect_err("calls may write there")
    });
    assert_eq!(status, SKL_ERR_INVALID_CONFIG, "{message}");
    assert!(message.contains("write_paths"), "{message}");
}

/// Runs all of the above again, as a user without any rights.
#[test]
fn everything_holds_for_an_ordinary_user() {
    const TEST: &str = "everything_holds_for_an_ordinary_user";
    // SAFETY: takes no pointers.
    if unsafe { libc::geteuid() } != 0 {
        println!("skipped: this user is an ordinary one");
        return;
    }
    let place = folder();
    let program = place.path().join("host");
    // The build's folder may be closed to the other user.
    fs::copy(std::env::current_exe().expect("it has a path"), &program).expect("it is copied");
    chown(place.path(), Some(ORDINARY), Some(ORDINARY)).expect("it is given away");
    let id = ORDINARY.to_string();
    let status = Command::new("setpriv")
        .args(["--reuid", &id, "--regid", &id, "--clear-groups", "--inh-caps=-all", "--"])
        .arg(&program)
        .args(["--skip", TEST, "--skip", "pandas"])
        .env_clear()
        .envs([("PATH", Path::new("/usr/local/bin:/usr/bin:/bin")), ("HOME", place.path()), ("TMPDIR", place.path())])
        .current_dir("/")
        .status();
    assert!(status.expect("setpriv starts it").success());
}
