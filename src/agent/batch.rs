//! The calls of one response: judged, approved, run at most so many at once, and each answered exactly once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::approval::{Approval, Rule};
use super::budget::{Budget, Reason};
use super::clip;
use super::event::Events;
use super::output::Output;
use super::repeats::Repeats;
use crate::engine::{Call, CallOptions, Engine, Offer, excerpt, for_model, is_for_the_host};
use crate::error::{Error, Result, Status};
use crate::sandbox::Bell;
use crate::tool::dialect::{ToolAnswer, ToolCall};

/// How many tools an answer names to a model that called one that is not there.
const NAMED: usize = 32;

/// The calls of one response.
#[derive(Debug)]
pub(super) struct Batch {
    /// In the order of the response.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// What the model calls the call; its answer repeats it.
    id: String,
    /// What the host calls it; never empty and never twice.
    call_id: String,
    tool: String,
    skill: Option<String>,
    arguments: Value,
    state: State,
}

enum State {
    /// For the host's decision.
    Asked,
    /// For its turn.
    Ready,
    Running(Arc<Call>, Output),
    Done(Answer),
}

/// What the model is told.
#[derive(Debug)]
enum Answer {
    /// The result of a call that was started.
    Result(Value),
    /// Why it was not.
    Sentence(String),
}

/// What a batch needs to go on.
pub(super) struct Means<'m> {
    pub(super) engine: &'m Engine,
    pub(super) bell: &'m Arc<Bell>,
    pub(super) events: &'m mut Events,
    pub(super) budget: &'m Budget,
    pub(super) options: &'m CallOptions,
}

impl Batch {
    /// The calls as the model made them, each with the host's name for it. Those that cannot be run are answered at once.
    pub(super) fn new(
        calls: Vec<(ToolCall, String)>,
        offer: &Offer,
        approval: &Approval,
        engine: &Engine,
        events: &mut Events,
        last: Option<Reason>,
    ) -> Self {
        let mut entries: Vec<Entry> = Vec::with_capacity(calls.len());
        for (ToolCall { id, name, arguments }, call_id) in calls {
            let known = offer.tools.get(&name);
            let (arguments, fault) = match (arguments, last) {
                (_, Some(reason)) => (Value::Null, Some(reason.sentence().to_owned())),
                (Err(error), None) => (Value::Null, Some(error.message)),
                (Ok(arguments), None) if known.is_none() => (arguments, Some(not_there(&name, offer))),
                (Ok(arguments), None) => (arguments, None),
            };
            // A generic tool says in its arguments which skill it is about.
            let about = || arguments.get("name")?.as_str().map(excerpt);
            let skill = known.and_then(|skill| skill.clone().or_else(about));
            let mut entry = Entry { id, call_id, tool: name, skill, arguments, state: State::Ready };
            match fault {
                Some(sentence) => entry.answer(Answer::Sentence(sentence), "error", events),
                None => match entry.rule(offer, approval, engine) {
                    Ok(Rule::Ask) => {
                        events.push(entry.event("approval_needed"));
                        entry.state = State::Asked;
                    }
                    Ok(Rule::Allow | Rule::Deny) => {}
                    Err(sentence) => entry.answer(Answer::Sentence(sentence), "error", events),
                },
            }
            entries.push(entry);
        }
        Self { entries }
    }

    /// Collects what has ended and starts what may start. An error is one that only the host can repair; the call that it
    /// is about stays as it is.
    pub(super) fn go_on(&mut self, means: &mut Means<'_>) -> Result<()> {
        let mut running = 0;
        for entry in &mut self.entries {
            entry.collect(means.events, means.bell)?;
            running += usize::from(matches!(entry.state, State::Running(..)));
        }
        let most = means.budget.parallel_calls();
        for entry in self.entries.iter_mut().filter(|entry| matches!(entry.state, State::Ready)) {
            if running >= most {
                break;
            }
            match entry.start(means) {
                Ok(()) => running += 1,
                // The queue of the engine is full: one of ours that ends makes room.
                Err(error) if error.status == Status::QueueFull && running > 0 => break,
                Err(error) if is_for_the_host(error.status) => return Err(error),
                Err(error) => entry.answer(Answer::Sentence(error.message), "error", means.events),
            }
        }
        Ok(())
    }

