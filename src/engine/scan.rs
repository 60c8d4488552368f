//! The static scan as an engine uses it: what the policy says about findings, a skill's report made once for what was
//! loaded, and the refusal of calls. It is advice: nothing here touches the sandbox, and a good report lowers nothing. Built
//! without the `scan` feature there is none, and a policy that asks for it is refused.

#[cfg(feature = "scan")]
#[path = "scan/advice.rs"]
mod kind;
#[cfg(not(feature = "scan"))]
#[path = "scan/absent.rs"]
mod kind;

pub(super) use kind::{Inspector, Memory, Settings};
