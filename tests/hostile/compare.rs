//! The same payloads under bubblewrap, with a command line that somebody careful would write.

use std::path::Path;
use std::process::Command;

use crate::skills;
use crate::table::Row;

/// The command for a row, or why there is none.
pub fn bubblewrap(root: &Path, row: &Row, variables: &[(String, String)]) -> Result<Command, String> {
    if row.variable.is_some() || row.forbids_subprocess {
        return Err("no such option".into());
    }
    if !Path::new("/usr/bin/bwrap").exists() {
        return Err("bubblewrap is not installed".into());
    }
    let mut command = Command::new("timeout");
    command.args(["-k", "1", "6", "/usr/bin/bwrap", "--unshare-all", "--die-with-parent", "--new-session"]);
    command.args(["--cap-drop", "ALL", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin"]);
    for path in ["/usr", "/bin", "/lib", "/lib64", "/etc/alternatives", "/etc/ld.so.cache"] {
        command.args(["--ro-bind-try", path, path]);
    }
    command.args(["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/work", "--chdir", "/work"]);
    command.arg("--ro-bind").arg(skills::folder(root, row)).arg("/skill");
    for (name, value) in variables {
        command.arg("--setenv").arg(name).arg(value);
    }
    let script = skills::script(root, row);
    let script =
        Path::new("/skill").join(script.strip_prefix(skills::folder(root, row)).map_err(|error| error.to_string())?);
    match row.source.rsplit_once('.') {
        Some((_, "py")) => drop(command.arg("/usr/bin/python3")),
        Some((_, "js")) => drop(command.arg("/usr/bin/node")),
        Some((_, "bash")) => drop(command.arg("/bin/bash")),
        Some((_, "sh")) => drop(command.arg("/bin/sh")),
        _ => {}
    }
    command.arg(script);
    Ok(command)
}