    /// Ends what has not ended.
    pub(super) fn abort(&mut self, reason: Reason, events: &mut Events, bell: &Bell) {
        for entry in &mut self.entries {
            // What cannot be collected is not there.
            let _ = entry.collect(events, bell);
            if !matches!(entry.state, State::Done(_)) {
                // Dropping a call that runs ends it.
                entry.answer(Answer::Sentence(reason.sentence().to_owned()), "cancelled", events);
            }
        }
    }

    /// Decides on a call that waits for approval.
    pub(super) fn approve(&mut self, call_id: &str, is_allowed: bool, reason: &str, events: &mut Events) -> Result<()> {
        let asked = self.entries.iter_mut().filter(|entry| matches!(entry.state, State::Asked));
        match { asked }.find(|entry| entry.call_id == call_id) {
            Some(entry) if is_allowed => entry.state = State::Ready,
            Some(entry) => {
                let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                let sentence = format!("the user did not allow this call{reason}");
                entry.answer(Answer::Sentence(sentence), "denied", events);
            }
            None => return Err(no_such_call(call_id, self)),
        }
        Ok(())
    }

    /// Whether every call has its answer.
    pub(super) fn is_done(&self) -> bool {
        self.entries.iter().all(|entry| matches!(entry.state, State::Done(_)))
    }

    /// The calls that wait for approval, as documents.
    pub(super) fn asked(&self) -> Vec<Value> {
        self.entries.iter().filter(|entry| matches!(entry.state, State::Asked)).map(Entry::document).collect()
    }

    /// The calls that have no answer, as documents.
    pub(super) fn open(&self) -> Vec<Value> {
        self.entries.iter().filter(|entry| !matches!(entry.state, State::Done(_))).map(Entry::document).collect()
    }

    /// The answers in the order of the calls, cut to what the budget has left.
    pub(super) fn answers(self, budget: &mut Budget, repeats: &mut Repeats) -> Vec<ToolAnswer> {
        let mut answers = Vec::with_capacity(self.entries.len());
        for entry in self.entries {
            let Entry { id, tool: name, arguments, state, .. } = entry;
            let State::Done(answer) = state else { continue };
            let is_error = answer.is_error();
            let note = if answer.has_failed() { repeats.note(&name, &arguments.to_string()) } else { None };
            let content = match (answer, budget.answer_bytes()) {
                (_, None) => "the result is left out: the limit of tool output in this turn is reached".to_owned(),
                (Answer::Result(document), Some(most)) => {
                    let mut told = for_model(&document);
                    if let (Some(note), Value::Object(told)) = (note, &mut told) {
                        told.insert("note".to_owned(), Value::String(note));
                    }
                    clip::document(told, most)
                }
                (Answer::Sentence(sentence), Some(most)) => {
                    let sentence = note.map_or(sentence.clone(), |note| format!("{sentence} ({note})"));
                    clip::text(&sentence, most)
                }
            };
            budget.spend(content.len());
            answers.push(ToolAnswer { id, name, content, is_error });
        }
        answers
    }
}

impl Entry {
    /// Whether somebody is to be asked, or why the call is refused. What a generic tool runs obeys the rule of the script's own
    /// tool as well.
    fn rule(&self, offer: &Offer, approval: &Approval, engine: &Engine) -> Result<Rule, String> {
        let rule = approval.of(&self.tool);
        if rule == Rule::Allow && !engine.is_indirect(&self.tool) {
            return Ok(rule);
        }
        match engine.judge(&self.tool, &self.arguments) {
            // Nobody is asked about a call that the tool would refuse.
            Err(error) if !is_for_the_host(error.status) => Err(error.message),
            Err(_) => Ok(rule),
            Ok(runs) if !offer.reaches(&runs) => Err(not_there(&runs, offer)),
            Ok(runs) if approval.of(&runs) == Rule::Ask => Ok(Rule::Ask),
            Ok(_) => Ok(rule),
        }
    }

