//! Node and the shells, with and without the host's tools.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use skilllite::runtime::{Interpreters, Language, Lookup};

use super::{assert_minimal, has_bwrap, host, output, same_inside, skipped, with_override};

#[test]
fn node_runs() {
    let interpreters = Interpreters::new(host());
    let Ok(runtime) = interpreters.find(Language::Node) else { return skipped("no node") };
    assert_minimal(&runtime);
    if has_bwrap() {
        let probe = "const c = require('crypto'); console.log(c.randomUUID().length, c.createHash('sha256').update('x').digest('hex'), \
                     new Intl.DateTimeFormat('de', {month: 'long', timeZone: 'Asia/Tokyo'}).format(0), process.version, \
                     require('zlib').gzipSync('x').length, typeof fetch, require('fs').existsSync('/etc/passwd') === (process.argv[1] === 'out'))";
        let inside = output(&runtime, &["-e", probe, "in"], "/usr/bin", true);
        assert_eq!(inside, output(&runtime, &["-e", probe, "out"], "/usr/bin", false));
        assert!(inside.contains("Januar"), "{inside}");
    }
}

const SHELL_PROBE: &str = "
set -e
ls /usr/bin | head -n 1
printf 'a b\\n' | awk '{ print $2 }'
echo aXb | sed s/X/-/ | tr a-z A-Z
echo '{\"a\": 1}' | grep -o '[0-9]'
seq 3 | sort -r | xargs echo
case \"$(date -u -d @0 +%Y)\" in 1970) echo epoch ;; esac
if test -x /usr/bin/perl; then perl -MPOSIX -MList::Util=sum -e 'print floor(2.5), sum(1, 2), qq(\\n)'; fi
if test -x /usr/bin/git; then git --version; fi
if test -x /usr/bin/file; then file -b /usr/bin/env | cut -c 1-3; fi
cd /tmp && find /usr/bin/env -newermt @0 | wc -l
";

#[test]
fn shells_run_with_their_tools() {
    let programs = [
        (Language::Bash, None, &[][..]),
        (Language::Sh, None, &[]),
        (Language::Sh, Some("/usr/bin/dash"), &[]),
        (Language::Sh, Some("/usr/bin/busybox"), &["sh"]),
        (Language::Sh, Some("/usr/bin/bash"), &[]),
    ];
    for (language, program, arguments) in programs {
        if program.is_some_and(|program| !Path::new(program).exists()) {
            skipped(&format!("no {program:?}"));
            continue;
        }
        let interpreters = program.map_or_else(|| Interpreters::new(host()), |p| with_override(language, Path::new(p)));
        let runtime = interpreters.find(language).unwrap_or_else(|error| panic!("{program:?}: {error}"));
        assert_minimal(&runtime);
        if program.is_some() {
            assert_eq!(runtime.arguments, arguments, "{program:?}");
        }
        if has_bwrap() {
            let path = &interpreters.tools().search_path;
            same_inside(&format!("{language} {program:?}"), &runtime, &["-c", SHELL_PROBE], path);
            let hidden =
                "for f in /etc/passwd /root/.bashrc /usr/local/etc /var; do test ! -e $f || echo $f; done; echo end";
            assert_eq!(output(&runtime, &["-c", hidden], path, true), "end\nexit status: 0");
        }
    }
}

#[test]
fn sh_keeps_the_name_that_makes_bash_posix() {
    let directory = tempfile::tempdir().expect("tempdir");
    let root = fs::canonicalize(directory.path()).expect("canonical");
    symlink("/bin/bash", root.join("sh")).expect("link");
    let interpreters = Interpreters::new(Lookup { search_path: vec![root.clone()], ..host() });
    let Ok(runtime) = interpreters.find(Language::Sh) else { return skipped("no bash") };
    assert_eq!(runtime.program, root.join("sh"));
    if has_bwrap() {
        let printed = same_inside(
            "sh is bash",
            &runtime,
            &["-c", "case :$SHELLOPTS: in *:posix:*) echo posix;; esac"],
            "/usr/bin",
        );
        assert!(printed.starts_with("posix"), "{printed}");
    }
}

#[test]
fn tools_join_a_runtime_without_overlap() {
    let interpreters = Interpreters::new(host());
    let Ok(python) = interpreters.find(Language::Python) else { return skipped("no python") };
    let both = python.with_tools(&interpreters.tools());
    assert_minimal(&both);
    if has_bwrap() {
        let probe = "import subprocess, sys; print(subprocess.run(['ls', '/usr/bin/env'], capture_output=True), \
                     subprocess.run([sys.executable, '-c', 'import ssl']))";
        same_inside("python with tools", &both, &["-c", probe], "/usr/bin");
    }
}

#[test]
fn interpreters_are_shared_by_threads() {
    let interpreters = Interpreters::new(host());
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| interpreters.find(Language::Sh).map(|r| r.program.clone()))).collect();
        let found: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]), "{found:?}");
    });
}
