//! Another library in Rust, for a program that links two: it uses the standard library's maps, threads and unwinding.

use std::collections::HashMap;
use std::panic::catch_unwind;

/// The sum of the numbers below `count`, made by a thread; the number of panics that were caught if that is too many.
#[unsafe(no_mangle)]
pub extern "C" fn second_sum(count: u32) -> u64 {
    let caught = u64::from(catch_unwind(|| assert!(count <= 1000, "too many")).is_err());
    let numbers: HashMap<u32, u64> = (0..count).map(|number| (number, u64::from(number))).collect();
    let sum = std::thread::spawn(move || numbers.values().sum::<u64>()).join().unwrap_or(0);
    if caught > 0 { caught } else { sum }
}
