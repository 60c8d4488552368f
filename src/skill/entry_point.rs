//! A declared `entry_point`, checked against the files that the skill really has.

use super::diagnostic::Diagnostic;
use super::files::Listing;
use super::manifest::quoted;
use super::resource;

/// The path of the skill's own file that is meant. `Err` with an error: the declaration points out of the skill and the skill must
/// not be used; with a warning: there is no such file.
pub(super) fn resolve(declared: &str, listing: &Listing) -> Result<String, Diagnostic> {
    let escape = |how: &str| {
        Diagnostic::error(
            "entry-point-escape",
            format!(
                "entry_point {} {how}; it must be a file of the skill, such as `scripts/main.py`",
                quoted(declared)
            ),
        )
    };
    let path = resource::normalize(declared.trim()).map_err(|reason| escape(reason.text()))?;
    for path in [path.clone(), format!("scripts/{path}")] {
        if resource::find(&listing.files, &path).is_some() {
            return Ok(path);
        }
        let is_below = |link: &str| path == *link || path.strip_prefix(link).is_some_and(|rest| rest.starts_with('/'));
        if listing.escaping.iter().any(|link| is_below(link)) {
            return Err(escape("is a link that leaves the skill's folder"));
        }
    }
    Err(Diagnostic::warning(
        "entry-point-missing",
        format!(
            "entry_point {} is not a file of the skill and was ignored; add the file or correct the path",
            quoted(declared)
        ),
    ))
}
