//! A tool and its arguments turned into the one program that the sandbox runs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::runtime::{Certificates, Language, Runtime, Tools};
use crate::sandbox::{Bind, Command, Layout};
use crate::tool::{Invocation, Tool};

use super::config::WorkingDirectory;

/// Where commands are looked up when the policy allows none beyond the interpreter and the interpreter is the script.
const BARE_SEARCH_PATH: &str = "/usr/bin:/bin";

/// Everything that decides what a call executes.
pub(super) struct Recipe<'r> {
    pub(super) tool: &'r Tool,
    pub(super) runtime: &'r Runtime,
    /// The host's ordinary commands, where the policy allows subprocesses.
    pub(super) tools: Option<&'r Tools>,
    /// Whom to trust, where the policy allows the network.
    pub(super) certificates: Option<&'r Certificates>,
    /// The packages that the skill needs.
    pub(super) packages: Option<Bind>,
    pub(super) needs_site: bool,
    pub(super) invocation: Invocation,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) files: Vec<(PathBuf, Vec<u8>)>,
    pub(super) is_streamed: bool,
    pub(super) cwd: WorkingDirectory,
    pub(super) layout: Layout,
}

impl Recipe<'_> {
    pub(super) fn into_command(self) -> Command {
        let (program, arguments) = self.program();
        let working_directory = match self.cwd {
            WorkingDirectory::Work => self.layout.work.clone(),
            WorkingDirectory::Skill => self.layout.home.clone(),
        };
        let (mut binds, symlinks) = view(self.runtime, self.tools, self.certificates);
        binds.extend(self.packages);
        Command {
            program,
            arguments,
            environment: self.environment,
            stdin: self.invocation.stdin,
            home_source: self.tool.skill.root.clone(),
            binds,
            symlinks,
            files: self.files,
            is_followed: self.is_streamed,
            working_directory,
            layout: self.layout,
        }
    }

    fn program(&self) -> (PathBuf, Vec<OsString>) {
        let script = self.layout.home.join(&self.tool.script);
        let is_native = self.runtime.language == Language::Native;
        let program = if is_native { script.clone() } else { self.runtime.program.clone() };
        let mut arguments = vec![program.clone().into_os_string()];
        arguments.extend(self.runtime.arguments.iter().cloned());
        if self.runtime.language == Language::Python && !self.needs_site {
            // The interpreter starts faster without `site`.
            arguments.push("-S".into());
        }
        if !is_native {
            arguments.push(script.into_os_string());
        }
        arguments.extend(self.invocation.arguments.iter().cloned());
        (program, arguments)
    }
}

/// The value of `PATH`: the interpreter's own folder, so that `python3` is the same one inside, then the commands.
pub(super) fn search_path(runtime: &Runtime, tools: Option<&Tools>) -> String {
    let commands = tools.map_or("", |tools| tools.search_path.as_str());
    let own = match runtime.language {
        Language::Native => None,
        _ => runtime.program.parent().and_then(Path::to_str).filter(|folder| !folder.contains(':')),
    };
    match (own, commands) {
        (None, "") => BARE_SEARCH_PATH.to_owned(),
        (None, commands) => commands.to_owned(),
        (Some(own), "") => own.to_owned(),
        (Some(own), commands) if commands.split(':').any(|folder| folder == own) => commands.to_owned(),
        (Some(own), commands) => format!("{own}:{commands}"),
    }
}

