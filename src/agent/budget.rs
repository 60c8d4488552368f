//! What one turn may use: requests, output of tools, time. It begins anew when the user asks.

use std::time::{Duration, Instant};

use crate::limit::{Limit, fields};

/// The bytes that are counted as one token: about right for English and for JSON, and known without the model's own
/// vocabulary.
pub(super) const TOKEN_BYTES: u64 = 4;

/// With fewer tokens left than these the output of tools is used up: an answer that short says nothing.
const LEAST_TOKENS: u64 = 64;

/// Bounds of one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Requests to the model. The last one does not let it call tools.
    pub(super) iterations: u64,
    /// Estimated tokens of all answers to calls.
    pub(super) tool_output_tokens: u64,
    /// Estimated tokens of one answer.
    pub(super) result_tokens: u64,
    /// Time, that of the model and of the user included.
    pub(super) wall_ms: u64,
    /// Calls at once.
    pub(super) parallel_calls: u64,
}

impl Limits {
    pub(super) const FIELDS: &'static [Limit<Limits>] = fields! {
        iterations: 1, 100_000;
        tool_output_tokens: 100, 1_000_000_000;
        result_tokens: 100, 100_000_000;
        wall_ms: 1, 30 * 86_400_000;
        parallel_calls: 1, 4096;
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self { iterations: 10, tool_output_tokens: 64_000, result_tokens: 8_000, wall_ms: 600_000, parallel_calls: 8 }
    }
}

/// Why a turn ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Iterations,
    ToolOutput,
    Wall,
    Cancelled,
    Refused,
}

impl Reason {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Iterations => "iterations",
            Self::ToolOutput => "tool_output",
            Self::Wall => "wall",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
        }
    }

    /// What the model is told about a call that was not run, or not to its end, for this reason.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::Iterations => "the call was not run: the limit of requests in this turn is reached",
            Self::ToolOutput => "the call was not run: the limit of tool output in this turn is reached",
            Self::Wall => "the call was ended: the time of this turn is over",
            Self::Cancelled | Self::Refused => "the call was cancelled by the user",
        }
    }
}

/// What one turn has used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    limits: Limits,
    /// The number of the request that is open or was the last, from 1 on.
    pub(super) iteration: u64,
    spent_tokens: u64,
    pub(super) deadline: Instant,
    /// Why the request is the last one that there may be.
    pub(super) last: Option<Reason>,
}

impl Budget {
    /// A turn that begins now.
    pub(super) fn new(limits: Limits) -> Self {
        let deadline = Instant::now() + Duration::from_millis(limits.wall_ms);
        Self { limits, iteration: 0, spent_tokens: 0, deadline, last: None }
    }

    /// Counts a request.
    pub(super) fn begin(&mut self) {
        self.iteration = self.iteration.saturating_add(1);
        self.last = if self.iteration >= self.limits.iterations {
            Some(Reason::Iterations)
        } else if self.left_tokens() < LEAST_TOKENS {
            Some(Reason::ToolOutput)
        } else {
            None
        };
    }

    /// The bytes that the next answer may have; `None` when there is nothing left.
    pub(super) fn answer_bytes(&self) -> Option<usize> {
        let tokens = self.left_tokens().min(self.limits.result_tokens);
        (tokens >= LEAST_TOKENS).then(|| usize::try_from(tokens.saturating_mul(TOKEN_BYTES)).unwrap_or(usize::MAX))
    }

    fn left_tokens(&self) -> u64 {
        self.limits.tool_output_tokens.saturating_sub(self.spent_tokens)
    }

    /// Counts an answer.
    pub(super) fn spend(&mut self, bytes: usize) {
        self.spent_tokens = self.spent_tokens.saturating_add((bytes as u64).div_ceil(TOKEN_BYTES));
    }

    /// Calls at once.
    pub(super) fn parallel_calls(&self) -> usize {
        usize::try_from(self.limits.parallel_calls).unwrap_or(usize::MAX)
    }

    /// Whether the time is over.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// Milliseconds that are left; at least 1.
    pub(super) fn left_ms(&self) -> u64 {
        let left = self.deadline.saturating_duration_since(Instant::now());
        u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1)
    }
}
