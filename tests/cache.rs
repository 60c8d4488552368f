//! The cache of tools, through the engine: it changes how long loading takes, and nothing else.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use skilllite::engine::{Engine, Host};

/// Skills in every language that is read, with everything that a tool can have.
fn skills() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools");
    for (skill, endings) in [("infer", "py"), ("node", "js mjs"), ("shell", "sh")] {
        let scripts = folder.path().join(skill).join("scripts");
        fs::create_dir_all(&scripts).expect("a folder");
        let front = format!("---\nname: {skill}\ndescription: Reads.\n---\n");
        fs::write(folder.path().join(skill).join("SKILL.md"), front).expect("written");
        for entry in fs::read_dir(sources.join(skill)).expect("sources").flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|ending| endings.split(' ').any(|one| ending == one)) {
                fs::copy(&path, scripts.join(entry.file_name())).expect("copied");
            }
        }
    }
    folder
}

/// What an engine with this cache makes of the skills: its report, and all that it says of their tools.
fn load(skills: &Path, config: Value) -> (Value, Value) {
    let engine = Engine::new(&config.to_string(), Host::snapshot()).expect("an engine");
    let report = engine.load(skills).expect("they are loaded");
    let mut told = vec![engine.tools("openai").expect("tools")];
    for skill in ["infer", "node", "shell"] {
        told.push(engine.manifest(skill).expect("a manifest")["tools"].clone());
    }
    (report, Value::Array(told))
}

fn with(cache: &Path) -> Value {
    json!({ "cache_dir": cache })
}

fn files(cache: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(cache.join("tools")).expect("a folder").flatten().map(|e| e.path()).collect();
    found.sort();
    found
}

fn codes(report: &Value) -> Vec<&str> {
    report["diagnostics"].as_array().expect("an array").iter().filter_map(|found| found["code"].as_str()).collect()
}

