//! The network of a call: what the policy, the skill and the call's options say, laid over each other, and what came of
//! it for the result. Built without the `network` feature there is none, and a policy that asks for it is refused.

#[cfg(all(feature = "network", target_os = "linux"))]
#[path = "network/proxied.rs"]
mod kind;
#[cfg(not(all(feature = "network", target_os = "linux")))]
#[path = "network/closed.rs"]
mod kind;

pub(super) use kind::{Gateway, Narrowing, Settings, Way};

use serde_json::{Value, json};

const NO_POLICY: &str = "the engine's policy gives no network: names do not resolve and no connection opens; the host can allow hosts in policy.network";

/// The `network` of a result: whether there was a way out, whether the skill declares that it needs one, what was
/// reached, what was denied and why, and what the host can do.
fn document(is_allowed: bool, is_wanted: bool, hint: Option<String>) -> Value {
    json!({ "allowed": is_allowed, "wanted": is_wanted, "reached": [], "denied": [], "denials": 0, "hint": hint })
}
