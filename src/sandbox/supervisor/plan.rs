//! Reading a plan: the bytes that the library rendered, mapped read-only.

use core::mem::size_of;

use crate::kernel::{EINVAL, Fd, Text, map, text, unmap};
use crate::sys::Sys;
use crate::wire::{MAGIC, PlanHead, Record};

/// A mapped plan.
#[derive(Clone, Copy)]
pub struct Plan {
    base: *const u8,
    bytes: usize,
    records: usize,
}

impl Plan {
    /// Maps the plan of `bytes` bytes behind `descriptor`.
    pub fn map(descriptor: Fd, bytes: u32) -> Sys<Plan> {
        let bytes = bytes as usize;
        if bytes < size_of::<PlanHead>() + 1 {
            return Err(EINVAL);
        }
        let base = map(descriptor, bytes)?;
        // SAFETY: the mapping is page-aligned and at least as large as the head.
        let head = unsafe { base.cast::<PlanHead>().read() };
        let records = head.records as usize;
        let plan = Plan { base, bytes, records };
        let fits = records.saturating_mul(size_of::<Record>()).saturating_add(size_of::<PlanHead>()) < bytes;
        // SAFETY: `bytes` is positive, so its last byte is inside the mapping.
        let ends_in_nul = unsafe { *base.add(bytes - 1) } == 0;
        if head.magic != MAGIC || !fits || !ends_in_nul {
            plan.unmap();
            return Err(EINVAL);
        }
        Ok(plan)
    }

    /// The step at `index`.
    pub fn record(&self, index: usize) -> Option<Record> {
        if index >= self.records {
            return None;
        }
        let offset = size_of::<PlanHead>() + index * size_of::<Record>();
        // SAFETY: `map` checked that all records lie inside the mapping; they are 8-byte aligned from its start.
        Some(unsafe { self.base.add(offset).cast::<Record>().read() })
    }

    /// The text at `offset`; empty where there is none.
    pub fn text(&self, offset: u32) -> Text {
        match offset as usize {
            0 => text(b"\0"),
            offset if offset >= self.bytes => text(b"\0"),
            // SAFETY: the last byte of the mapping is NUL, so every offset inside it starts a terminated text.
            offset => unsafe { Text::at(self.base.add(offset)) },
        }
    }

    /// The bytes of a step.
    pub fn data(&self, record: &Record) -> &[u8] {
        let (start, length) = (record.data as usize, record.data_bytes as usize);
        if start.saturating_add(length) > self.bytes {
            return &[];
        }
        // SAFETY: checked to lie inside the mapping, which lives as long as the plan is used.
        unsafe { core::slice::from_raw_parts(self.base.add(start), length) }
    }

    /// Lets go of the mapping.
    pub fn unmap(&self) {
        unmap(self.base, self.bytes);
    }
}
