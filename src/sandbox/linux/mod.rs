//! Linux: namespaces, Landlock, seccomp, rlimits and control groups, through a supervisor process.
//!
//! | room | what it is |
//! | --- | --- |
//! | [`compile`], [`view`] | policy and command → plan |
//! | [`seccomp`], [`syscalls`], [`landlock`] | the filters and rules that plans carry |
//! | [`launch`], [`link`] | the supervisor: started, spoken to |
//! | [`groups`], [`host`], [`obstacle`] | what this host gives, and why not more |
//! | [`reactor`], [`start`], [`run`], [`live`], [`capture`], [`tap`] | runs in flight, what they write |
//! | [`memory_file`] | sealed files that have no name |

mod capture;
mod compile;
mod groups;
mod host;
mod landlock;
mod launch;
mod link;
mod live;
mod memory_file;
mod obstacle;
mod reactor;
mod run;
mod seccomp;
mod start;
mod syscalls;
mod tap;
mod view;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::error::Result;
use crate::random;
use crate::sandbox::plan::Plan;
use crate::sandbox::{Command, Layout, Network, Options, Policy, Report, Tier, Uplink};
use link::Link;
use reactor::Shared;
use run::Pending;
pub use run::Run;

/// The sandbox of one engine. Starts nothing until it is first used; any thread may use it.
pub struct Sandbox {
    options: Options,
    shared: Mutex<Option<Arc<Shared>>>,
}

impl Sandbox {
    /// Makes a sandbox; nothing is started yet.
    pub fn new(options: Options) -> Sandbox {
        Sandbox { options, shared: Mutex::new(None) }
    }

    fn shared(&self) -> Result<Arc<Shared>> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        match &*shared {
            Some(shared) => Ok(Arc::clone(shared)),
            None => Ok(Arc::clone(shared.insert(Shared::new(self.options.clone())?))),
        }
    }

    /// What this host can give, found by trying.
    pub fn report(&self) -> Result<Report> {
        let policy = Policy { min_tier: Tier::Landlock, ..Policy::default() };
        let link = self.shared()?.link(&policy)?;
        let host = &link.host;
        Ok(Report {
            tier: host.tier,
            layers: host.tier.map(|tier| host.layers(tier, &policy)).unwrap_or_default(),
            obstacles: obstacle::obstacles(host),
        })
    }

    /// The tier that a run under `policy` gets; [`Status::IsolationUnavailable`] if that is below its minimum.
    pub fn tier(&self, policy: &Policy) -> Result<Tier> {
        let shared = self.shared()?;
        tier_of(&*shared.link(policy)?, policy)
    }

    /// Places for one run.
    pub fn layout(&self, policy: &Policy, home_source: &Path) -> Result<Layout> {
        if self.tier(policy)? != Tier::Landlock {
            return Ok(Layout {
                home: PathBuf::from("/skill"),
                work: PathBuf::from("/work"),
                temporary: PathBuf::from("/tmp"),
            });
        }
        let workspace = Path::new("/tmp").join(format!("skilllite-{}", random::token()?));
        Ok(Layout { home: home_source.to_path_buf(), work: workspace.join("work"), temporary: workspace.join("tmp") })
    }

    /// Starts a run, or queues it; `uplink` takes its listener, if the policy gives it one. [`Status::QueueFull`], [`Status::Closed`], [`Status::IsolationUnavailable`]; what
    /// goes wrong later is the run's outcome.
    pub fn start(&self, command: Command, policy: &Policy, uplink: Option<Uplink>) -> Result<Arc<Run>> {
        let start = Instant::now();
        let shared = self.shared()?;
        let tier = tier_of(&*shared.link(policy)?, policy)?;
        let pending = Pending { command, policy: policy.clone(), uplink, tier, start };
        let weak = Arc::downgrade(&shared);
        shared.admit(|id| Run::new(id, weak, pending))
    }

    /// What [`Sandbox::start`] would do, step by step; nothing is started but the supervisor. The same errors.
    pub fn plan(&self, command: Command, policy: &Policy) -> Result<Plan> {
        let shared = self.shared()?;
        let link = shared.link(policy)?;
        let tier = tier_of(&link, policy)?;
        let pending = Pending { command, policy: policy.clone(), uplink: None, tier, start: Instant::now() };
        start::plan(&shared, &link, &pending, 0)
    }

    /// Ends every run as cancelled, and the supervisor; waits for both. Idempotent.
    pub fn close(&self) {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(shared) = shared {
            shared.close();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.close();
    }
}

fn tier_of(link: &Link, policy: &Policy) -> Result<Tier> {
    match link.host.tier.map(|tier| tier.min(policy.max_tier)) {
        Some(Tier::Landlock) if policy.network != Network::Closed && link.host.landlock_abi < landlock::TCP_ABI => {
            Err(obstacle::unguarded_tcp(&link.host))
        }
        Some(tier) if tier >= policy.min_tier => Ok(tier),
        _ => Err(obstacle::refusal(&link.host, policy)),
    }
}
