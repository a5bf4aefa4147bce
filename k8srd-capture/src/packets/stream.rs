//! What one end of a connection sent: which of it is new. Sequence numbers go round.

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The number of the SYN, if that was captured.
    initial: Option<u32>,
    /// The number behind all that was seen.
    next: Option<u32>,
    /// What was not seen before that: begin and end of each part.
    holes: Vec<(u32, u32)>,
}

/// Most holes of a stream that are known; what comes to fill others counts as repeated.
const HOLES: usize = 8;
/// What is further away is of no window that TCP may have: another connection's, or nonsense.
const FAR: i32 = 1 << 30;

impl Stream {
    /// By its SYN.
    pub(super) fn begin(&mut self, initial: u32) {
        *self =
            Self { initial: Some(initial), next: Some(initial.wrapping_add(1)), holes: Vec::new() };
    }

    pub(super) fn begins_with(&self, initial: u32) -> bool {
        self.initial == Some(initial)
    }

    /// Whether the number answers the SYN, and no more than what was sent.
    pub(super) fn acknowledges(&self, number: u32) -> bool {
        let (Some(initial), Some(next)) = (self.initial, self.next) else { return false };
        let first = initial.wrapping_add(1);
        number.wrapping_sub(first) <= next.wrapping_sub(first)
    }

    /// Whether the number answers the SYN or what came after it.
    pub(super) fn is_begun_at(&self, number: u32) -> bool {
        self.initial.is_some_and(|initial| distance(initial, number) > 0)
    }

    /// Takes in data; says which of it is new: where that begins, and how long it is.
    pub(super) fn take(&mut self, start: u32, length: u32) -> Option<(u32, u32)> {
        let end = start.wrapping_add(length);
        let next = self.next.unwrap_or(start);
        let ahead = distance(next, start);
        if !(-FAR..=FAR).contains(&ahead) || length > FAR as u32 {
            self.holes.clear();
            self.next = Some(end);
            return Some((0, length));
        }
        if ahead > 0 {
            if self.holes.len() >= HOLES {
                self.holes.remove(0);
            }
            self.holes.push((next, start));
        }
        let mut new = None;
        self.fill(start, length, &mut new);
        if distance(next, end) > 0 {
            extend(&mut new, distance(start, next).max(0) as u32, length);
        }
        if distance(next, end) >= 0 {
            self.next = Some(end);
        }
        new.map(|(from, to)| (from, to - from))
    }

    /// What a segment covers of holes is none any more.
    fn fill(&mut self, start: u32, length: u32, new: &mut Option<(u32, u32)>) {
        let mut left = Vec::new();
        for &(from, to) in &self.holes {
            let (from_here, to_here) = (distance(start, from), distance(start, to));
            let covered = from_here.max(0)..to_here.min(length as i32);
            if covered.is_empty() {
                left.push((from, to));
                continue;
            }
            extend(new, covered.start as u32, covered.end as u32);
            if from_here < covered.start {
                left.push((from, start.wrapping_add(covered.start as u32)));
            }
            if to_here > covered.end {
                left.push((start.wrapping_add(covered.end as u32), to));
            }
        }
        left.truncate(HOLES);
        self.holes = left;
    }
}

/// How far it is from one number to another.
fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from) as i32
}

/// From the first new byte to the last.
fn extend(new: &mut Option<(u32, u32)>, from: u32, to: u32) {
    *new = Some(new.map_or((from, to), |(first, last)| (first.min(from), last.max(to))));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives segments by start and length; says what was new of each.
    fn taken(initial: u32, segments: &[(u32, u32)]) -> Vec<Option<(u32, u32)>> {
        let mut stream = Stream::default();
        stream.begin(initial.wrapping_sub(1));
        let take = |&(start, length)| stream.take(initial.wrapping_add(start), length);
        segments.iter().map(take).collect()
    }

    #[test]
    fn what_came_before_is_not_new_wherever_numbers_begin() {
        for initial in [0, 1000, u32::MAX, u32::MAX - 5, i32::MAX as u32 - 5] {
            let segments = [(0, 10), (0, 10), (10, 5), (5, 20), (9, 1)];
            let new = [Some((0, 10)), None, Some((0, 5)), Some((10, 10)), None];
            assert_eq!(taken(initial, &segments), new, "{initial}");
        }
    }

    #[test]
    fn what_comes_late_is_new_once() {
        let segments = [(0, 10), (20, 10), (40, 10), (10, 10), (10, 10), (25, 20), (0, 50)];
        let new =
            [Some((0, 10)), Some((0, 10)), Some((0, 10)), Some((0, 10)), None, Some((5, 10)), None];
        assert_eq!(taken(7, &segments), new);
    }

    #[test]
    fn a_hole_filled_in_its_middle_leaves_two() {
        let segments = [(100, 10), (40, 10), (0, 40), (50, 50), (0, 110)];
        let new = [Some((0, 10)), Some((0, 10)), Some((0, 40)), Some((0, 50)), None];
        assert_eq!(taken(7, &segments), new);
    }

    #[test]
    fn holes_are_few_and_numbers_far_away_begin_anew() {
        let apart: Vec<(u32, u32)> = (0..100).map(|n| (n * 20 + 10, 10)).collect();
        let mut stream = Stream::default();
        stream.begin(u32::MAX);
        assert!(apart.iter().all(|&(start, length)| stream.take(start, length).is_some()));
        assert_eq!(stream.holes.len(), HOLES);
        assert_eq!(stream.take(0, 10), None, "which nobody remembers");
        assert_eq!(stream.take(99 * 20, 10), Some((0, 10)));
        assert_eq!(stream.take(1 << 31, 10), Some((0, 10)));
        assert_eq!((stream.holes.len(), stream.next), (0, Some((1 << 31) + 10)));
    }

    #[test]
    fn an_answer_is_to_what_was_sent() {
        let mut stream = Stream::default();
        stream.begin(u32::MAX);
        assert!(stream.acknowledges(0) && !stream.acknowledges(1));
        stream.take(0, 4);
        assert!(stream.acknowledges(4) && !stream.acknowledges(5));
        assert!(!stream.acknowledges(u32::MAX));
        assert!(!Stream::default().acknowledges(0));
    }
}
