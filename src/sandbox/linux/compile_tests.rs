//! Plans as data: no privileges needed to know what a sandbox will be.

use super::*;
use crate::sandbox::Layout;

const ABI: u32 = 7;

fn host() -> Host {
    Host {
        tier: Some(Tier::Full),
        landlock_abi: ABI,
        namespace_failure: None,
        group_failure: None,
        group_version: 1,
        guest_id: 2_000_000_001,
        is_root: true,
        hard_limits: [u64::MAX; 16],
    }
}

fn command(layout: Layout) -> Command {
    Command {
        program: "/usr/bin/python3".into(),
        arguments: vec!["python3".into(), "main.py".into()],
        environment: vec![("PATH".into(), "/usr/bin".into()), ("TZ".into(), "UTC".into())],
        stdin: Vec::new(),
        home_source: "/srv/skills/a".into(),
        binds: Vec::new(),
        symlinks: vec![("/bin".into(), "usr/bin".into())],
        files: vec![("in/data.csv".into(), b"a,b\n".to_vec())],
        is_followed: false,
        working_directory: layout.work.clone(),
        layout,
    }
}

fn own_layout() -> Layout {
    Layout { home: "/skill".into(), work: "/work".into(), temporary: "/tmp".into() }
}

fn mount(source: &str, target: &str, is_writable: bool) -> Mount {
    Mount { source: source.into(), target: target.into(), identity: [1, 2], is_directory: true, is_writable }
}

struct Case {
    policy: Policy,
    host: Host,
    tier: Tier,
    mounts: Vec<Mount>,
    layout: Layout,
}

impl Case {
    fn at(tier: Tier) -> Self {
        let layout = match tier {
            Tier::Landlock => Layout {
                home: "/srv/skills/a".into(),
                work: "/tmp/skilllite-x/work".into(),
                temporary: "/tmp/skilllite-x/tmp".into(),
            },
            _ => own_layout(),
        };
        let home = layout.home.to_str().unwrap().to_owned();
        let mounts = vec![
            mount("/usr/lib/python3.11", "/usr/lib/python3.11", false),
            mount("/srv/skills/a", &home, false),
            mount("/usr/lib", "/usr/lib", false),
        ];
        Case { policy: Policy::default(), host: host(), tier, mounts, layout }
    }

    fn plan(&self) -> Plan {
        let filters = vec![("first".to_string(), vec![0; 8]), ("second".to_string(), vec![0; 8])];
        compile(&Inputs {
            policy: &self.policy,
            command: &command(self.layout.clone()),
            mounts: &self.mounts,
            loader: Some(Path::new("/lib64/ld-linux-x86-64.so.2")),
            host: &self.host,
            tier: self.tier,
            deadline_ns: 1,
            filters: &filters,
            views: &Views::default(),
        })
    }

    /// The printed steps, without numbers.
    fn lines(&self) -> Vec<String> {
        self.plan().to_string().lines().map(|line| line[4..].to_string()).collect()
    }

    fn position(&self, prefix: &str) -> usize {
        let lines = self.lines();
        lines.iter().position(|line| line.starts_with(prefix)).unwrap_or_else(|| panic!("no '{prefix}' in {lines:#?}"))
    }
}

#[test]
fn confinement_comes_in_order_in_every_tier() {
    for tier in Tier::ALL {
        let case = Case::at(tier);
        let order =
            ["clone", "share-work", "fork", "session", "capabilities", "landlock", "restrict", "seccomp", "exec"];
        let positions: Vec<_> = order.iter().map(|step| case.position(step)).collect();
        assert!(positions.is_sorted(), "{tier}: {order:?} at {positions:?}");
        assert!(case.lines().last().unwrap().starts_with("exec"), "{tier}");
    }
}

#[test]
fn sources_are_opened_before_the_clone_and_own_mounts_made_after() {
    let case = Case::at(Tier::Namespaces);
    let (clone, pivot) = (case.position("clone"), case.position("pivot"));
    for (index, line) in case.lines().iter().enumerate() {
        if line.starts_with("open-tree") {
            assert!(index < clone, "{line}");
        }
        if line.starts_with("tmpfs") || line.starts_with("proc") {
            assert!(clone < index && index < pivot, "{line}");
        }
    }
}

#[test]
fn a_mount_inside_another_comes_after_it_and_makes_nothing() {
    let case = Case::at(Tier::Namespaces);
    let lines = case.lines();
    let slot_of =
        |path: &str| lines.iter().position(|line| line.starts_with("attach") && line.ends_with(path)).unwrap();
    assert!(slot_of(" /usr/lib") < slot_of(" /usr/lib/python3.11"));
    assert!(!lines.iter().any(|line| line.starts_with("directory    /usr/lib/python3.11")));
}

