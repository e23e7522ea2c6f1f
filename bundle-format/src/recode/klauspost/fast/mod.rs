//! Levels 1 to 6: one block of content at a time, and tables of hashes that say where the same bytes were last.

mod history;
mod level1;
mod level2;
mod level3;
mod level4;
mod level5;
mod level6;
mod table;

use super::tokens::Tokens;
pub(super) use history::same;
use history::{History, View};
use level1::Level1;
use level2::Level2;
use level3::Level3;
use level4::Level4;
use level5::Level5;
use level6::Level6;

/// Matches are not looked for in the last bytes of a block: a word can be read wherever a search is.
const MARGIN: usize = 11;
/// Blocks below this are not searched.
const SMALLEST: usize = 13;
/// The farthest a match may be, and one less than that in most places.
const FARTHEST: u32 = 1 << 15;

/// A match as the tables found it.
#[derive(Clone, Copy)]
struct Found {
    /// Where it is, and where the same bytes were before.
    at: usize,
    from: usize,
    /// How many bytes are known to be equal.
    len: usize,
    /// Where the search would have gone on.
    next: usize,
}

/// Where a search goes on behind a match.
enum Then {
    /// The next match is right here.
    Match(Found),
    Search(usize),
}

/// What the levels differ in.
trait Search {
    /// A block begins.
    fn begin(&mut self) {}

    /// The next match from `at` on; nothing behind `emitted` is in a token yet. None if the block ends first.
    fn find(&mut self, view: View<'_>, at: usize, emitted: usize) -> Option<Found>;

    /// A match of `found.len` bytes (as it was emitted) is behind us, and the block goes on at `at`.
    fn behind(&mut self, view: View<'_>, found: Found, at: usize) -> Then;

    /// A match reached the end of the block.
    fn end(&mut self, view: View<'_>, found: Found, at: usize);

    /// Makes all positions less by `by`; those that were not beyond it become 0.
    fn lower(&mut self, floor: u32, by: u32);
}

/// One level and what it remembers.
pub(super) struct Fast {
    history: History,
    level: AnyLevel,
}

enum AnyLevel {
    One(Level1),
    Two(Level2),
    Three(Level3),
    Four(Level4),
    Five(Level5),
    Six(Level6),
}

impl Fast {
    /// Levels 1 to 6; a number above is taken for 6. `misjudges`: see [`Level4`].
    pub(super) fn new(level: u8, misjudges: bool) -> Self {
        let level = match level {
            0 | 1 => AnyLevel::One(Level1::new()),
            2 => AnyLevel::Two(Level2::new()),
            3 => AnyLevel::Three(Level3::new()),
            4 => AnyLevel::Four(Level4::new(misjudges)),
            5 => AnyLevel::Five(Level5::new()),
            _ => AnyLevel::Six(Level6::new()),
        };
        Self { history: History::new(), level }
    }

    /// Finds the tokens of `content`, which follows what was given before. None at all means that nothing repeats.
    pub(super) fn tokens(&mut self, content: &[u8], tokens: &mut Tokens) {
        match &mut self.level {
            AnyLevel::One(level) => run(level, &mut self.history, content, tokens),
            AnyLevel::Two(level) => run(level, &mut self.history, content, tokens),
            AnyLevel::Three(level) => run(level, &mut self.history, content, tokens),
            AnyLevel::Four(level) => run(level, &mut self.history, content, tokens),
            AnyLevel::Five(level) => run(level, &mut self.history, content, tokens),
            AnyLevel::Six(level) => run(level, &mut self.history, content, tokens),
        }
    }

    /// Nothing that was given before is matched any more.
    pub(super) fn forget(&mut self) {
        self.history.forget();
    }

    #[cfg(test)]
    pub(super) fn start_at(&mut self, position: u32) {
        self.history.start_at(position);
    }
}

fn run<S: Search>(search: &mut S, history: &mut History, content: &[u8], tokens: &mut Tokens) {
    if let Some((floor, by)) = history.wrap() {
        search.lower(floor, by);
    }
    let start = history.append(content);
    if content.len() < SMALLEST {
        return;
    }
    let view = history.view(MARGIN);
    let bytes = view.bytes;
    search.begin();
    let (mut at, mut emitted) = (start, start);
    'block: while let Some(mut found) = search.find(view, at, emitted) {
        loop {
            let room = (found.at - emitted).min(found.from);
            let back = view.same_before(found.at, found.from, room);
            found.at -= back;
            found.from -= back;
            found.len += back;
            tokens.literals(bytes.get(emitted..found.at).unwrap_or_default());
            tokens.matched(found.len, found.at - found.from);
            emitted = found.at + found.len;
            at = if found.next >= emitted { found.next + 1 } else { emitted };
            if at >= view.limit {
                search.end(view, found, at);
                break 'block;
            }
            match search.behind(view, found, at) {
                Then::Match(next) => found = next,
                Then::Search(from) => {
                    at = from;
                    break;
                }
            }
        }
    }
    if tokens.len() > 0 {
        tokens.literals(bytes.get(emitted..).unwrap_or_default());
    }
}
