//! The decision: allow-lists laid over each other, asked once before a name is resolved and once for each address after.

use std::net::IpAddr;

use super::address::{Class, unmapped};
use super::reason::{Owner, Reason};
use super::rule::Rule;
use super::target::Target;
use crate::error::{Error, Result, Status};

/// Rules of one owner. An empty list allows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowList {
    /// Whose.
    pub owner: Owner,
    /// What is allowed.
    pub rules: Vec<Rule>,
}

/// What one call may reach: what every one of its lists allows. Immutable; the first list is the policy's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    policy: Vec<Rule>,
    narrower: Vec<AllowList>,
}

impl Access {
    /// What `policy` allows.
    pub fn new(policy: Vec<Rule>) -> Self {
        Self { policy, narrower: Vec::new() }
    }

    /// The same, narrowed to what `list` allows too.
    pub fn narrowed(mut self, list: AllowList) -> Self {
        self.narrower.push(list);
        self
    }

    /// [`Status::PolicyWidened`] if the rules of a call ask for more than the policy allows.
    pub fn check_narrower(&self, rules: &[Rule]) -> Result<()> {
        match rules.iter().find(|rule| !self.covers(rule)) {
            None => Ok(()),
            Some(rule) => Err(Error::new(
                Status::PolicyWidened,
                format!(
                    "'network' of the call names '{rule}', which the engine's policy.network does not allow; a call can only narrow it"
                ),
            )),
        }
    }

    /// Whether one rule of the policy allows all that `rule` does.
    pub fn covers(&self, rule: &Rule) -> bool {
        self.policy.iter().any(|own| own.covers(rule))
    }

    /// Whether nothing can be reached.
    pub fn is_empty(&self) -> bool {
        self.policy.is_empty() || self.narrower.iter().any(|list| list.rules.is_empty())
    }

    /// Whether a rule of the policy names an address of this machine's loopback.
    pub fn names_loopback(&self) -> bool {
        self.policy.iter().any(Rule::names_loopback)
    }

    /// Whether `target` may be asked for at all. `path` is that of a plain HTTP request; in a tunnel there is none.
    pub fn admits(&self, target: &Target, path: Option<&str>) -> Result<(), Reason> {
        let lists = self.narrower.iter().map(|list| (list.owner, &list.rules));
        for (owner, rules) in std::iter::once((Owner::Policy, &self.policy)).chain(lists) {
            if !rules.iter().any(|rule| rule.allows(target, path)) {
                let is_elsewhere = rules.iter().any(|rule| rule.allows_host(target));
                return Err(if is_elsewhere { Reason::PathNotListed(owner) } else { Reason::NotListed(owner) });
            }
        }
        Ok(())
    }

    /// Whether `address`, to which an admitted `target` leads, may be dialled. What is not simply the internet must be
    /// named by the policy itself: a skill or a resolver has no say in it.
    pub fn permits(&self, target: &Target, address: IpAddr) -> Result<(), Reason> {
        let address = unmapped(address);
        match Class::of(address) {
            None => Ok(()),
            Some(class) if self.policy.iter().any(|rule| rule.names(class, address, target.port)) => Ok(()),
            Some(class) => Err(Reason::Forbidden(class)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(texts: &[&str]) -> Vec<Rule> {
        texts.iter().map(|text| Rule::parse(text).unwrap()).collect()
    }

    fn target(text: &str) -> Target {
        Target::parse_authority(text.as_bytes(), None).unwrap()
    }

    #[test]
    fn nothing_is_allowed_by_an_empty_list() {
        let access = Access::new(Vec::new());
        assert!(access.is_empty());
        assert_eq!(access.admits(&target("a.org:443"), None), Err(Reason::NotListed(Owner::Policy)));
        let narrowed = Access::new(rules(&["*:*"])).narrowed(AllowList { owner: Owner::Call, rules: Vec::new() });
        assert!(narrowed.is_empty());
        assert_eq!(narrowed.admits(&target("a.org:443"), None), Err(Reason::NotListed(Owner::Call)));
    }

    #[test]
    fn every_list_must_allow() {
        let access = Access::new(rules(&["*.a.org:443", "b.org:443"]))
            .narrowed(AllowList { owner: Owner::Skill, rules: rules(&["x.a.org:443", "c.org:443"]) });
        assert_eq!(access.admits(&target("x.a.org:443"), None), Ok(()));
        assert_eq!(access.admits(&target("b.org:443"), None), Err(Reason::NotListed(Owner::Skill)));
        assert_eq!(access.admits(&target("c.org:443"), None), Err(Reason::NotListed(Owner::Policy)));
    }

    #[test]
    fn another_path_is_told_from_another_host() {
        let access = Access::new(rules(&["a.org:80/v1/"]));
        assert_eq!(access.admits(&target("a.org:80"), Some("/v1/x")), Ok(()));
        assert_eq!(access.admits(&target("a.org:80"), Some("/v2")), Err(Reason::PathNotListed(Owner::Policy)));
        assert_eq!(access.admits(&target("a.org:80"), None), Err(Reason::PathNotListed(Owner::Policy)));
        assert_eq!(access.admits(&target("b.org:80"), None), Err(Reason::NotListed(Owner::Policy)));
    }

    #[test]
    fn addresses_are_judged_after_resolution() {
        let access = Access::new(rules(&["a.org:443", "0.0.0.0/0:443", "10.1.0.0/16:443", "[::1]:443"]));
        let name = target("a.org:443");
        let permits = |address: &str| access.permits(&name, address.parse().unwrap());
        assert_eq!(permits("93.184.216.34"), Ok(()));
        assert_eq!(permits("10.1.2.3"), Ok(()));
        assert_eq!(permits("::ffff:10.1.2.3"), Ok(()));
        assert_eq!(permits("::1"), Ok(()));
        for address in
            ["127.0.0.1", "10.2.0.1", "::ffff:127.0.0.1", "169.254.169.254", "0.0.0.0", "fe80::1", "224.0.0.1"]
        {
            assert!(matches!(permits(address), Err(Reason::Forbidden(_))), "{address}");
        }
        let other_port = Target { port: 80, ..name };
        assert!(access.permits(&other_port, "10.1.2.3".parse().unwrap()).is_err());
    }

    #[test]
    fn a_skill_cannot_name_an_inner_address() {
        let access = Access::new(rules(&["*:80"]))
            .narrowed(AllowList { owner: Owner::Skill, rules: rules(&["a.org:80", "127.0.0.1:80"]) });
        let literal = target("127.0.0.1:80");
        assert!(access.permits(&literal, "127.0.0.1".parse().unwrap()).is_err());
        assert!(access.permits(&target("a.org:80"), "127.0.0.1".parse().unwrap()).is_err());
    }

    #[test]
    fn a_call_that_asks_for_more_is_told_so() {
        let access = Access::new(rules(&["*.a.org:443"]));
        assert!(access.check_narrower(&rules(&["x.a.org:443"])).is_ok());
        let error = access.check_narrower(&rules(&["x.a.org:443", "b.org:443"])).unwrap_err();
        assert_eq!(error.status, Status::PolicyWidened);
        assert!(error.message.contains("b.org:443"), "{error}");
    }
}
