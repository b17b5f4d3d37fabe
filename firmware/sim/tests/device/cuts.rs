//! The power fails at every flash operation of an update: nothing is lost.

use std::rc::Rc;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use mote_firmware::{Flash, Store};
use mote_firmware_sim::{Design, Life, Link, Made, Nor, NorError, Power, SECTOR, Site, live_until};
use mote_fleet::State;
use mote_seal::Purpose;

use crate::cast::{LONG_MS, rests_in, site, sound};

/// The update that is cut: from version 1 to 2, then to 3.
struct Update<const WORD: usize> {
    /// As it lies before, switched off.
    before: Site<WORD>,
    releases: [Made; 3],
}

impl<const WORD: usize> Update<WORD> {
    fn new() -> Self {
        let (before, first) = site::<WORD>(1);
        let releases = [first, sound(&before.controller, 2), sound(&before.controller, 3)];
        Self { before, releases }
    }

    /// Flash operations of the whole update without a cut.
    fn operations(&self) -> u64 {
        let mut site = self.ready(0);
        let remains = site.live(LONG_MS, |broker| rests_in(broker, State::Committed, 2)).unwrap();
        assert_eq!(remains.life, Life::Reached, "{:?}", site.broker.borrow().twin());
        site.nor.power().used()
    }

    fn ready(&self, seed: u64) -> Site<WORD> {
        let mut site = self.before.copy(seed);
        order(&mut site, &self.releases[1]);
        site
    }

    /// Cuts the power after `cut` operations, looks at what lies there, and lets the device go on.
    fn survive(&self, cut: u64) -> Result<(), String> {
        let mut site = self.ready(cut);
        site.nor.power().last_for(cut);
        let remains = site.live(LONG_MS, |broker| rests_in(broker, State::Committed, 2)).map_err(|e| e.to_string())?;
        if remains.life != Life::PowerLost {
            return Err(format!("the update did not last until the cut: {remains:?}"));
        }
        holds_old_or_new(&site.nor, &site.design, &self.releases)?;
        site.nor.power().restore();
        settles_on(&mut site, 2)?;
        order(&mut site, &self.releases[2]);
        settles_on(&mut site, 3)
    }
}

fn order<const WORD: usize>(site: &mut Site<WORD>, made: &Made) {
    let want = site.controller.assign(made, made.version, Purpose::Update);
    let mut broker = site.broker.borrow_mut();
    broker.offer(&site.controller, made);
    broker.want(&site.controller, want);
}

fn settles_on<const WORD: usize>(site: &mut Site<WORD>, version: u64) -> Result<(), String> {
    let remains =
        site.live(LONG_MS, |broker| rests_in(broker, State::Committed, version)).map_err(|e| e.to_string())?;
    let seen = site.broker.borrow().twin();
    if remains.life == Life::Reached { Ok(()) } else { Err(format!("{remains:?} before version {version}: {seen:?}")) }
}

/// The journal mounts, and the good model's slot holds the old or the new Plan, byte for byte.
fn holds_old_or_new<F: Flash + Copied>(flash: &F, design: &Design, releases: &[Made; 3]) -> Result<(), String> {
    let (store, found) = Store::mount(flash.copied(), design.layout).map_err(|e| e.to_string())?;
    let record = found.record.ok_or("no record is left")?;
    let good = *record.good().ok_or("no model is good")?;
    let parts = store.parts(&good).ok_or("the good model has no slot")?;
    let same = |made: &&Made| made.version == good.version && made.artifact == parts.artifact;
    let same = releases.iter().take(2).find(same).filter(|made| made.manifest == parts.manifest);
    if same.is_some() { Ok(()) } else { Err(format!("version {} is not what it was", good.version)) }
}

/// Flash that can be looked at without being changed.
trait Copied {
    fn copied(&self) -> Self;
}

impl<const WORD: usize> Copied for Nor<WORD> {
    fn copied(&self) -> Self {
        self.copy(Power::mains(), 0)
    }
}

/// Every operation, or one of a few.
fn stride(few: usize) -> usize {
    let every = std::env::var_os("MOTE_LONG").is_some_and(|value| value != "0");
    if every { 1 } else { few }
}

