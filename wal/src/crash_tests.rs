//! Crashes, tears, rot and full disks over small logs, on the simulated disk.
//!
//! A script of small steps runs against a log and against a model of three lines. Whatever a crash leaves
//! must be the model after some number of steps that is at least what was reported durable.

mod crash;
mod faults;
mod model;
mod rot;
