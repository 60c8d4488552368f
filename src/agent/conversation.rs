//! A conversation and its one turn that may go on: whose move it is, and what comes of every move.
//!
//! ```text
//! ask ──► request ──feed──► calls ──all answered──► request … ──feed──► answer
//!                             │                                  any ──► stopped
//! ```
//! Not a line here waits, and nothing is kept of a move that failed.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};

use super::approval::Rule;
use super::batch::{Batch, Means};
use super::budget::{Budget, Reason};
use super::config::{Config, messages_of};
use super::event::Events;
use super::inbox::Inbox;
use super::prompt;
use super::repeats::Repeats;
use crate::engine::{Engine, Offer, parse};
use crate::error::{Error, Result, Status};
use crate::sandbox::Bell;
use crate::tool::dialect::ToolCall;
use crate::tool::dialect::chat::{Asking, Turn};

/// See the module.
#[derive(Debug)]
pub(super) struct Conversation {
    config: Config,
    /// Messages in the dialect's shape, without the system prompt.
    transcript: Vec<Value>,
    /// The ids of all calls in it.
    ids: HashSet<String>,
    /// Calls that were named here.
    named: u64,
    events: Events,
    /// What the turn has used.
    budget: Budget,
    repeats: Repeats,
    /// The tools of the turn; they do not change while it goes on.
    offer: Offer,
    system: Option<String>,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// Nothing was asked yet.
    Idle,
    /// The model's response is awaited.
    Request(Inbox),
    /// The calls of a response.
    Calls(Batch),
    /// The end of a turn: its step.
    Over(Value),
}

impl Conversation {
    /// A conversation that goes on where the messages of the config end.
    pub(super) fn new(mut config: Config, engine: &Engine) -> Result<Self> {
        check_names(&config, engine)?;
        let transcript = std::mem::take(&mut config.messages);
        let mut conversation = Self {
            budget: Budget::new(config.limits),
            config,
            transcript,
            ids: HashSet::new(),
            named: 0,
            events: Events::default(),
            repeats: Repeats::default(),
            offer: Offer::default(),
            system: None,
            phase: Phase::Idle,
        };
        conversation.renew(engine)?;
        conversation.resume(engine)?;
        Ok(conversation)
    }

    /// Looks at the skills that are there now.
    fn renew(&mut self, engine: &Engine) -> Result<()> {
        let Config { dialect, tools, approval, .. } = &self.config;
        let is_chosen =
            |name: &str| tools.as_ref().is_none_or(|tools| tools.contains(name)) && approval.of(name) != Rule::Deny;
        let offer = engine.offer(*dialect, &is_chosen)?;
        self.system = prompt::system(engine, &self.config)?;
        self.offer = offer;
        Ok(())
    }

    /// Finds out whose move it is after messages that came from outside.
    fn resume(&mut self, engine: &Engine) -> Result<()> {
        let Config { dialect, chat, .. } = self.config;
        let start = chat.last_turn(&self.transcript);
        let (known, key) = chat.calls(&mut self.transcript);
        // Those of the last turn are named when they are taken up.
        let ids = known.iter().filter_map(|call| call.get(key)?.as_str()).map(str::to_owned);
        self.ids = ids.collect();
        if self.transcript.is_empty() {
            return Ok(());
        }
        let last = self.transcript.get(start..).unwrap_or_default();
        if last.is_empty() {
            self.request();
            return Ok(());
        }
        let turn = chat.turn_in(last);
        let calls = dialect.calls(&chat.response_of(last));
        let calls =
            calls.map_err(|error| Error::new(Status::InvalidConfig, format!("'messages': {}", error.message)))?;
        let (open, key) = chat.calls(self.transcript.get_mut(start..).unwrap_or_default());
        for id in open.iter().filter_map(|call| call.get(key)?.as_str()) {
            self.ids.remove(id);
        }
        self.budget.begin();
        self.budget.last = None;
        self.take_up(engine, start, calls, turn);
        Ok(())
    }

    /// Begins a turn.
    pub(super) fn ask(&mut self, engine: &Engine, words: &str, messages: &str) -> Result<()> {
        if !matches!(self.phase, Phase::Idle | Phase::Over(_)) {
            return Err(self.out_of_turn("nothing can be asked", "finish the turn or cancel it"));
        }
        let mut more = match messages.trim() {
            "" => Vec::new(),
            text => messages_of("messages", &parse(text, "the messages", Status::InvalidConfig)?)?,
        };
        if !words.is_empty() {
            more.push(self.config.chat.user(words));
        }
        if more.is_empty() {
            return Err(Error::new(Status::InvalidConfig, "'words' and 'messages' are empty: nothing is asked"));
        }
        self.renew(engine)?;
        self.transcript.append(&mut more);
        self.budget = Budget::new(self.config.limits);
        self.repeats = Repeats::default();
        self.request();
        Ok(())
    }

