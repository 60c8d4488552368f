//! The skills of the suite on disk: one folder for each row, written at the start and put back when a control changed it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::table::Row;

fn payloads() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/payloads")
}

/// Writes the skill of a row: one script, no arguments.
pub fn write(root: &Path, row: &Row) {
    let name = row.tool();
    let folder = folder(root, row);
    fs::create_dir_all(folder.join("scripts")).unwrap();
    let script = script(root, row);
    let entry = script.strip_prefix(&folder).unwrap().display();
    let text = format!(
        "---\nname: {name}\ndescription: A payload of the hostile suite.\n---\n# {name}\n\n## Runtime\n\n```yaml\n\
         entry_point: {entry}\ninput_schema: {{type: object, properties: {{}}}}\n```\n"
    );
    fs::write(folder.join("SKILL.md"), text).unwrap();
    let source = payloads().join(row.source);
    match source.extension().and_then(|extension| extension.to_str()) {
        Some("py") => {
            let prelude = fs::read_to_string(payloads().join("prelude.py")).unwrap();
            let mut payload = fs::read_to_string(source).unwrap();
            if row.source == "proxy.py" {
                // It does again what those do that have no network.
                payload = fs::read_to_string(payloads().join("network.py")).unwrap() + "\n\n" + &payload;
            }
            fs::write(&script, format!("{prelude}\n\n{payload}\n\nrun()\n")).unwrap();
        }
        Some("c") => compile(&source, &script, &["-static"]),
        _ => drop(fs::copy(&source, &script).unwrap()),
    }
    if row.id == "P16" {
        compile(&payloads().join("second.c"), &folder.join("scripts/second"), &[]);
    }
    let mode = if row.id == "F24" { 0o4755 } else { 0o755 };
    fs::set_permissions(&script, fs::Permissions::from_mode(mode)).unwrap();
}

/// The script of a row.
pub fn script(root: &Path, row: &Row) -> PathBuf {
    let name = match row.source.rsplit_once('.') {
        Some((_, "c")) | None => "main".to_owned(),
        Some((_, extension)) => format!("main.{}", if extension == "bash" { "sh" } else { extension }),
    };
    folder(root, row).join("scripts").join(name)
}

/// The folder of a row's skill.
pub fn folder(root: &Path, row: &Row) -> PathBuf {
    root.join("skills").join(row.tool())
}

/// Copies a folder as it is.
pub fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(status.is_ok_and(|status| status.success()), "cp copies {}", from.display());
}

/// Removes a folder that a payload may have locked.
pub fn remove(folder: &Path) {
    let _ = Command::new("chmod").args(["-Rf", "u+rwx"]).arg(folder).status();
    let _ = Command::new("rm").arg("-rf").arg(folder).status();
}

fn compile(source: &Path, target: &Path, options: &[&str]) {
    let status = Command::new("cc").args(["-O1", "-w", "-o"]).arg(target).arg(source).args(options).status();
    assert!(status.is_ok_and(|status| status.success()), "cc compiles {}", source.display());
}

/// Writes what would take over an interpreter that is led there. Quiet unless a payload is being run.
pub fn evil(folder: &Path) {
    let python = "import os\nif os.environ.get('HOSTILE_CASE', '').startswith('H9'):\n    print('REACHED sitecustomize', flush=True)\n";
    fs::write(folder.join("sitecustomize.py"), python).unwrap();
    fs::write(folder.join("env.sh"), "echo REACHED BASH_ENV\n").unwrap();
    fs::write(folder.join("require.js"), "console.log('REACHED require')\n").unwrap();
    compile(&payloads().join("preload.c"), &folder.join("preload.so"), &["-shared", "-fPIC"]);
}
