//! The host: the process that the payloads would harm. It runs each row without a sandbox, then through the engine in
//! every tier, and writes what it saw, one line for each row and column.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use skilllite::engine::{Call, Engine, Host};
use skilllite::error::Status;
use skilllite::sandbox::Tier;

use crate::ORDINARY;
use crate::aftermath::{
    clip, excerpt, is_gone, keep_results, kill, marker, naive_results, resident_bytes, result_names, strays,
};
use crate::compare;
use crate::skills;
use crate::stage::{self, Stage};
use crate::table::{BENIGN, Control, Evidence, LIMITS, ROWS, Reach, Row, SEED};
use crate::verdict::{Column, Entry, Outcome};

/// Longer than this and a caller counts as kept waiting.
const PATIENCE: Duration = Duration::from_millis(2500);
/// The end of an unsandboxed run.
const CONTROL_DEADLINE: Duration = Duration::from_secs(25);

/// What a run showed.
pub struct Observation {
    /// Output, errors and readable results.
    pub text: String,
    /// How it ended, in a word.
    pub end: String,
    /// Everything that speaks of harm.
    pub evidence: Vec<Evidence>,
}

impl Observation {
    fn has(&self, evidence: Evidence) -> bool {
        self.evidence.contains(&evidence)
    }

    fn line(&self, word: &str) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix(word))
    }
}

/// Plays the host: stage at `root`, lines to `report`.
pub fn play(root: &Path, report: &Path) {
    let wanted = std::env::var("HOSTILE_ROWS").unwrap_or_default();
    let is_wanted = |row: &&Row| wanted.is_empty() || wanted.split(',').any(|id| id == row.id);
    let rows: Vec<Row> = ROWS.iter().chain(SEED).filter(is_wanted).copied().collect();
    let staged: Vec<Row> = BENIGN.iter().chain(&rows).copied().collect();
    let mut play = Play {
        stage: Stage::build(root, &staged),
        engines: BTreeMap::new(),
        report: File::create(report).unwrap(),
        // SAFETY: takes no pointers.
        is_root: unsafe { libc::geteuid() } == 0,
        compares: std::env::var_os("HOSTILE_COMPARE").is_some(),
    };
    let tiers: Vec<Tier> = Tier::ALL.into_iter().rev().filter(|tier| play.is_benign_fine(*tier)).collect();
    for row in &rows {
        play.row(row, &tiers);
    }
}

struct Play {
    stage: Stage,
    engines: BTreeMap<(Tier, bool, Reach), Engine>,
    report: File,
    is_root: bool,
    compares: bool,
}

impl Play {
    fn note(&mut self, row: &Row, column: Column, outcome: Outcome, detail: &str) {
        let entry = Entry { id: row.id.to_owned(), column, outcome, detail: detail.to_owned() };
        writeln!(self.report, "{}", entry.to_line()).unwrap();
    }

    fn engine(&mut self, tier: Tier, row: &Row) -> &Engine {
        let root = &self.stage.root;
        let network = match row.reach {
            Reach::Off => json!(false),
            Reach::Empty => json!([]),
            Reach::Listed => json!({ "allow": self.stage.allow_list(), "accept_port_only": tier == Tier::Landlock }),
        };
        self.engines.entry((tier, row.forbids_subprocess, row.reach)).or_insert_with(|| {
            let config = json!({
                "policy": { "min_tier": tier.name(), "max_tier": tier.name(), "subprocess": !row.forbids_subprocess,
                            "network": network,
                            "limits": { "pids": 500, "wall_ms": 60000, "cpu_ms": 60000 } },
            });
            let engine = Engine::new(&config.to_string(), Host::snapshot()).unwrap();
            engine.load(&root.join("skills")).unwrap();
            engine
        })
    }

    /// The benign skills in a tier; whether the tier is there.
    fn is_benign_fine(&mut self, tier: Tier) -> bool {
        let column = Column::of(tier);
        let mut is_there = true;
        for row in &BENIGN {
            let call = match self.call(row, tier, 1) {
                Err(error) if error.status == Status::IsolationUnavailable => {
                    is_there = false;
                    self.note(row, column, Outcome::Impossible, &error.message);
                    continue;
                }
                Err(error) => {
                    self.note(row, column, Outcome::Broken, &error.message);
                    continue;
                }
                Ok(call) => call,
            };
            let result = call.wait(None).unwrap();
            let answer = call.read_file("results/deep/answer.txt", 100).unwrap_or_default();
            let is_listed = result["files"][0]["path"] == "results/deep/answer.txt";
            let is_fine = result["status"] == "ok" && result["exit_code"] == 0 && is_listed && answer == b"forty-two";
            let has_tier = result["isolation"]["tier"] == tier.name();
            let outcome = if is_fine && has_tier { Outcome::Contained } else { Outcome::Broken };
            let detail = if is_fine { "works".to_owned() } else { result.to_string() };
            self.note(row, column, outcome, &detail);
        }
        is_there
    }

