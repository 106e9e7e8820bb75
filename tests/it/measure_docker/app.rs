//! The image of the odd server.

/// The base image it runs on.
pub const BASE: &str = "python:3.13-slim-trixie";
