//! Finds a short list that fails as a long one does.

/// Leaves out of `steps` what `fails` does without: by halves, then by quarters, and
/// so on down to one by one, until nothing can be left out. Asks at most
/// `most_runs` times.
pub fn shrink<T: Clone>(
    steps: &[T],
    most_runs: usize,
    mut fails: impl FnMut(&[T]) -> bool,
) -> Vec<T> {
    let mut kept = steps.to_vec();
    let mut size = kept.len().div_ceil(2).max(1);
    let mut runs = 0;
    loop {
        let before = kept.len();
        let mut from = 0;
        while from < kept.len() && runs < most_runs {
            let to = (from + size).min(kept.len());
            let without = [&kept[..from], &kept[to..]].concat();
            runs += 1;
            if fails(&without) {
                kept = without;
            } else {
                from = to;
            }
        }
        if runs >= most_runs || (size == 1 && kept.len() == before) {
            return kept;
        }
        if kept.len() == before {
            size = size.div_ceil(2);
        }
        size = size.min(kept.len().max(1));
    }
}

#[test]
fn leaves_what_is_needed_in_its_order() {
    let steps: Vec<u32> = (0..100).collect();
    let needs = |wanted: &[u32]| {
        let wanted = wanted.to_vec();
        move |steps: &[u32]| wanted.iter().all(|w| steps.contains(w))
    };
    for wanted in [vec![], vec![0], vec![99], vec![3, 50, 51], vec![7, 8, 93]] {
        assert_eq!(shrink(&steps, 10_000, needs(&wanted)), wanted);
    }
}

#[test]
fn what_only_fails_as_a_whole_stays_whole_and_patience_has_an_end() {
    let steps: Vec<u32> = (0..64).collect();
    assert_eq!(shrink(&steps, 10_000, |s| s.len() == 64), steps);
    let mut runs = 0;
    let half = shrink(&steps, 9, |s| {
        runs += 1;
        s.contains(&63)
    });
    assert_eq!(runs, 9);
    assert!(half.contains(&63) && half.len() < 64);
}