#[test]
fn what_is_kept_is_what_was_read() {
    let (skills, cache) = (skills(), tempfile::tempdir().expect("a folder"));
    let (_, plain) = load(skills.path(), json!({}));
    let place = cache.path().join("not/there/yet");
    let (first, cold) = load(skills.path(), with(&place));
    let kept = files(&place);
    assert_eq!(kept.len(), 3, "{kept:?}");
    let before: Vec<_> = kept.iter().map(|path| fs::metadata(path).unwrap().modified().unwrap()).collect();
    let (second, warm) = load(skills.path(), with(&place));
    assert_eq!((&cold, &warm), (&plain, &plain));
    assert_eq!(first, second);
    let after: Vec<_> = files(&place).iter().map(|path| fs::metadata(path).unwrap().modified().unwrap()).collect();
    assert_eq!(before, after, "nothing was written anew");
    assert_eq!(fs::metadata(place.join("tools")).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(&kept[0]).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn another_content_is_another_entry() {
    let (skills, cache) = (skills(), tempfile::tempdir().expect("a folder"));
    load(skills.path(), with(cache.path()));
    let script = skills.path().join("infer/scripts/plain.py");
    let changed = fs::read_to_string(&script).unwrap() + "\n# another\n";
    fs::write(&script, changed).unwrap();
    let (_, told) = load(skills.path(), with(cache.path()));
    assert_eq!(told, load(skills.path(), json!({})).1);
    assert_eq!(files(cache.path()).len(), 4);
}

/// Whatever a file holds: it is read as what was kept, or as nothing.
#[test]
fn a_damaged_file_is_one_that_is_not_there() {
    let (skills, cache) = (skills(), tempfile::tempdir().expect("a folder"));
    let (_, plain) = load(skills.path(), with(cache.path()));
    let path = files(cache.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    let flipped = |place: usize| {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        bytes
    };
    let rows: Vec<Vec<u8>> = vec![
        Vec::new(),
        whole[..whole.len() - 1].to_vec(),
        whole[..40].to_vec(),
        [whole.as_slice(), b"x"].concat(),
        flipped(0),
        flipped(20),
        flipped(whole.len() / 2),
        vec![0; 2 << 20],
    ];
    for (row, bytes) in rows.into_iter().enumerate() {
        fs::write(&path, bytes).unwrap();
        let (report, told) = load(skills.path(), with(cache.path()));
        assert_eq!(told, plain, "row {row}");
        assert_eq!(codes(&report), [""; 0], "row {row}");
        assert_eq!(fs::read(&path).unwrap(), whole, "row {row}: it is made anew");
    }
}

#[test]
fn what_others_may_have_written_is_not_used_and_said() {
    let (skills, cache) = (skills(), tempfile::tempdir().expect("a folder"));
    let (_, plain) = load(skills.path(), with(cache.path()));
    let path = files(cache.path()).remove(0);
    let whole = fs::read(&path).unwrap();
    let restore = || {
        let _ = fs::remove_file(&path);
        fs::write(&path, &whole).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    };
    let spoil: [(&str, &dyn Fn()); 4] = [
        ("writable", &|| fs::set_permissions(&path, Permissions::from_mode(0o620)).unwrap()),
        ("link", &|| {
            fs::rename(&path, cache.path().join("elsewhere")).unwrap();
            symlink(cache.path().join("elsewhere"), &path).unwrap();
        }),
        ("pipe", &|| {
            fs::remove_file(&path).unwrap();
            nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        }),
        ("owner", &|| {
            if std::os::unix::fs::chown(&path, Some(61_234), None).is_err() {
                println!("skipped: only root gives files away");
                fs::set_permissions(&path, Permissions::from_mode(0o602)).unwrap();
            }
        }),
    ];
    for (what, spoil) in spoil {
        restore();
        spoil();
        let (report, told) = load(skills.path(), with(cache.path()));
        assert_eq!(told, plain, "{what}");
        assert_eq!(codes(&report), ["cache-foreign"], "{what}: {report}");
    }
    let (report, _) = load(skills.path(), with(cache.path()));
    assert_eq!(codes(&report), [""; 0], "its place was taken by one of our own");
}

#[test]
fn a_folder_that_is_not_ours_alone_is_not_used_and_said() {
    let (skills, home) = (skills(), tempfile::tempdir().expect("a folder"));
    let at = |name: &str| home.path().join(name);
    let (_, plain) = load(skills.path(), json!({}));
    let open = at("open/tools");
    fs::create_dir_all(&open).unwrap();
    fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    fs::create_dir_all(at("link")).unwrap();
    symlink(at("open"), at("link/tools")).unwrap();
    fs::write(at("file"), "x").unwrap();
    let granted = |path: &str| json!({ "cache_dir": at("granted"), "policy": { "write_paths": [at(path)] } });
    fs::create_dir_all(at("granted/tools/deep")).unwrap();
    let rows = [
        (with(&at("open")), "nobody else may write"),
        (with(&at("link")), "cannot be used"),
        (with(&at("file")), "cannot be used"),
        (granted("granted"), "write_paths"),
        (granted("granted/tools/deep"), "write_paths"),
    ];
    for (config, part) in rows {
        let (report, told) = load(skills.path(), config);
        assert_eq!(codes(&report), ["cache-unusable"], "{report}");
        let message = report["diagnostics"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(part) && message.contains("'cache_dir'"), "{message}");
        assert_eq!(told, plain);
    }
    assert!(fs::read_dir(&open).unwrap().next().is_none());
}

/// Engines that share a folder and load at the same time see the same tools, and leave whole files.
#[test]
fn engines_share_a_folder() {
    let (skills, cache) = (skills(), tempfile::tempdir().expect("a folder"));
    let plain = load(skills.path(), json!({})).1;
    std::thread::scope(|scope| {
        let loads: Vec<_> = (0..8).map(|_| scope.spawn(|| load(skills.path(), with(cache.path())))).collect();
        for loaded in loads {
            let (report, told) = loaded.join().expect("it loads");
            assert_eq!(told, plain);
            assert_eq!(codes(&report), [""; 0]);
        }
    });
    assert_eq!(files(cache.path()).len(), 3);
}

/// What could not be read as its author meant it is read again each time, so that it is said each time.
#[test]
fn a_skill_with_findings_is_not_kept() {
    let (skills, cache) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let folder = skills.path().join("lost");
    fs::create_dir_all(folder.join("scripts")).unwrap();
    let front = "---\nname: lost\ndescription: Declares.\ninput_schema: {type: array}\n---\n";
    fs::write(folder.join("SKILL.md"), front).unwrap();
    fs::write(folder.join("scripts/main.py"), "print(1)\n").unwrap();
    for _ in 0..2 {
        let engine = Engine::new(&with(cache.path()).to_string(), Host::snapshot()).expect("an engine");
        engine.load(skills.path()).expect("it loads");
        let found = engine.skills().expect("skills")[0]["diagnostics"].to_string();
        assert!(found.contains("tool.schema-invalid"), "{found}");
    }
    assert_eq!(files(cache.path()).len(), 0);
}
