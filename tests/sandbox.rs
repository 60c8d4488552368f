//! The sandbox by itself: programs in, outcomes out.

use std::path::{Path, PathBuf};

use skilllite::runtime::{Interpreters, Language, Lookup, Runtime};
use skilllite::sandbox::{
    Bind, Command, End, LayerState, Network, Options, Outcome, Policy, Sandbox, Stop, Tier, Uplink,
};

fn shell() -> Runtime {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let lookup = Lookup { search_path: std::env::split_paths(&path).collect(), ..Lookup::default() };
    let interpreters = Interpreters::new(lookup);
    interpreters.find(Language::Sh).unwrap().with_tools(&interpreters.tools())
}

struct Bench {
    sandbox: Sandbox,
    home: tempfile::TempDir,
    runtime: Runtime,
}

impl Bench {
    fn new() -> Self {
        let options = Options { supervisor_path: None, max_running: 4, max_queued: 16 };
        Bench { sandbox: Sandbox::new(options), home: tempfile::tempdir().unwrap(), runtime: shell() }
    }

    fn command(&self, policy: &Policy, script: &str) -> Command {
        let home = self.home.path().canonicalize().unwrap();
        let runtime = &self.runtime;
        let layout = self.sandbox.layout(policy, &home).unwrap();
        let mut arguments = vec![runtime.program.clone().into_os_string()];
        arguments.extend(runtime.arguments.iter().cloned());
        arguments.extend(["-c".into(), script.into()]);
        let bind = |path: &PathBuf| Bind { source: path.clone(), target: path.clone(), is_writable: false };
        Command {
            program: runtime.program.clone(),
            arguments,
            environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
            stdin: b"hello\n".to_vec(),
            home_source: home,
            binds: runtime.mounts.iter().map(bind).collect(),
            symlinks: runtime.symlinks.clone(),
            files: vec![(PathBuf::from("in/put.txt"), b"data\n".to_vec())],
            is_followed: false,
            working_directory: layout.work.clone(),
            layout,
        }
    }

    fn run(&self, policy: &Policy, script: &str) -> Outcome {
        let run = self.sandbox.start(self.command(policy, script), policy, None).unwrap();
        run.wait(None);
        run.take_outcome().unwrap().unwrap()
    }

    fn tiers(&self) -> Vec<Tier> {
        let best = self.sandbox.report().unwrap().tier.expect("this host gives no isolation at all");
        Tier::ALL.into_iter().filter(|tier| *tier <= best).collect()
    }
}

fn held_to(tier: Tier) -> Policy {
    Policy { min_tier: Tier::Landlock, max_tier: tier, ..Policy::default() }
}

#[test]
fn a_program_reads_its_input_and_its_end_is_told_in_every_tier() {
    let bench = Bench::new();
    for tier in bench.tiers() {
        let outcome = bench.run(&held_to(tier), "cat - in/put.txt; echo oops >&2; exit 3");
        assert_eq!(String::from_utf8_lossy(&outcome.stdout.bytes), "hello\ndata\n", "{tier}");
        assert_eq!(String::from_utf8_lossy(&outcome.stderr.bytes), "oops\n", "{tier}");
        assert_eq!((outcome.end, outcome.stop), (End::Exited(3), None), "{tier}");
        assert_eq!(outcome.isolation.tier, tier);
    }
}

#[test]
fn a_result_names_what_held() {
    let bench = Bench::new();
    for tier in bench.tiers() {
        let isolation = bench.run(&held_to(tier), "true").isolation;
        for name in ["seccomp", "capabilities", "keyring", "cpu"] {
            let layer = isolation.layers.iter().find(|layer| layer.name == name).unwrap();
            assert_eq!(layer.state, LayerState::Active, "{tier}: {layer:?}");
        }
        let has_mounts =
            isolation.layers.iter().any(|layer| layer.name == "mount" && layer.state == LayerState::Active);
        assert_eq!(has_mounts, tier != Tier::Landlock, "{tier}");
    }
}

#[test]
fn the_process_sees_itself_confined_in_every_tier() {
    let bench = Bench::new();
    for tier in bench.tiers() {
        let outcome =
            bench.run(&held_to(tier), "while read -r key value; do echo \"$key $value\"; done < /proc/self/status");
        let status = String::from_utf8_lossy(&outcome.stdout.bytes).into_owned();
        for expected in ["CapPrm: 0000000000000000", "CapEff: 0000000000000000", "NoNewPrivs: 1", "Seccomp: 2"] {
            assert!(status.contains(expected), "{tier}: no '{expected}' in {status}");
        }
    }
}

