//! Work that is shared by a few threads, which are gone when it is done.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, scope};

use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};

/// The most threads, the caller's among them.
const MOST: usize = 4;
/// So little work that a thread would cost more.
const FEW: usize = 8;
/// What scripts are read with is bounded to less.
const STACK_BYTES: usize = 2 << 20;

/// `work` done to each of `items`, in their order, by at most `workers` threads. Where the host has no more threads, by fewer.
pub fn map<T: Send, R: Send>(items: Vec<T>, workers: usize, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let items: Vec<_> = items.into_iter().map(|item| Mutex::new(Some(item))).collect();
    let done: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    share(items.len(), workers, &|place| {
        let (Some(item), Some(done)) = (items.get(place), done.get(place)) else { return };
        let item = item.lock().unwrap_or_else(PoisonError::into_inner).take();
        *done.lock().unwrap_or_else(PoisonError::into_inner) = item.map(&work);
    });
    done.into_iter().filter_map(|done| done.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

/// `work` done to each number below `count`.
fn share(count: usize, workers: usize, work: &(dyn Fn(usize) + Sync)) {
    let next = AtomicUsize::new(0);
    let serve = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= count {
                return;
            }
            work(place);
        }
    };
    let helpers = workers.min(MOST).min(count / FEW).saturating_sub(1);
    scope(|scope| {
        // A new thread inherits the mask of its maker: no handler of the host runs on one of ours.
        let mut mask = SigSet::empty();
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut mask));
        for _ in 0..helpers {
            let helper = Builder::new().name("skilllite-load".into()).stack_size(STACK_BYTES);
            if helper.spawn_scoped(scope, serve).is_err() {
                break;
            }
        }
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&mask), None);
        serve();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_items_whoever_does_them() {
        for workers in [0, 1, 2, 100] {
            for count in [0, 1, 7, 1000] {
                let items: Vec<usize> = (0..count).collect();
                assert_eq!(map(items.clone(), workers, |item| item), items, "{count} by {workers}");
            }
        }
    }

    #[test]
    fn threads_are_few_and_hold_back_signals() {
        let items: Vec<()> = vec![(); 1000];
        let caller = std::thread::current().id();
        let seen = map(items, 100, |()| {
            std::thread::yield_now();
            let own = std::thread::current().id();
            (own, own == caller || SigSet::thread_get_mask().is_ok_and(|mask| mask.contains(nix::sys::signal::SIGTERM)))
        });
        assert!(seen.iter().all(|(_, is_masked)| *is_masked));
        let threads: std::collections::HashSet<_> = seen.into_iter().map(|(id, _)| id).collect();
        assert!(threads.len() <= MOST, "{threads:?}");
    }
}