    /// Opens the next request.
    fn request(&mut self) {
        self.budget.begin();
        let is_last = self.budget.last.is_some();
        self.events.push(json!({ "event": "iteration", "iteration": self.budget.iteration, "is_last": is_last }));
        self.phase = Phase::Request(Inbox::new(self.config.dialect));
    }

    /// Takes bytes of the response to the open request.
    pub(super) fn feed(&mut self, engine: &Engine, data: &[u8], is_end: bool) -> Result<()> {
        let chat = self.config.chat;
        let Phase::Request(inbox) = &mut self.phase else {
            return Err(self.out_of_turn("no response is expected", "call skl_agent_next() for what is"));
        };
        let events = &mut self.events;
        let had_failed = inbox.has_failed();
        let fed = inbox.feed(data, &mut |event| events.answer_delta(&chat.delta(event)));
        let outcome = match fed {
            Ok(()) if is_end => inbox.response().and_then(|response| self.take(engine, &response)),
            other => other,
        };
        if let Err(error) = &outcome {
            if !had_failed {
                self.events.push(json!({ "event": "response_failed", "message": error.message }));
            }
            if is_end {
                // The same request is open, for another response.
                self.phase = Phase::Request(Inbox::new(self.config.dialect));
            }
        }
        outcome
    }

    /// Takes a whole response.
    fn take(&mut self, engine: &Engine, response: &Value) -> Result<()> {
        let Config { dialect, chat, .. } = self.config;
        let calls = dialect.calls(response)?;
        let mut turn = chat.turn(response)?;
        // What is appended must hold the calls that are going to be answered.
        let held = chat.calls(&mut turn.items).0.len();
        if held != calls.len() {
            let message = format!("the response asks for {} calls, but its message holds {held}", calls.len());
            return Err(Error::new(Status::InvalidResponse, message));
        }
        let start = self.transcript.len();
        self.transcript.append(&mut turn.items);
        self.take_up(engine, start, calls, turn);
        Ok(())
    }

    /// Goes on with a turn of the model that is in the transcript from `start` on.
    fn take_up(&mut self, engine: &Engine, start: usize, calls: Vec<ToolCall>, turn: Turn) {
        let Turn { text, refusal, finish, is_cut, .. } = turn;
        if calls.is_empty() {
            match refusal {
                Some(refusal) => self.stop(Reason::Refused, &refusal),
                None => {
                    self.events.push(json!({ "event": "answer" }));
                    self.phase = Phase::Over(json!({
                        "step": "answer",
                        "text": text,
                        "finish": finish,
                        "is_cut": is_cut,
                        "iterations": self.budget.iteration,
                    }));
                }
            }
            return;
        }
        if !text.is_empty() {
            self.events.push(json!({ "event": "message", "text": text }));
        }
        let calls = self.name(start, calls);
        let Config { approval, .. } = &self.config;
        let batch = Batch::new(calls, &self.offer, approval, engine, &mut self.events, self.budget.last);
        self.phase = Phase::Calls(batch);
    }

    /// Gives every call a name of its own. Servers leave ids out, or count them anew in every response; an answer must
    /// find its call all the same.
    fn name(&mut self, start: usize, calls: Vec<ToolCall>) -> Vec<(ToolCall, String)> {
        let chat = self.config.chat;
        let (mut held, key) = chat.calls(self.transcript.get_mut(start..).unwrap_or_default());
        let mut named = Vec::with_capacity(calls.len());
        for (index, mut call) in calls.into_iter().enumerate() {
            let mut call_id = call.id.clone();
            while call_id.is_empty() || self.ids.contains(&call_id) {
                self.named = self.named.wrapping_add(1);
                call_id = format!("call_{}", self.named);
            }
            self.ids.insert(call_id.clone());
            let stays_without = call.id.is_empty() && chat.takes_no_id();
            if call.id != call_id && !stays_without {
                call.id.clone_from(&call_id);
                if let Some(held) = held.get_mut(index) {
                    held.insert(key.to_owned(), Value::String(call_id.clone()));
                }
            }
            named.push((call, call_id));
        }
        named
    }

    /// Goes on as far as possible without the host.
    pub(super) fn go_on(&mut self, engine: &Engine, bell: &Arc<Bell>) -> Result<()> {
        if matches!(self.phase, Phase::Request(_) | Phase::Calls(_)) && self.budget.is_over() {
            self.end(Reason::Wall, bell);
        }
        match &mut self.phase {
            // A body that failed is over: what is fed next is another.
            Phase::Request(inbox) if inbox.has_failed() => *inbox = Inbox::new(self.config.dialect),
            Phase::Calls(batch) => {
                let Self { budget, events, config, .. } = self;
                batch.go_on(&mut Means { engine, bell, events, budget, options: &config.options })?;
                if batch.is_done() {
                    self.conclude(None);
                }
            }
            Phase::Idle | Phase::Request(_) | Phase::Over(_) => {}
        }
        Ok(())
    }