#[test]
fn a_run_ends_at_its_deadline_with_all_its_children() {
    let bench = Bench::new();
    for tier in bench.tiers() {
        let mut policy = held_to(tier);
        policy.limits.wall_ms = 200;
        let outcome = bench.run(&policy, "trap '' TERM; (sleep 1000 &) ; echo started; sleep 1000");
        assert_eq!(outcome.stop, Some(Stop::Wall), "{tier}");
        assert_eq!(String::from_utf8_lossy(&outcome.stdout.bytes), "started\n", "{tier}");
    }
}

#[test]
fn a_cancelled_run_says_so_in_every_tier() {
    let bench = Bench::new();
    for tier in bench.tiers() {
        let policy = held_to(tier);
        let run = bench.sandbox.start(bench.command(&policy, "sleep 1000"), &policy, None).unwrap();
        run.cancel();
        run.cancel();
        run.wait(None);
        assert_eq!(run.take_outcome().unwrap().unwrap().stop, Some(Stop::Cancelled), "{tier}");
        run.cancel();
    }
}

#[test]
fn the_work_directory_outlives_the_run_and_leaves_no_trace() {
    use std::os::fd::{AsFd, AsRawFd};
    for tier in Bench::new().tiers() {
        let bench = Bench::new();
        let outcome = bench.run(&held_to(tier), "echo out > made.txt; pwd");
        let work = outcome.work.unwrap();
        let made = format!("/proc/self/fd/{}/made.txt", work.as_fd().as_raw_fd());
        assert_eq!(std::fs::read_to_string(made).unwrap(), "out\n", "{tier}");
        drop(work);
        // Closing waits for the supervisor, which waits for init, which removes what it made.
        bench.sandbox.close();
        let path = String::from_utf8(outcome.stdout.bytes).unwrap();
        assert!(!Path::new(path.trim()).join("made.txt").exists(), "{tier}: {path} is left");
    }
}

#[test]
fn a_closed_sandbox_refuses() {
    let bench = Bench::new();
    let policy = Policy::default();
    let command = bench.command(&policy, "true");
    bench.sandbox.close();
    let error = bench.sandbox.start(command, &policy, None).err().unwrap();
    assert_eq!(error.status, skilllite::error::Status::Closed);
}

/// A run's listener is on a loopback of its own: the library's side is reached from inside, and nothing else is.
#[test]
fn a_listener_of_a_run_is_handed_over_and_is_its_only_way_out() {
    use std::io::Write;
    use std::net::TcpListener;
    use std::os::fd::OwnedFd;
    use std::sync::{Arc, Mutex};

    let bench = Bench::new();
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = outside.local_addr().unwrap().port();
    for tier in bench.tiers().into_iter().filter(|tier| *tier != Tier::Landlock) {
        let network = Network::Listener { port: 3128 };
        let policy = Policy { min_tier: tier, max_tier: tier, network, ..Policy::default() };
        let script = format!(
            "exec 3<>/dev/tcp/127.0.0.1/3128; cat <&3; (exec 4<>/dev/tcp/127.0.0.1/{port}) 2>&1 | tail -n 1; cat /proc/net/dev 2>&1 | tail -n +3"
        );
        let mut command = bench.command(&policy, &script);
        // Only bash has these sockets.
        command.program = "/usr/bin/bash".into();
        command.arguments = ["bash", "-c", &script].map(Into::into).to_vec();
        let listeners: Arc<Mutex<Vec<OwnedFd>>> = Arc::default();
        let kept = Arc::clone(&listeners);
        let uplink: Uplink = Arc::new(move |listener| {
            let listener = TcpListener::from(listener);
            kept.lock().unwrap().push(listener.try_clone().unwrap().into());
            std::thread::spawn(move || {
                listener.set_nonblocking(false).unwrap();
                let (mut client, address) = listener.accept().unwrap();
                assert!(address.ip().is_loopback());
                client.write_all(b"from outside\n").unwrap();
            });
        });
        let run = bench.sandbox.start(command, &policy, Some(uplink)).unwrap();
        run.wait(None);
        let outcome = run.take_outcome().unwrap().unwrap();
        let text = String::from_utf8_lossy(&outcome.stdout.bytes).into_owned();
        assert!(text.starts_with("from outside\n"), "{tier}: {outcome:?}");
        assert!(text.contains("Connection refused"), "{tier}: {text}");
        assert_eq!(listeners.lock().unwrap().len(), 1);
        let layer = outcome.isolation.layers.iter().find(|layer| layer.name == "network").unwrap();
        assert!(layer.state == LayerState::Active && layer.detail.contains("127.0.0.1:3128"), "{layer:?}");
    }
    outside.set_nonblocking(true).unwrap();
    assert!(outside.accept().is_err(), "the host's own loopback was reached");
}
