//! Why a tier is out of reach on this host, and what can be done: from a failed step and the switches that explain it.

use super::host::{Host, error_text};
use super::landlock;
use crate::error::{Error, Status};
use crate::sandbox::wire::step;
use crate::sandbox::{Obstacle, Policy, Tier};

/// A switch of the system that forbids user namespaces.
struct Switch {
    file: &'static str,
    forbids: fn(&str) -> bool,
    cause: &'static str,
    remedy: &'static str,
}

/// Sources: user_namespaces(7), Debian's and Ubuntu's kernel patches, Ubuntu 24.04 release notes.
const SWITCHES: [Switch; 3] = [
    Switch {
        file: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        forbids: |value| value == "1",
        cause: "user namespaces are denied by kernel.apparmor_restrict_unprivileged_userns=1",
        remedy: "add an AppArmor profile with 'userns,' for this program, or set that sysctl to 0",
    },
    Switch {
        file: "/proc/sys/kernel/unprivileged_userns_clone",
        forbids: |value| value == "0",
        cause: "user namespaces are denied by kernel.unprivileged_userns_clone=0",
        remedy: "set kernel.unprivileged_userns_clone=1",
    },
    Switch {
        file: "/proc/sys/user/max_user_namespaces",
        forbids: |value| value == "0",
        cause: "user namespaces are denied by user.max_user_namespaces=0",
        remedy: "raise user.max_user_namespaces",
    },
];

/// Everything that keeps `host` from the strongest tier.
pub fn obstacles(host: &Host) -> Vec<Obstacle> {
    let mut list = Vec::new();
    if let Some((failed, errno)) = host.namespace_failure {
        let (cause, remedy) = namespace_cause(failed, errno, &|file| std::fs::read_to_string(file).unwrap_or_default());
        list.push(Obstacle { tier: Tier::Namespaces, cause, remedy });
    }
    if let Some(reason) = &host.group_failure {
        list.push(Obstacle {
            tier: Tier::Full,
            cause: reason.clone(),
            remedy: "run as root, or under a delegated control group (systemd: Delegate=memory pids)".into(),
        });
    }
    if host.landlock_abi == 0 {
        list.push(Obstacle {
            tier: Tier::Landlock,
            cause: "the kernel has no Landlock".into(),
            remedy: "use Linux 5.13 or later with 'landlock' in the lsm= boot parameter".into(),
        });
    }
    list
}

fn namespace_cause(failed: u32, errno: i32, read: &dyn Fn(&str) -> String) -> (String, String) {
    if let Some(switch) = SWITCHES.iter().find(|switch| (switch.forbids)(read(switch.file).trim())) {
        return (switch.cause.into(), switch.remedy.into());
    }
    let reason = error_text(errno);
    match failed {
        step::PROC => (
            format!("mounting /proc in a new process namespace failed ({reason}): parts of /proc are masked, as in a container"),
            "run the container with an unmasked /proc (Docker: --security-opt systempaths=unconfined; Kubernetes: procMount: Unmasked)".into(),
        ),
        step::IDENTITY => (
            format!("no unprivileged user id can be taken ({reason})"),
            "run as an ordinary user, or in a user namespace that maps more than one id".into(),
        ),
        step::MOUNT => (
            format!("building a mount namespace failed ({reason})"),
            "use Linux 5.12 or later, and allow mount, open_tree and pivot_root in the seccomp profile of the container".into(),
        ),
        _ => (
            format!("new namespaces are denied ({reason})"),
            "allow clone and unshare with new namespaces in the seccomp profile of the container (Docker: --security-opt seccomp=…), or run on the host".into(),
        ),
    }
}

/// The error for a policy that asks for more than the host has.
pub fn refusal(host: &Host, policy: &Policy) -> Error {
    let obstacles = obstacles(host);
    let obstacle = obstacles.iter().find(|obstacle| obstacle.tier <= policy.min_tier);
    let (cause, remedy) = obstacle.map_or(("this host gives no isolation", "use a supported host"), |obstacle| {
        (obstacle.cause.as_str(), obstacle.remedy.as_str())
    });
    let have = host.tier.map_or("none", Tier::name);
    let mut message = format!(
        "isolation unavailable: the policy asks for tier {}, this host gives {have}: {cause}; {remedy}",
        policy.min_tier
    );
    if let Some(weaker) = host.tier.filter(|tier| *tier < policy.min_tier) {
        message.push_str(&format!(", or accept \"min_tier\": \"{weaker}\" (see docs/security-model.md#tiers)"));
    }
    Error::new(Status::IsolationUnavailable, message)
}

/// The error for a network in a Landlock tier that cannot hold it.
pub fn unguarded_tcp(host: &Host) -> Error {
    Error::new(
        Status::IsolationUnavailable,
        format!(
            "isolation unavailable: in the landlock tier an allow-list of hosts needs Landlock ABI {}, this kernel has {}; use Linux 6.7 or later, a host that allows namespaces, or \"network\": false",
            landlock::TCP_ABI,
            host.landlock_abi
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_switch_is_named_with_its_remedy() {
        for switch in &SWITCHES {
            let value = if (switch.forbids)("0") { "0" } else { "1" };
            let read = |file: &str| if file == switch.file { format!("{value}\n") } else { String::new() };
            let (cause, remedy) = namespace_cause(step::UNSHARE, libc::EPERM, &read);
            assert_eq!((cause.as_str(), remedy.as_str()), (switch.cause, switch.remedy));
        }
    }

    #[test]
    fn every_step_has_a_cause_of_its_own() {
        let steps = [step::UNSHARE, step::MOUNT, step::IDENTITY, step::PROC];
        let mut causes: Vec<_> =
            steps.iter().map(|step| namespace_cause(*step, libc::EPERM, &|_| String::new()).0).collect();
        causes.dedup();
        assert_eq!(causes.len(), steps.len());
        assert!(causes.iter().all(|cause| cause.contains("Operation not permitted")), "{causes:?}");
    }
}
