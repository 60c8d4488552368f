//! The sandbox by itself: programs in, outcomes out.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use skilllite::runtime::{Interpreters, Language, Lookup, Runtime};
use skilllite::sandbox::{Bind, Command, End, Options, Outcome, Policy, Sandbox, Tier};

fn sandbox() -> Sandbox {
    Sandbox::new(Options { supervisor_path: None, max_running: 4, max_queued: 16 })
}

fn shell() -> Runtime {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let lookup = Lookup { search_path: std::env::split_paths(&path).collect(), ..Lookup::default() };
    let interpreters = Interpreters::new(lookup);
    let runtime: Arc<Runtime> = interpreters.find(Language::Sh).unwrap();
    runtime.with_tools(&interpreters.tools())
}

fn run(sandbox: &Sandbox, policy: &Policy, home: &Path, script: &str) -> Outcome {
    let runtime = shell();
    let layout = sandbox.layout(policy, home).unwrap();
    let mut arguments = vec![runtime.program.clone().into_os_string()];
    arguments.extend(runtime.arguments.iter().cloned());
    arguments.extend(["-c".into(), script.into()]);
    let command = Command {
        program: runtime.program.clone(),
        arguments,
        environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
        stdin: b"hello\n".to_vec(),
        home_source: home.to_path_buf(),
        binds: runtime
            .mounts
            .iter()
            .map(|path| Bind { source: path.clone(), target: path.clone(), is_writable: false })
            .collect(),
        symlinks: runtime.symlinks.clone(),
        files: vec![(PathBuf::from("in/put.txt"), b"data".to_vec())],
        working_directory: layout.work.clone(),
        layout,
    };
    let run = sandbox.start(command, policy).unwrap();
    run.wait(None);
    run.take_outcome().unwrap().unwrap()
}

#[test]
fn smoke() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path().canonicalize().unwrap();
    let sandbox = sandbox();
    let report = sandbox.report().unwrap();
    println!("{report:#?}");
    for tier in Tier::ALL {
        let policy = Policy { min_tier: Tier::Landlock, max_tier: tier, ..Policy::default() };
        let outcome = run(
            &sandbox,
            &policy,
            &home,
            "id; cat; ls -la / /work /proc /dev; cat in/put.txt; cat /proc/self/status | grep -E 'Cap|Sec|NoNew'; ls -l /proc/self/fd; echo out > x; exit 3",
        );
        println!(
            "{}\n{}\n{:?} {:?} {:?}",
            String::from_utf8_lossy(&outcome.stdout.bytes),
            String::from_utf8_lossy(&outcome.stderr.bytes),
            outcome.end,
            outcome.stop,
            outcome.usage
        );
        assert_eq!(outcome.end, End::Exited(3));
    }
}
