//! How words stand where a script does not read them as argparse does.

use serde_json::{Value, json};

use super::line;
use crate::schema::{Argument, ArgvSpec, Command, Dashes, Form, Grammar, Reading, Scalar, Subcommands, Values};

fn spec(grammar: Grammar) -> ArgvSpec {
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
        grammar,
        ..ArgvSpec::default()
    }
}

/// The words, blanks between them, or the message.
fn words(spec: &ArgvSpec, given: &Value) -> Result<String, String> {
    let given = given.as_object().expect("arguments are an object");
    let invocation = line::write(spec, given, &json!({})).map_err(|error| error.message)?;
    let words = invocation.arguments.iter().map(|word| word.to_str().expect("words are UTF-8"));
    Ok(words.collect::<Vec<_>>().join(" "))
}

#[test]
fn words_stand_as_the_script_wants_them() {
    let values = |values| Grammar { values, ..Grammar::default() };
    let apart = || values(Values::Apart);
    let short = || values(Values::ShortApart);
    let dashes = |dashes| Grammar { dashes, ..Grammar::default() };
    let first = || Grammar { is_positional_first: true, dashes: Dashes::Verbatim, ..apart() };
    let rows: [(Grammar, Value, Result<&str, &str>); 19] = [
        (apart(), json!({"out": "a=b", "n": "1", "json": true, "file": "f"}), Ok("--out a=b -n 1 --json f")),
        (apart(), json!({"out": "", "depth": "5"}), Ok("--out  --depth=5")),
        (short(), json!({"out": "x", "n": "", "file": "f"}), Ok("--out=x -n  f")),
        (short(), json!({"n": "-1", "file": "-f"}), Ok("-n-1 -- -f")),
        (Grammar::default(), json!({"depth": "5"}), Ok("--depth=5")),
        (dashes(Dashes::AlwaysMarked), json!({"out": "x", "file": "f"}), Ok("--out=x -- f")),
        (dashes(Dashes::AlwaysMarked), json!({"out": "x"}), Ok("--out=x")),
        (dashes(Dashes::Verbatim), json!({"file": "-f"}), Ok("-f")),
        (dashes(Dashes::Verbatim), json!({"file": "--json"}), Err("is one of the script's options")),
        (dashes(Dashes::Verbatim), json!({"file": "--depth=5"}), Err("is one of the script's options")),
        (dashes(Dashes::Refused), json!({"file": "-f"}), Err("starts with `-`")),
        (dashes(Dashes::Refused), json!({"json": true, "file": "f"}), Ok("--json f")),
        (first(), json!({"out": "x", "file": "f"}), Ok("f --out x")),
        (first(), json!({"json": true, "file": "-5"}), Ok("-5 --json")),
        (Grammar::getopt(), json!({"out": "-x", "n": "-1", "file": "-5"}), Ok("--out=-x -n -1 -- -5")),
        (Grammar::words(), json!({"n": "-1", "json": true, "file": "--"}), Ok("-- -n -1 --json")),
        (Grammar::words(), json!({"file": "--out"}), Err("is one of the script's options")),
        (Grammar::default(), json!({"file": "--"}), Err("cannot be given as a positional")),
        (Grammar::default(), json!({"file": "-5"}), Ok("-5")),
    ];
    for (grammar, given, want) in rows {
        match (words(&spec(grammar), &given), want) {
            (Ok(got), Ok(want)) => assert_eq!(got, want, "{given}"),
            (Err(got), Err(part)) => assert!(got.contains(part), "{given}: {got}"),
            (got, want) => panic!("{given}: {got:?} in place of {want:?}"),
        }
    }
}

#[test]
fn every_level_has_its_own_grammar() {
    let apart = Grammar { values: Values::Apart, dashes: Dashes::Refused, ..Grammar::default() };
    let mut root = spec(Grammar::default());
    root.arguments.retain(|argument| argument.property == "json");
    let command = Command { name: "add".to_owned(), spec: spec(apart) };
    root.subcommands = Some(Subcommands { property: "command".to_owned(), is_required: true, commands: vec![command] });
    root.arguments.push(Argument {
        property: "level".to_owned(),
        form: Form::Option { flag: "--level".to_owned(), scalar: Scalar::Text, bare: None },
        is_required: false,
    });
    let given = json!({"level": "x", "command": "add", "out": "y", "file": "add"});
    assert_eq!(words(&root, &given).as_deref(), Ok("--level=x add --out y add"));
}

#[test]
fn a_script_that_takes_words_by_place_needs_those_before() {
    let argument = |property: &str| Argument {
        property: property.to_owned(),
        form: Form::Positional(Scalar::Text),
        is_required: property == "second",
    };
    let arguments = vec![argument("first"), argument("second")];
    let given = json!({"second": "b"});
    let leaves = ArgvSpec { arguments: arguments.clone(), ..ArgvSpec::default() };
    assert_eq!(words(&leaves, &given).as_deref(), Ok("b"));
    for reading in [Reading::Getopt, Reading::Words] {
        let grammar = Grammar { reading, ..Grammar::default() };
        let fills = ArgvSpec { arguments: arguments.clone(), grammar, ..ArgvSpec::default() };
        let message = words(&fills, &given).expect_err("`first` would take the word");
        assert!(message.contains("together with `first`"), "{message}");
    }
}
