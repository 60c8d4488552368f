//! How strong the isolation is, and which layers hold it up: values that every result carries.

use std::fmt;

/// The strength of an isolation, ordered from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Landlock, seccomp, rlimits and supervision, without namespaces.
    Landlock,
    /// All layers; the tree's limits by user namespace, rlimits, tmpfs quota and supervision.
    Namespaces,
    /// All layers, with cgroup accounting.
    Full,
}

impl Tier {
    /// Every tier, weakest first.
    pub const ALL: [Tier; 3] = [Tier::Landlock, Tier::Namespaces, Tier::Full];

    /// The name used in documents.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Landlock => "landlock",
            Tier::Namespaces => "namespaces",
            Tier::Full => "full",
        }
    }

    /// The tier with this name.
    pub fn parse(name: &str) -> Option<Tier> {
        Self::ALL.into_iter().find(|tier| tier.name() == name)
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a layer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerState {
    /// In force, whole.
    Active,
    /// In force, but weaker than on the best host; the detail says how.
    Partial,
    /// Not in force; the detail says why.
    Absent,
}

impl LayerState {
    /// The name used in documents.
    pub fn name(self) -> &'static str {
        match self {
            LayerState::Active => "active",
            LayerState::Partial => "partial",
            LayerState::Absent => "absent",
        }
    }
}

/// One layer of an isolation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Stable name: `user`, `mount`, `pid`, `network`, `ipc`, `uts`, `cgroup-namespace`, `capabilities`, `landlock`,
    /// `seccomp`, `memory`, `pids`, `cpu`, `disk`, `keyring`.
    pub name: &'static str,
    /// Whether it holds.
    pub state: LayerState,
    /// How it holds, or why not; one line, may be empty.
    pub detail: String,
}

/// The isolation that a run had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isolation {
    /// The tier.
    pub tier: Tier,
    /// The layers, in the order of confinement.
    pub layers: Vec<Layer>,
}

/// What this host can give, found by trying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The strongest tier, or `None` when nothing can run.
    pub tier: Option<Tier>,
    /// Each layer of the strongest tier.
    pub layers: Vec<Layer>,
    /// Why a stronger tier is out of reach, with what to do about it.
    pub obstacles: Vec<Obstacle>,
}

/// A reason for a weaker tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The tier that is out of reach because of it.
    pub tier: Tier,
    /// What stands in the way: one line.
    pub cause: String,
    /// What an administrator or the policy can do: one line.
    pub remedy: String,
}