    fn row(&mut self, row: &Row, tiers: &[Tier]) {
        let control = self.control(row);
        self.note(row, Column::Control, control.0, &control.1);
        for tier in tiers {
            self.stage.restore();
            let found = self.boxed(row, *tier);
            if let (Ok(found), Some(_)) = (&found, std::env::var_os("HOSTILE_SHOW")) {
                println!("--- {} in {tier}, {}\n{}", row.id, found.end, found.text);
            }
            let (outcome, detail) = judge(row, *tier, self.is_root, found);
            self.note(row, Column::of(*tier), outcome, &detail);
        }
        if self.compares {
            self.stage.restore();
            let command = compare::bubblewrap(&self.stage.root, row, &self.variables(row, 1, true));
            let (outcome, detail) = match command {
                Ok(command) => {
                    let found = self.watch(row, command, None);
                    match found.evidence.as_slice() {
                        [] if found.line("BEGIN").is_some() => (Outcome::Contained, found.end),
                        [] => (Outcome::Broken, excerpt(&found.text)),
                        evidence => (Outcome::Escaped, format!("{evidence:?}")),
                    }
                }
                Err(reason) => (Outcome::Impossible, reason),
            };
            self.note(row, Column::Bubblewrap, outcome, &detail);
        }
        self.stage.restore();
    }

    /// The variables of a payload, besides what the host's own environment holds.
    fn variables(&self, row: &Row, round: u32, is_boxed: bool) -> Vec<(String, String)> {
        let parameters = self.stage.parameters();
        let mut variables = vec![
            ("HOSTILE_CASE".to_owned(), row.id.to_owned()),
            ("HOSTILE_ROUND".to_owned(), round.to_string()),
            ("HOSTILE_RUN".to_owned(), marker()),
            ("HOSTILE_SECRET".to_owned(), parameters["secret"].as_str().unwrap_or_default().to_owned()),
            ("HOSTILE_STAGE".to_owned(), parameters["stage"].as_str().unwrap_or_default().to_owned()),
            ("HOSTILE_VICTIM".to_owned(), parameters["victim"].to_string()),
            ("HOSTILE_PARAMS".to_owned(), parameters.to_string()),
        ];
        if is_boxed {
            variables.push(("HOSTILE_BOXED".to_owned(), "1".to_owned()));
        }
        if let Some((name, value)) = row.variable {
            variables.push((name.to_owned(), stage::resolve(&self.stage.root, value)));
        }
        variables
    }

    /// The payload with nothing around it: does it do the harm?
    fn control(&mut self, row: &Row) -> (Outcome, String) {
        match row.control {
            Control::Absent => return (Outcome::Impossible, "an answer is judged, there is no harm to show".into()),
            Control::Root | Control::Dropped if !self.is_root => {
                return (Outcome::Impossible, "only root can do it; shown in the root half".into());
            }
            _ => {}
        }
        self.stage.restore();
        let folder = stage::control_folder(&self.stage.root, row);
        let mut found = None;
        for round in 1..=row.rounds {
            let mut command = self.unsandboxed(row, &folder);
            command.envs(self.variables(row, round, false));
            found = Some(self.watch(row, command, Some(&folder)));
        }
        self.stage.restage(row);
        self.stage.restore();
        skills::remove(&folder);
        let Some(found) = found else { return (Outcome::Broken, "no round".into()) };
        if found.has(row.shows) {
            (Outcome::Harmful, format!("{:?}", found.evidence))
        } else if let Some(reason) = found.line("UNAVAILABLE") {
            (Outcome::Impossible, reason.trim().to_owned())
        } else {
            (Outcome::Broken, format!("no {:?}: {}", row.shows, excerpt(&found.text)))
        }
    }

