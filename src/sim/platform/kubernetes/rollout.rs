//! Rolling updates: pods of a new revision take the place of old ones, some at a time.
//!
//! Source: kubernetes/kubernetes, pkg/controller/deployment: `rolling.go` for the order of steps, `util/deployment_util.go`
//! for how percentages become pods (`maxSurge` rounds up, `maxUnavailable` down, and not both may be zero).

/// The pods of a workload during an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// Pods that are wanted.
    pub(super) replicas: u32,
    /// Pods of old revisions, and those of them that are ready.
    pub(super) old: u32,
    pub(super) old_ready: u32,
    /// Pods of the new revision, and those of them that are ready.
    pub(super) new: u32,
    pub(super) new_ready: u32,
}

/// The next step of a rolling update.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// New pods to be created.
    pub(super) create: u32,
    /// Old pods to be deleted that are not ready.
    pub(super) unready: u32,
    /// Old pods to be deleted that are ready.
    pub(super) ready: u32,
    /// New pods to be deleted.
    pub(super) new: u32,
}

/// The next step with these shares of the wanted pods. New pods first; old ones go when there is nothing to create.
pub(super) fn step(counts: Counts, (max_surge, max_unavailable): (f64, f64)) -> Step {
    let Counts {
        replicas,
        old,
        old_ready,
        new,
        new_ready,
    } = counts;
    let surge = (max_surge * f64::from(replicas)).ceil() as u32;
    let mut unavailable = (max_unavailable * f64::from(replicas)).floor() as u32;
    if surge == 0 && unavailable == 0 {
        unavailable = 1;
    }
    let total = old + new;
    if new > replicas {
        return Step {
            new: new - replicas,
            ..Step::default()
        };
    }
    let create = (replicas - new).min((replicas + surge).saturating_sub(total));
    if create > 0 {
        return Step {
            create,
            ..Step::default()
        };
    }
    let least = replicas.saturating_sub(unavailable);
    let may_go = total.saturating_sub(least + (new - new_ready));
    let unready = (old - old_ready).min(may_go);
    // Pods that are not ready go first, then the surplus.
    let available = old_ready + new_ready;
    let ready = if may_go > 0 {
        available.saturating_sub(least).min(old_ready)
    } else {
        0
    };
    Step {
        unready,
        ready,
        ..Step::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Old and new pods at each step; new ones become ready when there is nothing else to do.
    fn steps(replicas: u32, shares: (f64, f64)) -> Vec<(u32, u32)> {
        let mut counts = Counts {
            replicas,
            old: replicas,
            old_ready: replicas,
            new: 0,
            new_ready: 0,
        };
        let mut seen = vec![(replicas, 0)];
        while counts.old > 0 || counts.new < replicas {
            let step = step(counts, shares);
            if step == Step::default() {
                assert!(counts.new_ready < counts.new, "{counts:?}");
                counts.new_ready = counts.new;
                continue;
            }
            counts.new += step.create;
            counts.old -= step.ready + step.unready;
            counts.old_ready -= step.ready;
            seen.push((counts.old, counts.new));
        }
        seen
    }

    #[test]
    fn four_pods_with_a_quarter_more_and_a_quarter_less() {
        // One more, one less, one more; with both ready two less and two more; with all ready the last one.
        assert_eq!(
            steps(4, (0.25, 0.25)),
            [(4, 0), (4, 1), (3, 1), (3, 2), (1, 2), (1, 4), (0, 4)]
        );
    }

    #[test]
    fn without_surge_pods_go_first_and_never_all_at_once() {
        assert_eq!(steps(2, (0.0, 0.0)), [(2, 0), (1, 0), (1, 1), (0, 1), (0, 2)]);
        assert_eq!(steps(1, (1.0, 0.0))[..2], [(1, 0), (1, 1)]);
    }

    #[test]
    fn old_pods_that_are_not_ready_go_first_and_nothing_goes_while_too_few_are_ready() {
        let counts = Counts {
            replicas: 4,
            old: 4,
            old_ready: 3,
            new: 1,
            new_ready: 0,
        };
        let wanted = Step {
            unready: 1,
            ..Step::default()
        };
        assert_eq!(step(counts, (0.25, 0.25)), wanted);
        let none_ready = Counts {
            old: 3,
            new: 2,
            ..counts
        };
        assert_eq!(step(none_ready, (0.25, 0.25)), Step::default());
        let too_many = Counts {
            replicas: 1,
            new: 2,
            ..counts
        };
        assert_eq!(step(too_many, (0.25, 0.25)).new, 1);
    }
}