#[test]
fn only_the_full_tier_joins_groups_and_right_behind_the_id_map() {
    // The supervisor looks for the step there, to lease a group before it clones.
    let full = Case::at(Tier::Full);
    assert_eq!(full.position("join-groups"), full.position("clone") + 2);
    for tier in [Tier::Namespaces, Tier::Landlock] {
        assert!(!Case::at(tier).lines().iter().any(|line| line.starts_with("join-groups")), "{tier}");
    }
}

#[test]
fn where_no_group_accounts_init_watches() {
    let watch = |tier| match Case::at(tier).plan().steps.into_iter().find(|step| matches!(step, Step::Fork { .. })) {
        Some(Step::Fork { watch }) => watch,
        _ => panic!("no fork"),
    };
    let limits = Policy::default().limits;
    assert_eq!((watch(Tier::Full).memory_bytes, watch(Tier::Full).pids), (0, 0));
    assert_eq!(
        (watch(Tier::Namespaces).memory_bytes, watch(Tier::Namespaces).pids),
        (limits.memory_bytes, limits.pids)
    );
    assert_eq!((watch(Tier::Landlock).memory_bytes, watch(Tier::Landlock).pids), (limits.memory_bytes, limits.pids));
    assert!(!watch(Tier::Landlock).owns_processes && watch(Tier::Full).owns_processes);
}

#[test]
fn the_landlock_tier_mounts_nothing() {
    let lines = Case::at(Tier::Landlock).lines();
    for step in ["open-tree", "attach", "tmpfs", "proc", "pivot", "new-root", "map-ids"] {
        assert!(!lines.iter().any(|line| line.starts_with(step)), "{step}");
    }
    assert!(lines.iter().any(|line| line == "allow        /usr/lib read"), "{lines:#?}");
}

#[test]
fn without_subprocesses_only_the_program_and_its_loader_execute() {
    for tier in Tier::ALL {
        let mut case = Case::at(tier);
        case.policy.allows_subprocess = false;
        let executable: Vec<_> = case
            .plan()
            .steps
            .into_iter()
            .filter_map(|step| match step {
                Step::Allow { path, access, .. } if access & landlock::EXECUTE != 0 => Some(path),
                _ => None,
            })
            .collect();
        assert_eq!(executable, [Path::new("/usr/bin/python3"), Path::new("/lib64/ld-linux-x86-64.so.2")], "{tier}");
    }
}

#[test]
fn a_write_path_is_writable_and_owned() {
    let mut case = Case::at(Tier::Namespaces);
    case.mounts.insert(0, mount("/srv/out", "/srv/out", true));
    let lines = case.lines();
    assert!(lines.iter().any(|line| line.contains("/srv/out rw,nosuid,nodev")), "{lines:#?}");
    assert!(lines.iter().any(|line| line == "allow        /srv/out own"), "{lines:#?}");
    assert!(!lines.iter().any(|line| line == "allow        /srv/skills/a own"));
}

#[test]
fn old_landlocks_get_a_network_of_their_own() {
    let mut case = Case::at(Tier::Namespaces);
    case.host.landlock_abi = 5;
    assert!(case.lines().iter().any(|line| line.starts_with("clone") && line.ends_with(" net")));
    assert!(!case.lines().iter().any(|line| line.contains("scope")));
    case.host.landlock_abi = 0;
    assert!(!case.lines().iter().any(|line| line.starts_with("landlock") || line.starts_with("restrict")));
}

#[test]
fn a_limit_of_the_host_bounds_ours() {
    let mut case = Case::at(Tier::Full);
    case.host.hard_limits[libc::RLIMIT_NOFILE as usize] = 64;
    assert!(case.lines().iter().any(|line| line == "limit        nofile 64:64"), "{:#?}", case.lines());
}

#[test]
fn the_policy_decides_over_the_command() {
    let mut case = Case::at(Tier::Full);
    case.policy.environment.insert("TZ".into(), "Europe/Oslo".into());
    let Some(Step::Exec { environment, .. }) = case.plan().steps.pop() else { panic!("no exec") };
    assert_eq!(environment, [("PATH".into(), "/usr/bin".into()), ("TZ".into(), OsString::from("Europe/Oslo"))]);
}

#[test]
fn input_files_land_in_the_work_directory_before_the_start() {
    for tier in Tier::ALL {
        let case = Case::at(tier);
        let file = case.position(&format!("file         {}/in/data.csv", case.layout.work.display()));
        assert!(case.position("share-work") < file && file < case.position("fork"), "{tier}");
    }
}