#[test]
fn a_cut_at_any_flash_operation_loses_nothing() {
    let update = Update::<4>::new();
    let operations = update.operations();
    // The stride divides neither cells nor chunks in words, so that the cuts fall differently into each.
    let cuts: Vec<u64> = (0..operations).step_by(stride(3)).collect();
    for &cut in &cuts {
        if let Err(what) = update.survive(cut) {
            panic!("cut {cut} of {operations}: {what}");
        }
    }
    println!(
        "measured: power cut at {} of {operations} flash operations of an update, words of 4; all survived",
        cuts.len()
    );
}

#[test]
fn wide_words_survive_as_well() {
    fn check<const WORD: usize>() {
        let update = Update::<WORD>::new();
        let operations = update.operations();
        let cuts: Vec<u64> = (0..operations).step_by(stride(41)).collect();
        let count = cuts.len();
        for cut in cuts {
            if let Err(what) = update.survive(cut) {
                panic!("words of {WORD}, cut {cut} of {operations}: {what}");
            }
        }
        println!("measured: power cut at {count} of {operations} flash operations, words of {WORD}; all survived");
    }
    check::<1>();
    check::<8>();
    check::<32>();
}

/// Flash with two of its areas wired to one place: what a device would do that did not keep them apart.
struct Wired {
    nor: Nor,
    /// Offsets from the first on are those from the second on.
    from: u32,
    to: u32,
    bytes: u32,
}

impl Wired {
    fn place(&self, offset: u32) -> u32 {
        let inside = (self.from..self.from + self.bytes).contains(&offset);
        if inside { offset - self.from + self.to } else { offset }
    }
}

impl Copied for Wired {
    fn copied(&self) -> Self {
        Self { nor: self.nor.copied(), ..*self }
    }
}

impl ErrorType for Wired {
    type Error = NorError;
}

impl ReadNorFlash for Wired {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorError> {
        self.nor.read(self.place(offset), bytes)
    }

    fn capacity(&self) -> usize {
        self.nor.capacity()
    }
}

impl NorFlash for Wired {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorError> {
        let place = self.place(from);
        self.nor.erase(place, place + (to - from))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorError> {
        self.nor.write(self.place(offset), bytes)
    }
}

impl Flash for Wired {
    fn view(&self, offset: u32, length: u32) -> Option<&[u8]> {
        self.nor.view(self.place(offset), length)
    }
}

/// The check above notices a device that writes over its good model, and one that erases its newest record.
#[test]
fn the_check_has_teeth() {
    let update = Update::<4>::new();
    let layout = update.before.design.layout;
    let [first, second] = layout.slots;
    let one_slot = (second, first, layout.slot_bytes);
    let one_journal = (layout.journal + SECTOR as u32, layout.journal, SECTOR as u32);
    for (name, (from, to, bytes)) in [("one slot", one_slot), ("one journal sector", one_journal)] {
        let noticed = (0..update.operations()).step_by(61).any(|cut| {
            let site = update.ready(cut);
            let power = Power::mains();
            power.last_for(cut);
            let mut wired = Wired { nor: site.nor.copy(Rc::clone(&power), cut), from, to, bytes };
            let link = Link { broker: Rc::clone(&site.broker), power };
            let reached = |broker: &mut _| rests_in(broker, State::Committed, 2);
            // A device that does not even start is found by looking at its flash.
            let _ = live_until(&mut wired, &site.design, &site.recording, link, LONG_MS, reached);
            holds_old_or_new(&wired, &site.design, &update.releases).is_err()
        });
        assert!(noticed, "{name}");
    }
}

/// A battery that dies again and again still lets an update through, if it lasts a little longer each time.
#[test]
fn an_update_gets_through_many_cuts() {
    let update = Update::<4>::new();
    for seed in 1..=8 {
        let mut site = update.ready(seed);
        let mut lives = 0;
        loop {
            site.nor.power().last_for(200 + 97 * lives);
            let remains = site.live(LONG_MS, |broker| rests_in(broker, State::Committed, 2)).unwrap();
            holds_old_or_new(&site.nor, &site.design, &update.releases).unwrap();
            if remains.life == Life::Reached {
                break;
            }
            assert_eq!(remains.life, Life::PowerLost, "{:?}", site.broker.borrow().twin());
            lives += 1;
        }
        assert!(lives > 2, "{lives}");
    }
}
