//! Progressive disclosure: three tools that stand for all skills, so that an LLM reads of a skill what it needs, when it
//! needs it.
//!
//! Here are their names, what an LLM is told of them, and an LLM's arguments judged and read into an [`Ask`]. What a skill
//! answers is the engine's business. Their names belong to them in every registry: a script that would have one gets a suffix.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::{Definition, argv};
use crate::error::{Error, Result, Status};
use crate::schema::Schema;

/// How much of a resource is read when nothing is said, in bytes: about 8,000 tokens.
pub const READ_BYTES: u64 = 32 * 1024;
/// The most bytes that one read gives.
pub const MAX_READ_BYTES: u64 = 1024 * 1024;

/// One of the three tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generic {
    /// `load_skill`: the instructions of a skill, its resources and its scripts.
    LoadSkill,
    /// `read_skill_resource`: a part of one file of a skill.
    ReadSkillResource,
    /// `run_skill_script`: one script of a skill, in the sandbox.
    RunSkillScript,
}

/// What an LLM asks of a skill.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The skill's name as the LLM wrote it.
    pub skill: String,
    /// What of it.
    pub what: What,
}

/// What an LLM asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Its instructions.
    Instructions,
    /// A part of a file.
    Resource {
        /// The file's path as the LLM wrote it.
        path: String,
        /// Where the part begins, in bytes.
        offset: u64,
        /// How long it may be, in bytes; 1 to [`MAX_READ_BYTES`].
        limit: u64,
    },
    /// A run of a script.
    Run {
        /// The script as the LLM wrote it.
        script: String,
        /// What the script is given.
        arguments: Arguments,
        /// What it reads on standard input.
        stdin: Option<String>,
    },
}

/// The arguments of a script.
#[derive(Clone, Debug, PartialEq)]
pub enum Arguments {
    /// As its own tool takes them.
    Named(Value),
    /// The words of its command line.
    Words(Vec<String>),
}

/// A skill that can be asked.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'s> {
    /// Its name.
    pub name: &'s str,
    /// Whether it has files beside SKILL.md.
    pub has_resources: bool,
    /// Whether it has scripts that can be run.
    pub has_scripts: bool,
}

/// One of the three as it is told to an LLM.
#[derive(Clone, Debug)]
pub struct GenericTool {
    generic: Generic,
    parameters: Value,
}

impl<'t> From<&'t GenericTool> for Definition<'t> {
    fn from(tool: &'t GenericTool) -> Self {
        let (name, description) = (tool.generic.name(), tool.generic.description());
        Self { name, description, parameters: &tool.parameters }
    }
}