#[test]
fn rendered_plans_end_in_nul_and_keep_their_count() {
    for tier in Tier::ALL {
        let plan = Case::at(tier).plan();
        let bytes = plan.render();
        assert_eq!(bytes.last(), Some(&0));
        assert_eq!(u32::from_ne_bytes(bytes[4..8].try_into().unwrap()) as usize, plan.steps.len(), "{tier}");
    }
}

/// The key of a case's view, and the steps that it covers.
fn view(case: &Case) -> ([u64; 2], Vec<Step>) {
    let steps = case.plan().steps;
    let Step::View { key, steps: count } = steps[0] else { panic!("no view") };
    (key, steps[1..=count as usize].to_vec())
}

#[test]
fn a_view_ends_read_only_and_is_left_to_the_supervisor() {
    let (_, steps) = view(&Case::at(Tier::Namespaces));
    assert_eq!(steps.last(), Some(&Step::ReadOnly));
    assert!(!steps.iter().any(|step| matches!(step, Step::Clone { .. } | Step::Tmpfs { .. })));
}

#[test]
fn runs_share_a_view_until_something_in_it_differs() {
    let key = |change: &dyn Fn(&mut Case)| {
        let mut case = Case::at(Tier::Namespaces);
        change(&mut case);
        view(&case).0
    };
    let usual = key(&|_| {});
    assert_eq!(usual, key(&|case| case.policy.limits.pids = 3));
    assert_eq!(usual, key(&|case| case.tier = Tier::Full));
    assert_ne!(usual, key(&|case| case.mounts[1].source = "/srv/skills/b".into()));
    assert_ne!(usual, key(&|case| case.mounts[1].identity = [1, 3]));
    assert_ne!(usual, key(&|case| case.mounts[1].is_writable = true));
}

#[test]
fn what_lies_in_a_scratch_directory_is_attached_by_each_run() {
    let mut case = Case::at(Tier::Namespaces);
    case.mounts.push(mount("/tmp/deep/granted", "/tmp/deep/granted", false));
    assert!(!view(&case).1.iter().any(|step| step.to_string().contains("granted")));
    let lines = case.lines();
    let at = |prefix: &str| lines.iter().position(|line| line.starts_with(prefix)).unwrap();
    let opened = lines.iter().position(|line| line.starts_with("open-tree") && line.contains("granted")).unwrap();
    assert!(opened < at("clone"));
    assert!(at("tmpfs        /tmp") < at("directory    /tmp/deep") && at("directory    /tmp/deep") < at("pivot"));
    assert!(lines.iter().any(|line| line.starts_with("attach") && line.ends_with("/tmp/deep/granted")));
}

#[test]
fn without_a_network_there_is_no_loopback_and_no_port() {
    for tier in Tier::ALL {
        for line in Case::at(tier).lines() {
            assert!(
                !line.starts_with("loopback") && !line.starts_with("listen") && !line.contains("tcp port"),
                "{line}"
            );
        }
    }
}

#[test]
fn a_run_with_a_way_out_has_a_loopback_of_its_own() {
    for tier in [Tier::Namespaces, Tier::Full] {
        let mut case = Case::at(tier);
        case.policy.network = Network::Listener { port: 3128 };
        let lines = case.lines();
        assert!(lines.iter().any(|line| line.starts_with("clone") && line.ends_with("net=loopback")), "{lines:#?}");
        assert!(lines.contains(&"listen       127.0.0.1:3128, handed to the library".to_string()), "{lines:#?}");
        let order = ["clone", "map-ids", "loopback", "listen", "pivot", "fork", "exec"].map(|step| case.position(step));
        assert!(order.is_sorted(), "{tier}: {order:?}");
        // It may serve and use what it likes there.
        assert!(
            lines.contains(&"landlock     abi 7: files, scope signals and abstract sockets".to_string()),
            "{lines:#?}"
        );
        assert_eq!(view(&case).0, view(&Case::at(tier)).0, "the view does not depend on the network");
    }
}

#[test]
fn without_namespaces_the_port_is_guarded() {
    let mut case = Case::at(Tier::Landlock);
    case.policy.network = Network::Listener { port: 40_000 };
    let lines = case.lines();
    assert!(lines.iter().any(|line| line == "allow        tcp port 40000 connect"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("landlock") && line.contains("tcp")), "{lines:#?}");
    assert!(!lines.iter().any(|line| line.starts_with("loopback") || line.starts_with("listen")), "{lines:#?}");
    let sockets = |tier| rules(&case.policy, tier, &case.host).sockets;
    assert_eq!(sockets(Tier::Landlock), Sockets::TcpClient);
    assert_eq!(sockets(Tier::Full), Sockets::UnixAndTcp);
}
