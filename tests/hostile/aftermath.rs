//! What a payload leaves behind: processes, folders, results that are traps.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use skilllite::engine::Call;

use crate::table::{Evidence, Row};

/// The names under which a host could look for results, hostile ones included.
pub fn result_names(result: &Value) -> Vec<String> {
    let listed =
        ["files", "skipped_files"].into_iter().flat_map(|key| result[key].as_array().cloned().unwrap_or_default());
    let listed = listed.filter_map(|file| Some(file["path"].as_str()?.to_owned())).take(50);
    listed.chain(NAMES.iter().map(|name| (*name).to_owned())).collect()
}

const NAMES: [&str; 9] = [
    "link",
    "linked/secret.txt",
    "sub/again/secret.txt",
    "hard",
    "moved",
    "out",
    "real/secret.txt",
    "swapped/secret.txt",
    "magic/secret.txt",
];

/// Reads results as an incautious host does.
pub fn naive_results(row: &Row, folder: &Path, text: &mut String, evidence: &mut Vec<Evidence>) {
    for name in NAMES {
        let path = folder.join(name);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {
                text.push_str(&String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()));
            }
            Ok(_) if row.shows == Evidence::Hang => {
                let status = Command::new("timeout")
                    .args(["1", "cat"])
                    .arg(&path)
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .status();
                if status.is_ok_and(|status| status.code() == Some(124)) {
                    evidence.push(Evidence::Hang);
                }
            }
            _ => {}
        }
    }
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        evidence.push(Evidence::Litter);
    }
}

/// Keeps results in two folders, one of them empty and one in which somebody has laid links to the host's own files under
/// the names of results. Gives what arrived; what came through a link is seen at its target.
pub fn keep_results(call: &Call, result: &Value, root: &Path) -> String {
    let (empty, laid) = (root.join("kept/empty"), root.join("kept/laid"));
    for folder in [&empty, &laid] {
        fs::create_dir_all(folder).unwrap();
    }
    let names = result_names(result);
    for (index, name) in names.iter().enumerate() {
        let first = name.split('/').next().unwrap_or_default();
        let target = root.join(if index % 2 == 0 { "canary/project" } else { "secret.txt" });
        let _ = symlink(target, laid.join(first));
    }
    let mut arrived = String::new();
    for name in names.iter().map(String::as_str).chain([""]) {
        for folder in [&empty, &laid] {
            let _ = call.keep(name, folder.to_str().unwrap());
        }
        // A link or a pipe that arrived would be followed, or waited for, here.
        let mut bytes = Vec::new();
        let read = fs::File::open(empty.join(name)).and_then(|file| file.take(4096).read_to_end(&mut bytes));
        if read.is_ok() {
            arrived.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    crate::skills::remove(&root.join("kept"));
    arrived
}

/// What every process of a payload of this host has in its environment.
pub fn marker() -> String {
    format!("hostile-run-{}", std::process::id())
}

/// Processes that a payload started: they carry the marker of this host in their environment.
pub fn strays() -> Vec<i32> {
    let needle = format!("HOSTILE_RUN={}\0", marker());
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
    .collect()
}

/// Ends processes.
pub fn kill(pids: &[i32]) {
    for pid in pids {
        // SAFETY: takes no pointers; the marker says that the process is a payload's.
        unsafe { libc::kill(*pid, libc::SIGKILL) };
    }
}

/// Whether a folder goes away, however busy the machine is.
pub fn is_gone(path: &Path) -> bool {
    let end = Instant::now() + Duration::from_secs(30);
    while path.exists() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// The memory of this process.
pub fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// The start of what was printed.
pub fn clip(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 20)]).into_owned()
}

/// The end of a text, in one line.
pub fn excerpt(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let count = line.chars().count();
    line.chars().skip(count.saturating_sub(500)).collect()
}
