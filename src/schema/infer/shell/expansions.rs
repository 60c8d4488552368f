//! The parameters in a piece of shell text: `$1`, `${2:-default}`, `"$@"`, `${name#*=}`.

/// One parameter as it is used.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Parameter<'s> {
    pub(super) name: &'s str,
    /// What follows the name in braces: `:-default`, `#*=`; empty for none.
    pub(super) operation: &'s str,
}

impl<'s> Parameter<'s> {
    /// The place of a positional parameter, from one.
    pub(super) fn place(&self) -> Option<usize> {
        self.name.parse().ok().filter(|place| (1..=64).contains(place))
    }

    /// All words: `$@` or `$*`.
    pub(super) fn is_all(&self) -> bool {
        matches!(self.name, "@" | "*")
    }

    /// What stands in for an absent value, where that is a plain literal.
    pub(super) fn default(&self) -> Option<&'s str> {
        let text = self.operation.strip_prefix(":-").or_else(|| self.operation.strip_prefix('-'))?;
        let text = unquoted(text);
        (!text.contains(['$', '`'])).then_some(text)
    }

    /// Whether something stands in for an absent value, be it empty.
    pub(super) fn has_default(&self) -> bool {
        self.operation.starts_with(":-")
            || self.operation.starts_with('-')
            || self.operation.starts_with(":+")
            || self.operation.starts_with('+')
    }

    /// The message of `${1:?message}`.
    pub(super) fn demand(&self) -> Option<&'s str> {
        self.operation.strip_prefix(":?").or_else(|| self.operation.strip_prefix('?'))
    }

    /// `${1#*=}`, `${1#--flag=}`: what follows the `=`.
    pub(super) fn cuts(&self) -> bool {
        self.operation.starts_with('#')
    }
}

/// All parameters of a text outside of single quotes, in their order; at most 64.
pub(super) fn parameters(text: &str) -> Vec<Parameter<'_>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut is_double) = (0, false);
    // The quotes around each `$(` that is open: inside of it, quoting starts anew.
    let mut outer: Vec<bool> = Vec::new();
    while at < bytes.len() && found.len() < 64 {
        match bytes.get(at) {
            Some(b'\\') => at += 1,
            Some(b'"') => is_double = !is_double,
            Some(b'\'') if !is_double => {
                let rest = text.get(at + 1..).unwrap_or("");
                at += 1 + rest.find('\'').unwrap_or(rest.len());
            }
            Some(b')') if !is_double => is_double = outer.pop().unwrap_or(false),
            Some(b'$') => {
                let rest = text.get(at + 1..).unwrap_or("");
                if rest.starts_with('(') && outer.len() < 64 {
                    outer.push(std::mem::take(&mut is_double));
                    at += 1;
                } else if let Some(inner) = rest.strip_prefix('{') {
                    let end = closing(inner);
                    let inside = inner.get(..end).unwrap_or("");
                    if let Some(parameter) = braced(inside) {
                        found.push(parameter);
                    }
                    // What is inside of the braces may hold more.
                    at += 1;
                } else {
                    let length = name_length(rest);
                    if let Some(name) = rest.get(..length).filter(|name| !name.is_empty()) {
                        found.push(Parameter { name, operation: "" });
                        at += length;
                    }
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The one parameter that a word is, with or without quotes.
pub(super) fn sole(word: &str) -> Option<Parameter<'_>> {
    let word = unquoted(word);
    let inner = word.strip_prefix('$')?;
    match inner.strip_prefix('{') {
        Some(braced_text) => {
            let end = closing(braced_text);
            (end + 1 == braced_text.len()).then(|| braced(braced_text.get(..end).unwrap_or("")))?
        }
        None => (name_length(inner) == inner.len()).then_some(Parameter { name: inner, operation: "" }),
    }
}

fn braced(inside: &str) -> Option<Parameter<'_>> {
    if inside.starts_with('#') && inside.len() > 1 || inside.starts_with('!') {
        return None;
    }
    let length = name_length(inside);
    // `${name[@]}`
    let name = inside.get(..length).filter(|name| !name.is_empty())?;
    let rest = inside.get(length..).unwrap_or("");
    let rest = if rest.starts_with('[') { rest.split_once(']').map_or("", |(_, rest)| rest) } else { rest };
    Some(Parameter { name, operation: rest })
}

/// The length of the name that a text begins with; in a name of digits without braces, only one counts for the shell, and
/// nobody writes more.
fn name_length(text: &str) -> usize {
    match text.chars().next() {
        Some('@' | '*' | '#' | '?') => 1,
        Some(c) if c.is_ascii_digit() => text.chars().take_while(char::is_ascii_digit).count(),
        Some(c) if c.is_ascii_alphabetic() || c == '_' => {
            text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').count()
        }
        _ => 0,
    }
}

fn closing(text: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// A word without the quotes around it.
pub(super) fn unquoted(word: &str) -> &str {
    let word = word.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = word.strip_prefix(quote).and_then(|word| word.strip_suffix(quote))
            && !inner.contains(quote)
        {
            return inner;
        }
    }
    word
}

/// The literal text of a word, where it has no parameters.
pub(super) fn literal(word: &str) -> Option<&str> {
    let text = unquoted(word);
    (!text.contains(['$', '`', '(', '*'])).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_parameters() {
        let rows: [(&str, &[(&str, &str)]); 11] = [
            ("\"$(git x | awk '/a/ {print $3}' \"$4\") $5 'a'\"", &[("4", ""), ("5", "")]),
            ("\"$1\"", &[("1", "")]),
            ("${2:-a b}", &[("2", ":-a b")]),
            ("${1:-${HOME}/x}", &[("1", ":-${HOME}/x"), ("HOME", "")]),
            ("awk '{print $1}' \"$FILE\"", &[("FILE", "")]),
            ("\"it's $2\"", &[("2", "")]),
            ("\\$1", &[]),
            ("$#", &[("#", "")]),
            ("\"$@\" ${name#*=} ${list[@]}", &[("@", ""), ("name", "#*="), ("list", "")]),
            ("${#name} ${!ref}", &[]),
            ("${", &[]),
        ];
        for (text, want) in rows {
            let got: Vec<(&str, &str)> = parameters(text).iter().map(|found| (found.name, found.operation)).collect();
            assert_eq!(got, want, "{text}");
        }
        assert_eq!(sole("\"${1:?usage}\"").and_then(|found| found.demand()), Some("usage"));
        assert_eq!(sole("\"$1/x\""), None);
        assert_eq!(sole("${1}x}"), None);
        assert_eq!(literal("\"a b\""), Some("a b"));
        assert_eq!(literal("$x"), None);
    }
}
