//! The `## Runtime` section of the instructions: a fenced YAML block with the fields that the specification does not know
//! (`entry_point`, `input_schema`, …), so that a skill can declare them and keep its front matter within the specification.

/// The YAML text of the block and its first line, from 1, within `body`.
pub(super) fn find(body: &str) -> Option<(&str, usize)> {
    let mut in_section = false;
    let mut fence: Option<Fence> = None;
    let mut offset = 0;
    for (number, line) in (1..).zip(body.split_inclusive('\n')) {
        let start = offset;
        offset += line.len();
        let text = line.trim_end();
        match &fence {
            Some(open) if open.is_closed_by(text) => {
                if let Some((from, from_line)) = open.yaml_from {
                    return body.get(from..start).map(|yaml| (yaml, from_line));
                }
                fence = None;
            }
            Some(_) => {}
            None => {
                if let Some((mark, length, info)) = opening(text) {
                    let is_yaml = info.eq_ignore_ascii_case("yaml") || info.eq_ignore_ascii_case("yml");
                    let yaml_from = (in_section && is_yaml).then_some((offset, number + 1));
                    fence = Some(Fence { mark, length, yaml_from });
                } else if let Some(title) = heading(text) {
                    in_section = title.eq_ignore_ascii_case("runtime");
                }
            }
        }
    }
    None
}

struct Fence {
    mark: char,
    length: usize,
    yaml_from: Option<(usize, usize)>,
}

impl Fence {
    fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.chars().count() >= self.length && line.chars().all(|c| c == self.mark)
    }
}

fn opening(line: &str) -> Option<(char, usize, &str)> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    let length = line.len() - info.len();
    (length >= 3).then(|| (mark, length, info.split_whitespace().next().unwrap_or_default()))
}

fn heading(line: &str) -> Option<&str> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    ((1..=6).contains(&level) && title.starts_with(' ')).then(|| title.trim().trim_end_matches('#').trim())
}

#[cfg(test)]
mod tests {
    use super::find;

    type Found = Option<(&'static str, usize)>;

    #[test]
    fn finds_the_block_of_the_section_only() {
        let cases: &[(&str, &str, Found)] = &[
            ("plain", "# T\n\n## Runtime\n\n```yaml\na: 1\n```\n", Some(("a: 1\n", 6))),
            ("other case, tildes, yml", "### RUNTIME ##\n~~~~ yml x\na: 1\n~~~~\n", Some(("a: 1\n", 3))),
            ("crlf", "## Runtime\r\n```yaml\r\na: 1\r\n```\r\n", Some(("a: 1\r\n", 3))),
            ("in another section", "## Usage\n```yaml\na: 1\n```\n## Runtime\n", None),
            ("after the section", "## Runtime\ntext\n## Usage\n```yaml\na: 1\n```\n", None),
            ("heading inside a fence", "```\n## Runtime\n```\n```yaml\na: 1\n```\n", None),
            ("not closed", "## Runtime\n```yaml\na: 1\n", None),
            ("json first", "## Runtime\n```json\n{}\n```\n```yaml\nb: 2\n```", Some(("b: 2\n", 6))),
            ("empty", "", None),
        ];
        for (name, body, expected) in cases {
            assert_eq!(find(body), *expected, "{name}");
        }
    }
}