    fn unsandboxed(&self, row: &Row, folder: &Path) -> Command {
        let script = skills::script(&self.stage.root, row);
        let ordinary = ORDINARY.to_string();
        let interpreter: &[&str] = match row.source.rsplit_once('.') {
            Some((_, "py")) => &["python3"],
            Some((_, "js")) => &["node"],
            Some((_, "bash")) => &["bash"],
            Some((_, "sh")) => &["sh"],
            _ => &[],
        };
        let prefix: &[&str] = match (row.control, self.is_root) {
            (Control::Dropped, _) => &["setpriv", "--reuid", &ordinary, "--regid", &ordinary, "--clear-groups", "--"],
            // Mounts and names that a payload changes go with it.
            (_, true) => &["unshare", "--mount", "--uts", "--propagation", "private", "--"],
            (_, false) => &["env"],
        };
        let words: Vec<&str> = prefix.iter().chain(interpreter).copied().collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).arg(script).current_dir(folder);
        command
    }

    /// Runs a command and watches it as an incautious host would: until its output ends, reading what it left.
    fn watch(&mut self, row: &Row, mut command: Command, folder: Option<&Path>) -> Observation {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let start = Instant::now();
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return Observation { text: error.to_string(), end: "not started".into(), evidence: vec![] },
        };
        let (sender, receiver) = mpsc::channel();
        let collect = |mut stream: Box<dyn Read + Send>| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                let _ = stream.read_to_end(&mut bytes);
                let _ = sender.send(bytes);
            });
        };
        collect(Box::new(child.stdout.take().unwrap()));
        collect(Box::new(child.stderr.take().unwrap()));
        drop(sender);
        let deadline = if row.shows == Evidence::Slow { 2 * PATIENCE } else { CONTROL_DEADLINE };
        let mut streams = Vec::new();
        while streams.len() < 2 {
            match receiver.recv_timeout(deadline.saturating_sub(start.elapsed())) {
                Ok(bytes) => streams.push(bytes),
                Err(_) => break,
            }
        }
        let elapsed = start.elapsed();
        let mut evidence = self.stage.evidence();
        let is_alive = child.try_wait().unwrap().is_none();
        if streams.len() < 2 || elapsed > PATIENCE {
            evidence.push(Evidence::Slow);
        }
        if streams.iter().any(|bytes| bytes.len() > 4 << 20) {
            evidence.push(Evidence::Flood);
        }
        let left: Vec<i32> = strays().into_iter().filter(|pid| !is_alive || *pid != child.id() as i32).collect();
        if !left.is_empty() {
            evidence.push(Evidence::Stray);
        }
        kill(&left);
        if is_alive {
            let _ = child.kill();
        }
        let status = child.wait().unwrap();
        kill(&strays());
        while let Ok(bytes) = receiver.recv_timeout(Duration::from_secs(2)) {
            streams.push(bytes);
        }
        let mut text: String = streams.iter().map(|bytes| clip(bytes)).collect();
        if let Some(folder) = folder {
            naive_results(row, folder, &mut text, &mut evidence);
        }
        self.finish(row, text, status.to_string(), evidence)
    }

    fn call(&mut self, row: &Row, tier: Tier, round: u32) -> Result<std::sync::Arc<Call>, skilllite::error::Error> {
        let variables: serde_json::Map<String, Value> =
            self.variables(row, round, true).into_iter().map(|(name, value)| (name, json!(value))).collect();
        let own: Value = serde_json::from_str(&format!("{{{}}}", row.limits)).unwrap();
        let mut limits: Value = serde_json::from_str(&format!("{{{LIMITS}}}")).unwrap();
        let is_node = row.source.ends_with(".js");
        if is_node || row.id == "B1" {
            limits["memory_bytes"] = json!(512 << 20);
        }
        for (name, value) in own.as_object().unwrap() {
            limits[name] = value.clone();
        }
        let options = json!({ "env": variables, "limits": limits });
        self.engine(tier, row).call(&row.tool(), "{}", &options.to_string())
    }

    /// The payload as a skill.
    fn boxed(&mut self, row: &Row, tier: Tier) -> Result<Observation, String> {
        let mut found = Err("no round".to_owned());
        for round in 1..=row.rounds {
            let size_before = resident_bytes();
            let start = Instant::now();
            let call = match self.call(row, tier, round) {
                Ok(call) => call,
                Err(error) if row.variable.is_some() && error.status == Status::InvalidConfig => {
                    let text = format!("BEGIN\nREFUSED {error}\nEND\n");
                    return Ok(self.finish(row, text, "refused".into(), Vec::new()));
                }
                Err(error) => return Err(error.message),
            };
            let result = call.wait(Some(Duration::from_secs(90))).map_err(|error| error.message)?;
            let elapsed = start.elapsed();
            if result["status"] == "error" || result["status"] == "denied" {
                return Err(result["error"].to_string());
            }
            let mut evidence = Vec::new();
            if row.shows == Evidence::Slow && elapsed > PATIENCE {
                evidence.push(Evidence::Slow);
            }
            let strays = strays();
            if !strays.is_empty() {
                evidence.push(Evidence::Stray);
                kill(&strays);
            }
            let field = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
            let mut text = field("text") + &field("stderr");
            let grown = resident_bytes().saturating_sub(size_before);
            if text.len() > 4 << 20 || grown > 128 << 20 {
                evidence.push(Evidence::Flood);
            }
            let reading = Instant::now();
            for name in result_names(&result) {
                if let Ok(bytes) = call.read_file(&name, 4096) {
                    text.push_str(&String::from_utf8_lossy(&bytes));
                }
            }
            text.push_str(&keep_results(&call, &result, &self.stage.root));
            if reading.elapsed() > PATIENCE {
                evidence.push(Evidence::Hang);
            }
            drop(call);
            let observation = Observation { text, end: String::new(), evidence: Vec::new() };
            if observation.line("WORKSPACE").is_some_and(|workspace| !is_gone(Path::new(workspace.trim()))) {
                evidence.push(Evidence::Litter);
            }
            evidence.extend(self.stage.evidence());
            let end = match (&result["limit"], &result["exit_code"], &result["signal"]) {
                (Value::String(limit), ..) => limit.clone(),
                (_, Value::Number(code), _) => format!("exit {code}"),
                (_, _, signal) => format!("signal {signal}"),
            };
            found = Ok(self.finish(row, observation.text, end, evidence));
        }
        found
    }

    /// Adds what the text itself shows.
    fn finish(&self, row: &Row, text: String, end: String, mut evidence: Vec<Evidence>) -> Observation {
        if text.contains(&self.stage.secret) {
            evidence.push(Evidence::Secret);
        }
        if stage::facts(row, &self.stage.root).iter().any(|fact| text.contains(fact)) {
            evidence.push(Evidence::Fact);
        }
        if text.lines().any(|line| line.starts_with("REACHED")) {
            evidence.push(Evidence::Reached);
        }
        evidence.sort();
        evidence.dedup();
        Observation { text, end, evidence }
    }
}