    /// Appends the answers to calls that all have theirs. The turn goes on unless there is a reason why not.
    fn conclude(&mut self, reason: Option<Reason>) {
        let Phase::Calls(batch) = std::mem::replace(&mut self.phase, Phase::Idle) else { return };
        let answers = batch.answers(&mut self.budget, &mut self.repeats);
        if let Value::Array(mut messages) = self.config.dialect.answers(&answers) {
            self.transcript.append(&mut messages);
        }
        match reason.or(self.budget.last) {
            Some(reason) => self.stop(reason, ""),
            None => self.request(),
        }
    }

    /// Ends the turn without an answer, if one goes on. Every call is answered.
    fn end(&mut self, reason: Reason, bell: &Bell) {
        match &mut self.phase {
            Phase::Request(_) => self.stop(reason, ""),
            Phase::Calls(batch) => {
                batch.abort(reason, &mut self.events, bell);
                self.conclude(Some(reason));
            }
            Phase::Idle | Phase::Over(_) => {}
        }
    }

    fn stop(&mut self, reason: Reason, text: &str) {
        self.events.push(json!({ "event": "stopped", "reason": reason.name() }));
        self.phase = Phase::Over(json!({
            "step": "stopped",
            "reason": reason.name(),
            "text": text,
            "iterations": self.budget.iteration,
        }));
    }

    /// Decides on a call that waits for approval.
    pub(super) fn approve(&mut self, call_id: &str, is_allowed: bool, reason: &str) -> Result<()> {
        match &mut self.phase {
            Phase::Calls(batch) => batch.approve(call_id, is_allowed, reason, &mut self.events),
            _ => Err(self.out_of_turn("no call waits for approval", "call skl_agent_next() for what is expected")),
        }
    }

    /// Ends the turn because the host wants it.
    pub(super) fn cancel(&mut self, bell: &Bell) {
        self.end(Reason::Cancelled, bell);
    }

    /// Whether only calls can change the step.
    pub(super) fn is_running(&self) -> bool {
        matches!(&self.phase, Phase::Calls(batch) if batch.asked().is_empty())
    }

    /// When the turn's time is over.
    pub(super) fn deadline(&self) -> Instant {
        self.budget.deadline
    }

    /// What the host does next.
    pub(super) fn step(&self) -> Value {
        match &self.phase {
            Phase::Idle => json!({ "step": "ask" }),
            Phase::Request(_) => self.post(),
            Phase::Calls(batch) => match batch.asked() {
                asked if asked.is_empty() => json!({ "step": "running", "calls": batch.open() }),
                asked => json!({ "step": "approval", "calls": asked }),
            },
            Phase::Over(step) => step.clone(),
        }
    }

    fn post(&self) -> Value {
        let Config { dialect, chat, model, is_streamed, members, .. } = &self.config;
        let post = chat.post(Asking {
            model: model.as_deref(),
            system: self.system.as_deref(),
            messages: &self.transcript,
            tools: &self.offer.definitions,
            may_call: self.budget.last.is_none(),
            is_streamed: *is_streamed,
            members,
        });
        let mut step = Map::new();
        let mut tell = |key: &str, value: Value| step.insert(key.to_owned(), value);
        tell("step", Value::from("request"));
        tell("dialect", Value::from(dialect.name()));
        tell("path", Value::from(post.path));
        tell("iteration", Value::from(self.budget.iteration));
        tell("is_last", Value::from(self.budget.last.is_some()));
        tell("is_streamed", Value::from(*is_streamed));
        tell("body", Value::Object(post.body));
        Value::Object(step)
    }

    /// The events since the last time.
    pub(super) fn events(&mut self) -> Value {
        self.events.drain()
    }

    /// The messages.
    pub(super) fn transcript(&self) -> Value {
        Value::Array(self.transcript.clone())
    }

    fn out_of_turn(&self, what: &str, remedy: &str) -> Error {
        let state = match &self.phase {
            Phase::Idle => "nothing was asked yet",
            Phase::Request(_) => "a request to the model is open",
            Phase::Calls(_) => "calls have not ended",
            Phase::Over(_) => "the turn is over",
        };
        Error::new(Status::OutOfTurn, format!("{what}: {state}; {remedy}"))
    }
}

/// A tool that is named and not there is a mistake that nobody would see otherwise.
fn check_names(config: &Config, engine: &Engine) -> Result<()> {
    let all = engine.offer(config.dialect, &|_| true)?;
    let named = config.tools.iter().flatten().map(String::as_str).chain(config.approval.named());
    for name in named.filter(|name| !all.reaches(name)) {
        // The error of the registry names what there is.
        engine.judge(name, &Value::Null).map_err(|error| Error::new(Status::ToolNotFound, error.message))?;
    }
    Ok(())
}
