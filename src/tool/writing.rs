//! The second half of making a command line: words as one script's parser wants them, not as argparse would.
//!
//! `argv` writes `--flag=value`, options before positionals and `--` where it is needed. Hand-written parsers in shell
//! and JavaScript read `--flag value`, take positionals by their place, and do not know `--`; their specification says so.

use std::collections::VecDeque;
use std::ffi::OsString;

use crate::error::{Error, Result, Status};
use crate::schema::{ArgvSpec, Convention, Dashes, Form, Values, Writing, validate};

use super::Invocation;

/// Puts the words of an invocation as the script wants them. Fails with `InvalidArguments` where a positional would be
/// taken for an option and nothing protects it.
pub(super) fn respell(tool: &str, convention: &Convention, invocation: Invocation) -> Result<Invocation> {
    let Convention::Argv(spec) = convention else { return Ok(invocation) };
    if is_plain(spec) {
        return Ok(invocation);
    }
    let mut words: VecDeque<OsString> = invocation.arguments.into();
    let mut arguments = Vec::new();
    level(spec, &mut words, &mut arguments).map_err(|message| {
        Error::new(Status::InvalidArguments, format!("arguments of {tool} do not fit: {message}"))
    })?;
    Ok(Invocation { arguments, stdin: invocation.stdin })
}

fn is_plain(spec: &ArgvSpec) -> bool {
    spec.writing == Writing::default()
        && spec.arguments.iter().all(|argument| match &argument.form {
            Form::Option { flag, .. } | Form::Repeated { flag, .. } => !flag.ends_with('='),
            _ => true,
        })
        && spec.subcommands.iter().flat_map(|subcommands| &subcommands.commands).all(|command| is_plain(&command.spec))
}

fn level(spec: &ArgvSpec, words: &mut VecDeque<OsString>, out: &mut Vec<OsString>) -> std::result::Result<(), String> {
    let (mut options, mut positionals) = (Vec::new(), Vec::new());
    let mut is_marked = false;
    let mut next = None;
    while let Some(word) = words.pop_front() {
        let text = word.to_str().unwrap_or("");
        if !is_marked && text == "--" {
            is_marked = true;
        } else if let Some((flag, value)) = Some(text).filter(|_| !is_marked).and_then(|text| option(spec, text)) {
            spell(flag, value, spec.writing.values, &mut options);
        } else {
            let commands = spec.subcommands.iter().flat_map(|subcommands| &subcommands.commands);
            next = commands.filter(|_| positionals.is_empty()).find(|command| command.name == text);
            if next.is_some() {
                words.push_front(word);
                break;
            }
            positionals.push(word);
        }
    }
    let looks = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    let needs_mark = match spec.writing.dashes {
        Dashes::Marked => is_marked,
        Dashes::AlwaysMarked => is_marked || !positionals.is_empty(),
        Dashes::Verbatim => {
            if let Some(word) =
                positionals.iter().filter_map(|word| word.to_str()).find(|word| option(spec, word).is_some())
            {
                return Err(format!("the value `{}` is one of the script's options", validate::clip(word, 40)));
            }
            false
        }
        Dashes::Refused => {
            if let Some(word) = positionals.iter().find(|word| looks(word)) {
                let word = validate::clip(&word.to_string_lossy(), 40);
                return Err(format!("the value `{word}` starts with `-`, and the script would take it for an option"));
            }
            false
        }
    };
    if spec.writing.is_positional_first {
        out.append(&mut positionals);
        out.append(&mut options);
    } else {
        out.append(&mut options);
        out.extend(needs_mark.then(|| OsString::from("--")));
        out.append(&mut positionals);
    }
    if let (Some(command), Some(name)) = (next, words.pop_front()) {
        out.push(name);
        level(&command.spec, words, out)?;
    }
    Ok(())
}

/// The flag that a word is, with its value where it has one.
fn option<'a>(spec: &'a ArgvSpec, word: &'a str) -> Option<(&'a str, Option<&'a str>)> {
    let of = |flag: &'a str| {
        let rest = word.strip_prefix(flag)?;
        if rest.is_empty() { Some((flag, None)) } else { Some((flag, Some(rest.strip_prefix('=')?))) }
    };
    spec.arguments.iter().find_map(|argument| match &argument.form {
        Form::Option { flag, .. }
        | Form::OptionList { flag, .. }
        | Form::Repeated { flag, .. }
        | Form::Count { flag, .. } => of(flag),
        Form::Switch(flags) => flags.iter().find_map(|(_, flag)| of(flag)),
        _ => None,
    })
}

