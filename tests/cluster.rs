//! Installations on a real cluster with a node, through the real command (issue 5's journey): KUBECONFIG names a cluster whose
//! nodes pull from `http://127.0.0.1:5000`, where the tests serve a site. `testdata/cluster` brings one up; without, named skips.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;
#[path = "cluster/drift.rs"]
mod drift;
#[path = "cluster/interrupted.rs"]
mod interrupted;
#[path = "cluster/journey.rs"]
mod journey;
#[path = "cluster/killed.rs"]
mod killed;
#[path = "cluster/moved.rs"]
mod moved;
#[path = "cluster/scaling.rs"]
mod scaling;
#[path = "cluster/teams.rs"]
mod teams;
#[path = "cluster/world.rs"]
mod world;