    fn start(&mut self, means: &mut Means<'_>) -> Result<()> {
        let mut options = means.options.clone();
        options.call_id = Some(self.call_id.clone());
        // So that a call ends with the turn even if nobody looks.
        let allowed =
            options.limits.iter().find(|(key, _)| key == "wall_ms").map_or(means.engine.wall_ms(), |limit| limit.1);
        if means.budget.left_ms() < allowed {
            options.limits.retain(|(key, _)| key != "wall_ms");
            options.limits.push(("wall_ms".to_owned(), means.budget.left_ms()));
        }
        let call = means.engine.begin(&self.tool, &self.arguments, options)?;
        call.set_bell(means.bell.clone());
        means.events.push(self.event("call_started"));
        self.state = State::Running(call, Output::default());
        Ok(())
    }

    /// Takes what a call has printed, if it is streamed, and its result if it has ended.
    fn collect(&mut self, events: &mut Events, bell: &Bell) -> Result<()> {
        let State::Running(call, output) = &mut self.state else { return Ok(()) };
        // Asked first: what is printed until then is there to be read.
        let is_finished = call.is_finished()?;
        if call.is_streamed() {
            let mut has_more = output.take(call, &self.call_id, events)?;
            while has_more && is_finished {
                has_more = output.take(call, &self.call_id, events)?;
            }
            if has_more {
                bell.ring();
            }
        }
        if !is_finished {
            return Ok(());
        }
        let result = call.wait(Some(Duration::ZERO))?;
        let status = result["status"].as_str().unwrap_or("error").to_owned();
        self.answer(Answer::Result(result.as_ref().clone()), &status, events);
        Ok(())
    }

    fn answer(&mut self, answer: Answer, status: &str, events: &mut Events) {
        let mut event = self.event("call_finished");
        if let Value::Object(event) = &mut event {
            event.shift_remove("arguments");
            event.insert("status".to_owned(), Value::from(status));
            event.insert("is_error".to_owned(), Value::from(answer.is_error()));
            match &answer {
                Answer::Sentence(sentence) => {
                    event.insert("message".to_owned(), Value::from(sentence.as_str()));
                }
                Answer::Result(result) => {
                    for key in ["exit_code", "limit", "files", "usage"] {
                        event.insert(key.to_owned(), result[key].clone());
                    }
                }
            }
        }
        events.push(event);
        self.state = State::Done(answer);
    }

    fn document(&self) -> Value {
        json!({ "call_id": self.call_id, "tool": self.tool, "skill": self.skill, "arguments": self.arguments })
    }

    fn event(&self, name: &str) -> Value {
        let Self { call_id, tool, skill, arguments, .. } = self;
        json!({ "event": name, "call_id": call_id, "tool": tool, "skill": skill, "arguments": arguments })
    }
}

impl Answer {
    /// Whether the model is told that it is an error.
    fn is_error(&self) -> bool {
        match self {
            Self::Result(result) => result["status"] != "ok",
            Self::Sentence(_) => true,
        }
    }

    /// Whether repeating the call would be no use.
    fn has_failed(&self) -> bool {
        match self {
            Self::Result(result) => result["status"] != "ok" || result["exit_code"] != 0,
            Self::Sentence(_) => true,
        }
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Asked => "Asked",
            Self::Ready => "Ready",
            Self::Running(..) => "Running",
            Self::Done(_) => "Done",
        })
    }
}

fn not_there(name: &str, offer: &Offer) -> String {
    let known: Vec<&str> = offer.tools.keys().map(String::as_str).take(NAMED).collect();
    let more = if offer.tools.len() > NAMED { ", ..." } else { "" };
    match known.is_empty() {
        true => format!("there is no tool '{}', nor any other", excerpt(name)),
        false => format!("there is no tool '{}'; the tools are: {}{more}", excerpt(name), known.join(", ")),
    }
}

/// The error for an approval of a call that does not wait for one.
fn no_such_call(call_id: &str, batch: &Batch) -> Error {
    let asked: VecDeque<&str> = batch
        .entries
        .iter()
        .filter(|entry| matches!(entry.state, State::Asked))
        .map(|entry| entry.call_id.as_str())
        .take(NAMED)
        .collect();
    let known = if asked.is_empty() { "none does".to_owned() } else { Vec::from(asked).join(", ") };
    Error::new(Status::OutOfTurn, format!("no call '{}' waits for approval; those that do: {known}", excerpt(call_id)))
}