fn spell(flag: &str, value: Option<&str>, values: Values, out: &mut Vec<OsString>) {
    let Some(value) = value else {
        out.push(flag.into());
        return;
    };
    let is_short = !flag.starts_with("--") && flag.len() == 2;
    match values {
        _ if flag.ends_with('=') => out.push(format!("{flag}{value}").into()),
        Values::ShortApart if is_short && value.starts_with('-') => out.push(format!("{flag}{value}").into()),
        Values::ShortApart if is_short => out.extend([flag.into(), value.into()]),
        Values::Apart => out.extend([flag.into(), value.into()]),
        Values::Joined | Values::ShortApart => out.push(format!("{flag}={value}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Argument, Command, Scalar, Subcommands};

    fn spec(writing: Writing) -> ArgvSpec {
        let argument = |property: &str, form| Argument { property: property.to_owned(), form, is_required: false };
        let valued = |flag: &str| Form::Option { flag: flag.to_owned(), scalar: Scalar::Text, bare: None };
        ArgvSpec {
            arguments: vec![
                argument("out", valued("--out")),
                argument("n", valued("-n")),
                argument("depth", valued("--depth=")),
                argument("json", Form::Switch(vec![(true.into(), "--json".to_owned())])),
                argument("file", Form::Positional(Scalar::Text)),
            ],
            writing,
            ..ArgvSpec::default()
        }
    }

    #[test]
    fn words_stand_as_the_script_wants_them() {
        let apart = Writing { values: Values::Apart, ..Writing::default() };
        let short = Writing { values: Values::ShortApart, ..Writing::default() };
        let dashes = |dashes| Writing { dashes, ..Writing::default() };
        let first = Writing { is_positional_first: true, dashes: Dashes::Verbatim, ..apart };
        type Words = &'static [&'static str];
        let rows: [(Writing, Words, Result<Words, &str>); 11] = [
            (apart, &["--out=a=b", "-n=1", "--json", "f"], Ok(&["--out", "a=b", "-n", "1", "--json", "f"])),
            (apart, &["--out=", "--depth==5"], Ok(&["--out", "", "--depth=5"])),
            (short, &["--out=x", "-n=", "f"], Ok(&["--out=x", "-n", "", "f"])),
            (short, &["-n=-1", "--", "-f"], Ok(&["-n-1", "--", "-f"])),
            (dashes(Dashes::AlwaysMarked), &["--out=x", "f"], Ok(&["--out=x", "--", "f"])),
            (dashes(Dashes::Verbatim), &["--", "-f"], Ok(&["-f"])),
            (dashes(Dashes::Verbatim), &["--", "--json"], Err("is one of the script's options")),
            (dashes(Dashes::Refused), &["--", "-f"], Err("starts with `-`")),
            (dashes(Dashes::Refused), &["--json", "f"], Ok(&["--json", "f"])),
            (first, &["--out=x", "f"], Ok(&["f", "--out", "x"])),
            (first, &["--json", "--", "-5"], Ok(&["-5", "--json"])),
        ];
        for (writing, words, want) in rows {
            let given = Invocation { arguments: words.iter().map(OsString::from).collect(), stdin: Vec::new() };
            let got = respell("t", &Convention::Argv(spec(writing)), given);
            match want {
                Ok(want) => assert_eq!(got.expect("a spelling").arguments, want, "{words:?}"),
                Err(part) => assert!(got.expect_err("refused").message.contains(part), "{words:?}"),
            }
        }
    }

    #[test]
    fn every_level_has_its_own_spelling() {
        let apart = Writing { values: Values::Apart, dashes: Dashes::Refused, ..Writing::default() };
        let mut root = spec(Writing::default());
        root.arguments.retain(|argument| argument.property != "file");
        let command = Command { name: "add".to_owned(), spec: spec(apart) };
        root.subcommands =
            Some(Subcommands { property: "command".to_owned(), is_required: true, commands: vec![command] });
        let words = ["--out=x", "add", "--out=y", "add"].map(OsString::from);
        let given = Invocation { arguments: words.to_vec(), stdin: Vec::new() };
        let got = respell("t", &Convention::Argv(root), given).expect("a spelling");
        assert_eq!(got.arguments, ["--out=x", "add", "--out", "y", "add"]);
    }
}