/// What must be visible: the lists merged, without what lies inside something else.
pub(super) fn view(
    runtime: &Runtime,
    tools: Option<&Tools>,
    certificates: Option<&Certificates>,
) -> (Vec<Bind>, Vec<(PathBuf, PathBuf)>) {
    let mut mounts: Vec<&PathBuf> = runtime.mounts.iter().collect();
    mounts.extend(tools.iter().flat_map(|tools| &tools.mounts));
    mounts.extend(certificates.iter().flat_map(|trusted| &trusted.mounts));
    mounts.sort_unstable();
    let mut kept: Vec<&PathBuf> = Vec::new();
    for mount in mounts {
        // Sorted, so what lies inside something follows it at once.
        if !kept.last().is_some_and(|above| mount.starts_with(above)) {
            kept.push(mount);
        }
    }
    let mut symlinks: Vec<(PathBuf, PathBuf)> = runtime
        .symlinks
        .iter()
        .chain(tools.iter().flat_map(|tools| &tools.symlinks))
        .chain(certificates.iter().flat_map(|trusted| &trusted.symlinks))
        .filter(|(link, _)| {
            !link.ancestors().any(|above| kept.binary_search_by(|mount| mount.as_path().cmp(above)).is_ok())
        })
        .cloned()
        .collect();
    symlinks.sort_unstable();
    symlinks.dedup_by(|later, earlier| later.0 == earlier.0);
    let binds =
        kept.into_iter().map(|path| Bind { source: path.clone(), target: path.clone(), is_writable: false }).collect();
    (binds, symlinks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime(language: Language, mounts: &[&str]) -> Runtime {
        Runtime {
            language,
            program: "/opt/py/bin/python3".into(),
            arguments: vec!["-I".into()],
            mounts: mounts.iter().map(PathBuf::from).collect(),
            symlinks: vec![("/bin".into(), "usr/bin".into()), ("/usr/bin/x".into(), "y".into())],
            environment: Vec::new(),
            standard_modules: Vec::new(),
        }
    }

    fn tools() -> Tools {
        Tools {
            mounts: vec!["/usr".into(), "/etc/alternatives".into()],
            symlinks: vec![("/bin".into(), "usr/bin".into()), ("/lib".into(), "usr/lib".into())],
            search_path: "/usr/bin:/bin".into(),
        }
    }

    #[test]
    fn the_view_has_nothing_twice() {
        let (binds, symlinks) =
            view(&runtime(Language::Python, &["/opt/py", "/usr/lib/x", "/usrlocal"]), Some(&tools()), None);
        let targets: Vec<_> = binds.iter().map(|bind| bind.target.to_str().unwrap()).collect();
        assert_eq!(targets, ["/etc/alternatives", "/opt/py", "/usr", "/usrlocal"]);
        assert!(binds.iter().all(|bind| !bind.is_writable && bind.source == bind.target));
        let links: Vec<_> = symlinks.iter().map(|(link, _)| link.to_str().unwrap()).collect();
        assert_eq!(links, ["/bin", "/lib"]);
    }

    #[test]
    fn the_interpreter_comes_first_on_the_search_path() {
        let python = runtime(Language::Python, &[]);
        assert_eq!(search_path(&python, Some(&tools())), "/opt/py/bin:/usr/bin:/bin");
        assert_eq!(search_path(&python, None), "/opt/py/bin");
        let system = Runtime { program: "/usr/bin/node".into(), ..runtime(Language::Node, &[]) };
        assert_eq!(search_path(&system, Some(&tools())), "/usr/bin:/bin");
        assert_eq!(search_path(&runtime(Language::Native, &[]), None), BARE_SEARCH_PATH);
    }

    #[test]
    fn argv_is_interpreter_options_script_arguments() {
        let rows: &[(Language, bool, &[&str])] = &[
            (Language::Python, false, &["/opt/py/bin/python3", "-I", "-S", "/skill/scripts/a", "--x"]),
            (Language::Python, true, &["/opt/py/bin/python3", "-I", "/skill/scripts/a", "--x"]),
            (Language::Node, false, &["/opt/py/bin/python3", "-I", "/skill/scripts/a", "--x"]),
            (Language::Native, false, &["/skill/scripts/a", "-I", "--x"]),
        ];
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("s/scripts")).unwrap();
        std::fs::write(root.path().join("s/SKILL.md"), "---\nname: s\ndescription: d\n---\n").unwrap();
        std::fs::write(root.path().join("s/scripts/a.py"), "print()\n").unwrap();
        let skill = crate::skill::discover(root.path()).unwrap().skills.remove(0);
        let mut tool = crate::tool::tools_of(&std::sync::Arc::new(skill)).0.remove(0);
        tool.script = "scripts/a".into();
        for (language, needs_site, expected) in rows {
            let runtime = runtime(*language, &[]);
            let recipe = Recipe {
                tool: &tool,
                runtime: &runtime,
                tools: None,
                certificates: None,
                packages: None,
                needs_site: *needs_site,
                invocation: Invocation { arguments: vec!["--x".into()], stdin: b"in".to_vec() },
                environment: Vec::new(),
                files: Vec::new(),
                is_streamed: false,
                cwd: WorkingDirectory::Skill,
                layout: Layout { home: "/skill".into(), work: "/work".into(), temporary: "/tmp".into() },
            };
            let command = recipe.into_command();
            assert_eq!(command.arguments, expected.iter().map(OsString::from).collect::<Vec<_>>());
            assert_eq!(command.program, PathBuf::from(expected[0]));
            assert_eq!(command.working_directory, PathBuf::from("/skill"));
            assert_eq!(command.stdin, b"in");
        }
    }
}
