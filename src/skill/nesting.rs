//! How deep a YAML text nests, found without parsing it.
//!
//! The YAML scanner does work in proportion to the open flow collections (`[`, `{`) for every token: 8,000 levels in 64 KiB take it 0.6 s.
//! Which brackets open a collection depends on everything before them, but once one does, what follows is lexed alike everywhere. So every
//! bracket is taken as a possible beginning and followed until it closes: the deepest of these is at least the real depth.

/// The deepest nesting that is let through to the parser, whose own limit is 128.
pub(super) const MAX_DEPTH: usize = 64;
/// Bytes followed in all, for texts whose brackets do not close: 4 MiB, some milliseconds.
const MAX_FOLLOWED_BYTES: usize = 4 << 20;

/// The line, from 0, at which the text nests deeper than [`MAX_DEPTH`] or cannot be followed cheaply.
pub(super) fn too_deep(yaml: &str) -> Option<usize> {
    let block = yaml.lines().position(|line| block_depth(line) > MAX_DEPTH);
    block.or_else(|| {
        let mut left = MAX_FOLLOWED_BYTES;
        for (at, _) in yaml.match_indices(['[', '{']) {
            let (before, after) = yaml.split_at_checked(at)?;
            let mut flow = Flow { rest: after };
            let is_shallow = flow.is_shallow();
            left = left.saturating_sub(after.len() - flow.rest.len());
            if !is_shallow || left == 0 {
                return Some(before.matches('\n').count());
            }
        }
        None
    })
}

/// Collections that one line opens: `- - - x`. By indentation alone, 64 KiB hold no more than 360 levels.
fn block_depth(line: &str) -> usize {
    line.split_ascii_whitespace().take_while(|word| matches!(*word, "-" | "?" | ":")).take(MAX_DEPTH + 1).count()
}

/// The inside of a flow collection, lexed token by token exactly as libyaml does it there.
struct Flow<'t> {
    rest: &'t str,
}

impl Flow<'_> {
    /// Follows the collection that `rest` begins with to its end, or to where the parser gives up.
    fn is_shallow(&mut self) -> bool {
        let mut depth = 0usize;
        while let Some(token) = self.next() {
            match token {
                '[' | '{' => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return false;
                    }
                }
                ']' | '}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return true;
                    }
                }
                '\'' | '"' => self.skip_quoted(token),
                '#' => self.skip_until(is_break),
                // Key, value and entry need no space after them here; `-` does.
                '?' | ':' | ',' => {}
                '-' if self.rest.starts_with(is_blank) => {}
                '&' | '*' => self.skip_until(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-')),
                // Only a verbatim tag, `!<…>`, may hold brackets and commas.
                '!' if self.rest.starts_with('<') => {
                    self.skip_until(|c| c == '>' || is_blank(c));
                    self.next();
                }
                '!' => self.skip_until(|c| is_blank(c) || matches!(c, ',' | '[' | ']' | '{' | '}')),
                '|' | '>' | '%' | '@' | '`' => return true,
                token if is_blank(token) => {}
                _ => self.skip_plain(),
            }
        }
        true
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let first = chars.next()?;
        self.rest = chars.as_str();
        Some(first)
    }

    fn skip_until(&mut self, ends: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(|c| !ends(c));
    }

    fn skip_quoted(&mut self, mark: char) {
        while let Some(c) = self.next() {
            if c == '\\' && mark == '"' {
                self.next();
            } else if c == mark {
                // '' is a quote within single quotes.
                match (mark, self.rest.strip_prefix(mark)) {
                    ('\'', Some(rest)) => self.rest = rest,
                    _ => return,
                }
            }
        }
    }

    /// A plain text runs to a bracket, a comma, `: ` or ` #`; quotes inside it are text.
    fn skip_plain(&mut self) {
        let mut is_after_blank = false;
        loop {
            let mut ahead = self.rest.chars();
            match ahead.next() {
                None | Some(',' | '[' | ']' | '{' | '}') => return,
                Some(':') if ahead.next().is_none_or(is_blank) => return,
                Some('#') if is_after_blank => return,
                Some(c) => {
                    is_after_blank = is_blank(c);
                    self.next();
                }
            }
        }
    }
}

/// YAML 1.1's line breaks; a comment ends at any of them.
fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t') || is_break(c)
}

#[cfg(test)]
mod tests {
    use super::too_deep;

    #[test]
    fn depth_is_seen_through_quotes_and_comments() {
        let nest = |open: &str, times: usize| format!("x: 1\na: {}", open.repeat(times));
        let cases: &[(&str, String, Option<usize>)] = &[
            ("shallow", "a: [1, {b: [2]}]\nc: {d: e}".into(), None),
            ("64 levels", nest("[", 64), None),
            ("65 levels", nest("[", 65), Some(1)),
            ("maps", nest("{a: ", 65), Some(1)),
            ("closed in single quotes", nest("[']',", 65), Some(1)),
            ("closed in double quotes", nest("[\"\\\"]\",", 65), Some(1)),
            ("closed in doubled quotes", nest("['''].',", 65), Some(1)),
            ("closed in comments", nest("[ #]\n", 65), Some(1)),
            ("closed in a quoted value", nest("{a: ']',b: ", 65), Some(1)),
            ("closed in a quoted value without a space", nest("{\"a\":']',b: ", 65), Some(1)),
            ("closed in a verbatim tag", nest("[!<a]> x,", 65), Some(1)),
            ("a quote after a tag", nest("[!t,'] [',", 65), Some(1)),
            ("a quote after an anchor", nest("[&a ']',", 65), Some(1)),
            ("a quote after a question mark", nest("[? ']',", 65), Some(1)),
            ("a quote inside a plain text", nest("{a:'x, b: ", 65), Some(1)),
            ("a comment that ends at an unusual break", nest("[ # \u{85}", 65), Some(1)),
            ("an apostrophe before", nest("[it's, ']',", 65), Some(1)),
            ("after text that looks like a flow", format!("a: it's ['\nb: {}", "[']',".repeat(65)), Some(1)),
            ("a list of many flows", "- [a, 'b]']\n".repeat(1_000), None),
            ("many links in a text", format!("a: {}", "[x](y) it's ".repeat(1_000)), None),
            (
                "a large schema in one flow",
                format!("a: {{{}}}", "p: {type: [string, 'null'], d: \"it's [x]\"}, ".repeat(800)),
                None,
            ),
            ("block", format!("a:\n  {}x", "- ".repeat(65)), Some(1)),
            ("a text of dashes", format!("a: {}x", "- ".repeat(65)), None),
        ];
        for (name, yaml, expected) in cases {
            assert_eq!(too_deep(yaml), *expected, "{name}");
        }
    }
}
