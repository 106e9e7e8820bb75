//! The command line as users meet it: exit code, stdout and stderr of the real program. Scenarios bring their own
//! profiles, so that nothing here depends on what was measured.

mod agreement;
mod answers;
mod bad_files;
mod bad_flags;
mod bad_scenarios;
mod bill;
mod break_even;
mod by_function;
mod clients;
mod cluster;
mod commitments;
mod disk;
mod examples;
mod exports;
mod extras;
mod from_profile;
mod gates;
mod impossible;
mod lambda_logs;
mod other_clouds;
mod payback;
mod placement;
mod precision;
mod prices;
mod profiles;
mod sizes;
mod snap_start;
mod synthetic;
mod violations;
mod work;