/// The tools that make sense for these skills: none without a skill, none to read where there is nothing to read. Each
/// names the skills that it can be asked about.
pub fn offered(skills: &[Offer<'_>]) -> Vec<GenericTool> {
    let tool = |generic: &Generic| {
        let names: Vec<&str> = skills.iter().filter(|skill| generic.suits(skill)).map(|skill| skill.name).collect();
        if names.is_empty() {
            return None;
        }
        let mut parameters = generic.parameters();
        if let Some(name) = parameters.pointer_mut("/properties/name").and_then(Value::as_object_mut) {
            name.insert("enum".into(), json!(names));
        }
        Some(GenericTool { generic: *generic, parameters })
    };
    Generic::ALL.iter().filter_map(tool).collect()
}

impl Generic {
    /// All three, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::LoadSkill, Self::ReadSkillResource, Self::RunSkillScript];

    /// The name that an LLM calls.
    pub fn name(self) -> &'static str {
        match self {
            Self::LoadSkill => "load_skill",
            Self::ReadSkillResource => "read_skill_resource",
            Self::RunSkillScript => "run_skill_script",
        }
    }

    /// The tool of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|generic| generic.name() == name)
    }

    fn suits(self, skill: &Offer<'_>) -> bool {
        match self {
            Self::LoadSkill => true,
            Self::ReadSkillResource => skill.has_resources,
            Self::RunSkillScript => skill.has_scripts,
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::LoadSkill => {
                "Loads a skill: its instructions, the files that come with it, and its scripts with the arguments that each takes. Call this before you work on a task that the skill is made for."
            }
            Self::ReadSkillResource => {
                "Reads a file of a skill (a reference, an asset, a script's source), a part at a time. The answer says the file's size and, where more follows, the `next_offset` to go on with. A file that is not text comes as base64, and the answer says so."
            }
            Self::RunSkillScript => {
                "Runs a script of a skill in a sandbox and gives its output, exit code and the files that it wrote. `load_skill` tells which scripts there are and what arguments each takes."
            }
        }
    }

    /// The schema, in which every skill may be named.
    fn parameters(self) -> Value {
        let (own, required) = match self {
            Self::LoadSkill => (json!({}), json!(["name"])),
            Self::ReadSkillResource => (
                json!({
                    "path": {
                        "type": "string",
                        "description": "The file, relative to the skill's folder, as load_skill lists it: references/guide.md.",
                    },
                    "offset": {"type": "integer", "minimum": 0, "description": "The byte to begin at; 0 when left out."},
                    "limit": {
                        "type": "integer",
                        "minimum": 1,
                        "maximum": MAX_READ_BYTES,
                        "description": format!("The most bytes to read; {READ_BYTES} when left out."),
                    },
                }),
                json!(["name", "path"]),
            ),
            Self::RunSkillScript => (
                json!({
                    "script": {
                        "type": "string",
                        "description": "The script, relative to the skill's folder, as load_skill lists it: scripts/convert.py.",
                    },
                    "arguments": {
                        "type": ["object", "array"],
                        "items": {"type": "string"},
                        "description": "The arguments: an object that fits the script's `parameters` as load_skill tells them, or the words of its command line.",
                    },
                    "stdin": {
                        "type": "string",
                        "description": "Text for the script's standard input, where it does not take its arguments there.",
                    },
                }),
                json!(["name", "script"]),
            ),
        };
        let mut properties = Map::new();
        properties.insert("name".into(), json!({"type": "string", "description": "The skill."}));
        properties.extend(own.as_object().cloned().unwrap_or_default());
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    }

    fn schema(self) -> &'static Schema {
        static SCHEMAS: LazyLock<[Schema; 3]> = LazyLock::new(|| {
            Generic::ALL.map(|generic| Schema::compile(generic.parameters()).unwrap_or_else(|_| Schema::anything()))
        });
        let [load, read, run] = &*SCHEMAS;
        match self {
            Self::LoadSkill => load,
            Self::ReadSkillResource => read,
            Self::RunSkillScript => run,
        }
    }

    /// Judges an LLM's arguments, as [`super::Tool::prepare`] does, and reads them. Whether there is such a skill, file or
    /// script is for others to say. Fails with [`Status::InvalidArguments`] and one line that a model can repair from.
    pub fn ask(self, arguments: &Value) -> Result<Ask> {
        let decoded = decoded(arguments);
        let mut given = argv::judged(self.name(), self.schema(), decoded.as_ref().unwrap_or(arguments))?;
        let skill = self.text(&mut given, "name")?;
        let what = match self {
            Self::LoadSkill => What::Instructions,
            Self::ReadSkillResource => What::Resource {
                path: self.text(&mut given, "path")?,
                offset: whole(given.get("offset")).unwrap_or(0),
                limit: whole(given.get("limit")).unwrap_or(READ_BYTES).clamp(1, MAX_READ_BYTES),
            },
            Self::RunSkillScript => What::Run {
                script: self.text(&mut given, "script")?,
                arguments: match given.remove("arguments") {
                    None => Arguments::Named(json!({})),
                    Some(Value::Array(words)) => Arguments::Words(words.iter().map(word).collect()),
                    Some(named) => Arguments::Named(named),
                },
                stdin: given.get("stdin").and_then(Value::as_str).map(str::to_owned),
            },
        };
        Ok(Ask { skill, what })
    }

    fn text(self, given: &mut Map<String, Value>, key: &str) -> Result<String> {
        match given.remove(key) {
            Some(Value::String(text)) => Ok(text),
            _ => Err(Error::new(
                Status::InvalidArguments,
                format!("arguments of {} do not fit: /{key}: expected string", self.name()),
            )),
        }
    }
}

/// The arguments of a script as a JSON string of an object or a list, which models write where a schema leaves the keys
/// open, taken out of the string. `None` where there is no such string.
fn decoded(arguments: &Value) -> Option<Value> {
    let inner: Value = serde_json::from_str(arguments.get("arguments")?.as_str()?).ok()?;
    if !inner.is_object() && !inner.is_array() {
        return None;
    }
    let mut decoded = arguments.clone();
    *decoded.get_mut("arguments")? = inner;
    Some(decoded)
}

