//! The certificate authorities that this host trusts, for scripts that may use the network: one file in PEM.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::view::View;

/// Where distributions keep the bundle. Source: Go's crypto/x509, root_linux.go.
const BUNDLES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// The variable that names another bundle, to OpenSSL and to those who follow it.
const VARIABLE: &str = "SSL_CERT_FILE";
/// Names for those who do not follow it: Python's requests has a list of its own, git's libcurl a path of its own.
const SYNONYMS: [&str; 2] = ["REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO"];

/// What must be visible and set so that programs trust whom the host trusts. Empty where the host has no bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificates {
    /// As [`super::Runtime::mounts`].
    pub mounts: Vec<PathBuf>,
    /// As [`super::Runtime::symlinks`].
    pub symlinks: Vec<(PathBuf, PathBuf)>,
    /// As [`super::Runtime::environment`].
    pub environment: Vec<(OsString, OsString)>,
}

/// The bundle that the host's variables name, else the distribution's.
pub(super) fn find(home: Option<&Path>, variables: &BTreeMap<String, String>) -> Certificates {
    let named = variables.get(VARIABLE).map(Path::new).filter(|path| path.is_absolute());
    let mut view = View::new(home);
    let bundle =
        named.into_iter().chain(BUNDLES.iter().map(Path::new)).find(|path| path.is_file() && view.add_if_present(path));
    let Some(bundle) = bundle else { return Certificates::default() };
    let (mounts, symlinks) = view.into_parts();
    let names = [VARIABLE].into_iter().chain(SYNONYMS);
    let environment = names.map(|name| (name.into(), bundle.as_os_str().to_owned())).collect();
    Certificates { mounts, symlinks, environment }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_may_name_its_own_bundle() {
        let directory = tempfile::tempdir().unwrap();
        let bundle = directory.path().canonicalize().unwrap().join("corporate.pem");
        std::fs::write(&bundle, "").unwrap();
        let variables = BTreeMap::from([(VARIABLE.to_owned(), bundle.to_str().unwrap().to_owned())]);
        let found = find(None, &variables);
        assert_eq!(found.mounts, std::slice::from_ref(&bundle));
        let names = [VARIABLE, SYNONYMS[0], SYNONYMS[1]];
        assert_eq!(found.environment, names.map(|name| (OsString::from(name), bundle.clone().into_os_string())));
    }

    #[test]
    fn a_bundle_that_is_not_there_is_passed_over() {
        let variables = BTreeMap::from([(VARIABLE.to_owned(), "/nowhere/ca.pem".to_owned())]);
        assert_eq!(find(None, &variables), find(None, &BTreeMap::new()));
    }
}
