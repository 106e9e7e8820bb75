//! The image of the odd server.

/// The base image on which it runs.
pub const BASE: &str = "python:3.13-slim-trixie";
