//! The target that is a Kubernetes cluster (spec/plan.md 8.1), from 1.20 on.

mod apply;
mod cluster;
mod connect;
mod data;
mod defaults;
mod discovery;
mod exec;
mod failure;
mod helper;
mod immutable;
mod lease;
mod look;
mod observe;
mod owner;
mod patience;
mod ready;
mod records;
mod remove;
mod session;
mod target;
mod wait;

pub use cluster::Cluster;
pub use lease::Lease;
pub use records::{KubeRecords, decode_record};
pub use target::KubeTarget;
