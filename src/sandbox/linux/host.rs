//! What this host gives: facts found by the supervisor at its start, and by reading.

use crate::sandbox::wire::Hello;
use crate::sandbox::{Layer, LayerState, Network, Policy, Tier};

/// The facts that plans and reports depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The strongest tier.
    pub tier: Option<Tier>,
    /// Landlock's ABI, 0 for none.
    pub landlock_abi: u32,
    /// Why there are no namespaces: step and errno.
    pub namespace_failure: Option<(u32, i32)>,
    /// Why there are no accounting groups.
    pub group_failure: Option<String>,
    /// The version of the accounting groups, 0 for none.
    pub group_version: u32,
    /// The user id that guests have outside.
    pub guest_id: u32,
    /// Whether the host runs as root.
    pub is_root: bool,
    /// Hard resource limits of the host, by resource number.
    pub hard_limits: [u64; 16],
}

impl Host {
    /// Puts together what the supervisor said and what was found by reading.
    pub fn new(hello: &Hello, is_root: bool, group_version: u32, group_failure: Option<String>) -> Host {
        let failed = hello.namespace_step != 0;
        let groups_failed = match hello.cgroup_errno as i32 {
            0 => group_failure,
            errno => Some(format!("preparing the control group failed: {}", error_text(errno))),
        };
        let group_version = if groups_failed.is_some() { 0 } else { group_version };
        let is_root_contained = !is_root || hello.guest_id != 0;
        let tier = match (failed, group_version) {
            (false, 0) => Some(Tier::Namespaces),
            (false, _) => Some(Tier::Full),
            (true, _) if hello.landlock_abi > 0 && is_root_contained => Some(Tier::Landlock),
            (true, _) => None,
        };
        Host {
            tier,
            landlock_abi: hello.landlock_abi,
            namespace_failure: failed.then_some((hello.namespace_step, hello.namespace_errno as i32)),
            group_failure: groups_failed,
            group_version,
            guest_id: hello.guest_id,
            is_root,
            hard_limits: hard_limits(),
        }
    }

    /// The layers of a run at `tier`, in the order of confinement.
    pub fn layers(&self, tier: Tier, policy: &Policy) -> Vec<Layer> {
        use LayerState::{Absent, Active, Partial};
        let has_namespaces = tier != Tier::Landlock;
        let namespace = |name, detail: &str| match has_namespaces {
            true => Layer { name, state: Active, detail: detail.into() },
            false => Layer { name, state: Absent, detail: "the landlock tier has no namespaces".into() },
        };
        let layer = |name, state, detail: String| Layer { name, state, detail };
        let supervised = "added up by init every 10 ms and by rlimit for each process".to_string();
        let abi = self.landlock_abi;
        let mut layers = vec![
            namespace("user", "own, one unprivileged id"),
            namespace("mount", "own root, read-only"),
            namespace("pid", "own, killed as a whole"),
            match (has_namespaces, abi >= 6) {
                _ if policy.network != Network::Closed => network_layer(tier, policy.network),
                (true, true) => layer("network", Active, "no interface, socket families closed".into()),
                (true, false) => layer("network", Active, "own, no interface, socket families closed".into()),
                (false, _) => layer("network", Partial, "closed by seccomp: no sockets".into()),
            },
            namespace("ipc", "own"),
            namespace("uts", "own"),
            match tier {
                Tier::Full => layer("cgroup-namespace", Active, "own".into()),
                _ => layer("cgroup-namespace", Absent, "no control group".into()),
            },
            layer("capabilities", Active, "none, no_new_privs".into()),
            match abi {
                0 => layer("landlock", Absent, "the kernel has no Landlock".into()),
                1..=5 => {
                    layer("landlock", Partial, format!("abi {abi}: files; signals and abstract sockets need abi 6"))
                }
                _ => layer("landlock", Active, format!("abi {abi}: files, tcp, signals, abstract sockets")),
            },
            layer("seccomp", Active, "allow-list".into()),
            match tier {
                Tier::Full => layer("memory", Active, format!("control group v{}, whole tree", self.group_version)),
                _ => layer("memory", Partial, supervised),
            },
            match tier {
                Tier::Full => layer("pids", Active, format!("control group v{}", self.group_version)),
                Tier::Namespaces => layer("pids", Active, "rlimit in an own user namespace".into()),
                Tier::Landlock => layer("pids", Partial, "counted by init every 10 ms".into()),
            },
            layer("cpu", Active, "rlimit for each process".into()),
            match has_namespaces {
                true => layer("disk", Active, "tmpfs quota".into()),
                false => layer("disk", Partial, "size of each file only".into()),
            },
            layer("keyring", Active, "new session keyring, keyctl closed".into()),
        ];
        if !policy.allows_subprocess {
            layers.push(layer("subprocess", Active, "no fork, no second program".into()));
        }
        layers
    }
}

/// The layer of a run that has a way out.
fn network_layer(tier: Tier, network: Network) -> Layer {
    let port = match network {
        Network::Closed => 0,
        Network::Listener { port } => port,
    };
    let (state, detail) = match tier {
        Tier::Landlock => (
            LayerState::Partial,
            format!(
                "by landlock and seccomp: TCP to port {port} of any host, where the proxy listens; no UDP, no server"
            ),
        ),
        _ => (LayerState::Active, format!("own, loopback only; the way out is the proxy at 127.0.0.1:{port}")),
    };
    Layer { name: "network", state, detail }
}

/// The hard limits of this process.
fn hard_limits() -> [u64; 16] {
    let mut limits = [u64::MAX; 16];
    for (resource, hard) in limits.iter_mut().enumerate() {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: `limit` is a live rlimit; unknown resources are refused.
        if unsafe { libc::getrlimit(resource as libc::__rlimit_resource_t, &raw mut limit) } == 0 {
            *hard = limit.rlim_max;
        }
    }
    limits
}

/// The C library's words for an errno, without its number.
pub fn error_text(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    text.split(" (os error").next().unwrap_or(&text).to_string()
}
