//! From scores to a label.

/// The label that won.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Top {
    /// Its index; of equal scores the first wins.
    pub label: usize,
    /// Its score.
    pub score: f32,
    /// By how much it won; its score if it had no rival.
    pub margin: f32,
}

/// The highest of `scores`. `None` if there are none or one is NaN: such an answer is no answer.
#[must_use]
pub fn top(scores: &[f32]) -> Option<Top> {
    let mut best: Option<(usize, f32)> = None;
    let mut second: Option<f32> = None;
    for (label, &score) in scores.iter().enumerate() {
        if score.is_nan() {
            return None;
        }
        match best {
            Some((_, highest)) if score <= highest => {
                if second.is_none_or(|second| score > second) {
                    second = Some(score);
                }
            }
            _ => {
                second = best.map(|(_, score)| score);
                best = Some((label, score));
            }
        }
    }
    let (label, score) = best?;
    // Two equal infinities differ by NaN, and won by nothing.
    let margin = match second {
        Some(second) if second == score => 0.0,
        Some(second) => score - second,
        None => score,
    };
    Some(Top { label, score, margin })
}