/// The verdict on a sandboxed run.
fn judge(row: &Row, tier: Tier, is_root: bool, found: Result<Observation, String>) -> (Outcome, String) {
    let found = match found {
        Ok(found) => found,
        Err(reason) => return (Outcome::Broken, reason),
    };
    let residual = row.residual.iter().find(|known| known.tier == tier && (known.is_for_root_too || !is_root));
    let seed = row.id.starts_with("S") && row.source == "seed.py";
    let judged_inside = match seed {
        false => "",
        true if found.text.contains("\"result\": \"SUCCESS\"") => "[seed: allowed] ",
        true if found.text.contains("\"result\": \"PARTIAL\"") => "[seed: partial] ",
        true => "[seed: blocked] ",
    };
    let has_begun = found.line("BEGIN").is_some();
    let has_ended = found.line("END").is_some();
    let detail = |what: &str| format!("{judged_inside}{what}");
    let broken = |what: &str| (Outcome::Broken, format!("{what}: {} {}", found.end, excerpt(&found.text)));
    match (found.evidence.as_slice(), residual) {
        ([], _) if !has_begun => broken("did not begin"),
        ([], _) if !has_ended && !row.may_die => broken("did not end"),
        ([], Some(_)) => broken("contained, although a residual is written down for it"),
        ([], None) => (Outcome::Contained, detail(&found.end)),
        // What is accepted is the harm that the row is about, and no other.
        ([only], Some(known)) if *only == row.shows => (Outcome::Residual, detail(known.reason)),
        (evidence, _) => {
            let lines: Vec<_> = found.text.lines().filter(|line| line.starts_with("REACHED")).take(8).collect();
            (Outcome::Escaped, detail(&format!("{evidence:?} {}", lines.join("; "))))
        }
    }
}
