//! The runtime that openraft runs on: tokio, but for one timer.
//!
//! openraft's task that forwards the log's completions sleeps one microsecond when two of them come close together. tokio's
//! timer has a grain of one millisecond, so that pause would hold every reply back for a millisecond, some percent of the
//! time under load. Here a sleep below the timer's grain is one turn of the scheduler instead: what is runnable runs first,
//! which is the batching that the pause is meant for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use openraft::Instant as _;
use openraft::rt::AsyncRuntime;

#[allow(
    deprecated,
    reason = "the replacement path is a crate of its own with the same type"
)]
type Tokio = openraft::impls::TokioRuntime;

/// Pauses below this are a turn of the scheduler.
const TIMER_GRAIN: Duration = Duration::from_millis(1);

/// tokio with short sleeps that are short.
#[derive(Debug)]
pub(crate) struct RaftRuntime {
    tokio: Tokio,
}

/// A sleep, or one turn of the scheduler.
pub(crate) enum Sleep {
    /// Not polled yet.
    Turn,
    /// Polled once.
    TurnTaken,
    /// Long enough for the timer.
    Timer(Pin<Box<tokio::time::Sleep>>),
}

impl Sleep {
    fn new(duration: Duration, timer: impl FnOnce() -> tokio::time::Sleep) -> Self {
        if duration < TIMER_GRAIN {
            Self::Turn
        } else {
            Self::Timer(Box::pin(timer()))
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match &mut *self {
            Self::Turn => {
                *self = Self::TurnTaken;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Self::TurnTaken => Poll::Ready(()),
            Self::Timer(sleep) => sleep.as_mut().poll(context),
        }
    }
}

impl AsyncRuntime for RaftRuntime {
    type JoinError = <Tokio as AsyncRuntime>::JoinError;
    type JoinHandle<T: openraft::OptionalSend + 'static> = <Tokio as AsyncRuntime>::JoinHandle<T>;
    type Sleep = Sleep;
    type Instant = <Tokio as AsyncRuntime>::Instant;
    type TimeoutError = <Tokio as AsyncRuntime>::TimeoutError;
    type Timeout<R, T: Future<Output = R> + openraft::OptionalSend> =
        <Tokio as AsyncRuntime>::Timeout<R, T>;
    type ThreadLocalRng = <Tokio as AsyncRuntime>::ThreadLocalRng;
    type Mpsc = <Tokio as AsyncRuntime>::Mpsc;
    type Watch = <Tokio as AsyncRuntime>::Watch;
    type Oneshot = <Tokio as AsyncRuntime>::Oneshot;
    type Mutex<T: openraft::OptionalSend + 'static> = <Tokio as AsyncRuntime>::Mutex<T>;

    fn spawn<T>(future: T) -> Self::JoinHandle<T::Output>
    where
        T: Future + openraft::OptionalSend + 'static,
        T::Output: openraft::OptionalSend + 'static,
    {
        Tokio::spawn(future)
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        Sleep::new(duration, || Tokio::sleep(duration))
    }

    fn sleep_until(deadline: Self::Instant) -> Self::Sleep {
        let now = Self::Instant::now();
        let duration = if deadline > now {
            deadline - now
        } else {
            Duration::ZERO
        };
        Sleep::new(duration, || Tokio::sleep_until(deadline))
    }

    fn timeout<R, F: Future<Output = R> + openraft::OptionalSend>(
        duration: Duration,
        future: F,
    ) -> Self::Timeout<R, F> {
        Tokio::timeout(duration, future)
    }

    fn timeout_at<R, F: Future<Output = R> + openraft::OptionalSend>(
        deadline: Self::Instant,
        future: F,
    ) -> Self::Timeout<R, F> {
        Tokio::timeout_at(deadline, future)
    }

    fn is_panic(join_error: &Self::JoinError) -> bool {
        Tokio::is_panic(join_error)
    }

    fn thread_rng() -> Self::ThreadLocalRng {
        Tokio::thread_rng()
    }

    fn new(threads: usize) -> Self {
        Self {
            tokio: Tokio::new(threads),
        }
    }

    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        self.tokio.block_on(future)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_pause_of_a_microsecond_does_not_wait_for_the_timer() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let before = Instant::now();
            for _ in 0..100 {
                RaftRuntime::sleep(Duration::from_micros(1)).await;
            }
            assert!(
                before.elapsed() < Duration::from_millis(50),
                "100 pauses took {:?}",
                before.elapsed()
            );
        });
    }
}
