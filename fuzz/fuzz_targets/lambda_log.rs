//! Any bytes are a Lambda log or an error: no panic, and no number that is not finite.
#![no_main]

use coldcast::trace::read::lambda::{export, invocations};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(log) = export::read("fuzz", bytes) else { return };
    for one in invocations(&log.events) {
        let report = &one.report;
        for value in [report.duration_ms, report.billed_ms, report.memory_mb, report.init_ms, report.restore_ms] {
            assert!(value.is_none_or(|value| value.is_finite() && value >= 0.0));
        }
    }
});
