//! The network of a call: who may be reached, decided and dialled outside the sandbox.
//!
//! A run that may use the network has a namespace of its own with nothing but a loopback, and a listening socket there
//! that belongs to this room. What the program asks of it goes through one decision ([`Access`]) on one canonical form
//! ([`Target`]), is resolved here, checked again, dialled and accounted for ([`Account`]). The room knows neither skills
//! nor sandboxes; `engine` makes a session for each call and `sandbox` hands its listener over.
//!
//! | room | what it is |
//! | --- | --- |
//! | [`target`], [`address`] | a destination in its one form; which addresses are special |
//! | [`rule`], [`access`], [`reason`] | allow-lists, the decision, and why it was not in favour |
//! | [`account`], [`limits`] | what happened; how much may |
//! | [`proxy`] | the thread that accepts, reads, decides, dials and carries |

pub mod access;
pub mod account;
pub mod address;
pub mod limits;
pub mod proxy;
pub mod reason;
pub mod rule;
pub mod target;

pub use access::{Access, AllowList};
pub use account::{Account, Allowed, Denied, Flow, Summary};
pub use limits::Limits;
pub use reason::{Owner, Reason};
pub use rule::Rule;
pub use target::{Host, Target};