/// A whole number, which JSON may write as a float.
fn whole(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| value.as_f64().map(|number| number as u64))
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(generic: Generic, arguments: Value) -> Result<Ask> {
        generic.ask(&arguments)
    }

    #[test]
    fn arguments_are_read_or_told_how_to_repair() {
        use Generic::{LoadSkill, ReadSkillResource, RunSkillScript};
        let part = |path: &str, offset, limit| What::Resource { path: path.into(), offset, limit };
        let run = |arguments, stdin: Option<&str>| What::Run {
            script: "s.py".into(),
            arguments,
            stdin: stdin.map(str::to_owned),
        };
        let words = |words: &[&str]| Arguments::Words(words.iter().map(|word| (*word).to_owned()).collect());
        let rows = [
            (LoadSkill, json!({"name": "a"}), What::Instructions),
            (LoadSkill, json!("{\"name\": \"a\"}"), What::Instructions),
            (ReadSkillResource, json!({"name": "a", "path": "p"}), part("p", 0, READ_BYTES)),
            (
                ReadSkillResource,
                json!({"name": "a", "path": "p", "offset": 5, "limit": null}),
                part("p", 5, READ_BYTES),
            ),
            (ReadSkillResource, json!({"name": "a", "path": "p", "offset": 5.0, "limit": 7}), part("p", 5, 7)),
            (RunSkillScript, json!({"name": "a", "script": "s.py"}), run(Arguments::Named(json!({})), None)),
            (
                RunSkillScript,
                json!({"name": "a", "script": "s.py", "arguments": {"n": 1}, "stdin": "in"}),
                run(Arguments::Named(json!({"n": 1})), Some("in")),
            ),
            (
                RunSkillScript,
                json!({"name": "a", "script": "s.py", "arguments": ["-n", "1"]}),
                run(words(&["-n", "1"]), None),
            ),
            (
                RunSkillScript,
                json!({"name": "a", "script": "s.py", "arguments": "{\"n\": 1}"}),
                run(Arguments::Named(json!({"n": 1})), None),
            ),
            (RunSkillScript, json!({"name": "a", "script": "s.py", "arguments": "[]"}), run(words(&[]), None)),
        ];
        for (generic, arguments, expected) in rows {
            let found = ask(generic, arguments.clone()).unwrap_or_else(|error| panic!("{arguments}: {error}"));
            assert_eq!(found, Ask { skill: "a".into(), what: expected }, "{arguments}");
        }
        let bad = [
            (LoadSkill, json!({}), "name"),
            (LoadSkill, json!({"name": 1}), "/name"),
            (LoadSkill, json!({"name": "a", "depth": 1}), "depth"),
            (LoadSkill, json!([]), "object"),
            (ReadSkillResource, json!({"name": "a"}), "path"),
            (ReadSkillResource, json!({"name": "a", "path": "p", "offset": "x"}), "/offset"),
            (RunSkillScript, json!({"name": "a", "script": "s", "arguments": "--n 1"}), "/arguments"),
            (RunSkillScript, json!({"name": "a", "script": "s", "arguments": [1]}), "/arguments/0"),
            (RunSkillScript, json!({"name": "a", "script": "s", "stdin": {}}), "/stdin"),
        ];
        for (generic, arguments, needle) in bad {
            let error = ask(generic, arguments.clone()).expect_err("it is refused");
            assert_eq!(error.status, Status::InvalidArguments, "{arguments}");
            assert!(error.message.contains(needle) && error.message.contains(generic.name()), "{error}");
        }
    }

    #[cfg(feature = "validation")]
    #[test]
    fn bounds_of_a_part_are_judged() {
        for part in
            [json!({"offset": -1}), json!({"offset": 0.5}), json!({"limit": 0}), json!({"limit": MAX_READ_BYTES + 1})]
        {
            let mut arguments = json!({"name": "a", "path": "p"});
            arguments.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
            assert!(ask(Generic::ReadSkillResource, arguments).is_err(), "{part}");
        }
    }

    #[test]
    fn only_what_makes_sense_is_offered() {
        let plain = Offer { name: "plain", has_resources: false, has_scripts: false };
        let whole = Offer { name: "whole", has_resources: true, has_scripts: true };
        let told = |skills: &[Offer<'_>]| -> Vec<(String, Value)> {
            let tools = offered(skills);
            let define = |tool| Definition::from(tool);
            tools
                .iter()
                .map(define)
                .map(|tool| (tool.name.into(), tool.parameters["properties"]["name"]["enum"].clone()))
                .collect()
        };
        assert!(told(&[]).is_empty());
        assert_eq!(told(&[plain]), [("load_skill".to_owned(), json!(["plain"]))]);
        let expected = [
            ("load_skill", json!(["plain", "whole"])),
            ("read_skill_resource", json!(["whole"])),
            ("run_skill_script", json!(["whole"])),
        ];
        assert_eq!(told(&[plain, whole]), expected.map(|(name, names)| (name.to_owned(), names)));
        for tool in offered(&[plain, whole]) {
            assert!(Definition::from(&tool).description.len() <= crate::tool::DESCRIPTION_BYTES);
            assert!(Schema::compile(tool.parameters).is_ok());
        }
    }
}
