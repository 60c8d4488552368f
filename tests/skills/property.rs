//! Random and mutated SKILL.md files: whatever is in them, an answer comes back, and soon.

use std::fs;
use std::time::{Duration, Instant};

use skilllite::skill::{load, validate};

/// xorshift64*: the same cases on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % bound.max(1)
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next().to_le_bytes()[7]).collect()
    }
}

const TOKENS: [&str; 36] = [
    ": ",
    ":\n",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "!!binary ",
    "!t ",
    "|\n",
    ">-\n",
    "'",
    "\"",
    "#",
    "%YAML 1.1\n",
    "---\n",
    "...\n",
    "\t",
    "\r\n",
    "\0",
    "\u{feff}",
    "é🎉",
    "<<: ",
    "~",
    "0x1F",
    ".nan",
    "  ",
    "\nname: ",
    "[']',",
    "{a: ']',b: ",
    "[&a ']',",
    "- ? ",
];

const SEED: &str = "---\nname: skill\ndescription: Use when: asked\nmetadata:\n  a: [1, 2.5, {b: c}]\n  d: &x >-\n    folded\n  e: *x\n\
                    allowed-tools: Read Write\nnetwork: {enabled: yes, outbound: ['*:80']}\n---\n# Title\n\n## Runtime\n\n```yaml\n\
                    version: 1.0\nentry_point: scripts/main.py\ninput_schema:\n  type: object\n```\n";

fn mutated(random: &mut Random) -> Vec<u8> {
    let mut text = SEED.as_bytes().to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(text.len());
        match random.below(6) {
            0 => drop(text.splice(at..at, TOKENS[random.below(TOKENS.len())].bytes())),
            1 => drop(
                text.splice(at..at, TOKENS[random.below(TOKENS.len())].repeat(1 + random.below(3_000)).into_bytes()),
            ),
            2 => drop(text.drain(at..(at + random.below(40)).min(text.len()))),
            3 => {
                let piece = text[at..(at + random.below(60)).min(text.len())].to_vec();
                let to = random.below(text.len());
                text.splice(to..to, piece);
            }
            4 => text[at] = random.next().to_le_bytes()[7],
            _ => {
                let length = random.below(20);
                let noise = random.bytes(length);
                text.splice(at..at, noise);
            }
        }
        if text.is_empty() {
            text.push(b'-');
        }
    }
    text
}

fn token_soup(random: &mut Random) -> Vec<u8> {
    let soup: String = (0..random.below(400)).map(|_| TOKENS[random.below(TOKENS.len())]).collect();
    format!("---\ndescription: d\n{soup}\n---\n").into_bytes()
}

fn noise(random: &mut Random) -> Vec<u8> {
    let length = random.below(2_000);
    [b"---\n".as_slice(), &random.bytes(length), b"\n---\n"].concat()
}

#[test]
fn no_skill_md_makes_the_reader_panic_or_hang() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("skill");
    fs::create_dir(&folder).unwrap();
    let mut random = Random(0x5eed_0001_cafe_f00d);
    let (mut loaded, mut skipped, mut slowest) = (0, 0, Duration::ZERO);
    for round in 0..3_000 {
        let make = [mutated, mutated, token_soup, noise][round % 4];
        let text = make(&mut random);
        fs::write(folder.join("SKILL.md"), &text).unwrap();
        let started = Instant::now();
        match load(&folder) {
            Ok(skill) => {
                loaded += 1;
                assert!(
                    !skill.name.is_empty() && !skill.description.is_empty(),
                    "{:?}",
                    String::from_utf8_lossy(&text)
                );
            }
            Err(reasons) => {
                skipped += 1;
                assert!(!reasons.diagnostics.is_empty(), "{:?}", String::from_utf8_lossy(&text));
            }
        }
        slowest = slowest.max(started.elapsed());
        validate(&folder);
    }
    println!("{loaded} loaded, {skipped} skipped, slowest {slowest:?}");
    assert_eq!(loaded + skipped, 3_000);
    assert!(loaded > 100 && skipped > 100, "the cases have lost their variety: {loaded} loaded, {skipped} skipped");
}
