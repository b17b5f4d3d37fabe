//! What survives a power cut: two copies of the device's record, the staging area and the staged releases.
//!
//! ```text
//! state/boots                                              starts of this gateway
//! state/<model>/record.a record.b                          the durable record, alternating
//! state/<model>/staging/{manifest,golden,artifact}         what is being fetched
//! state/<model>/releases/<digest>/{manifest,golden,artifact}   what has been staged, complete since its rename
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use mote_fleet::{Keep, Part, RECORD_BYTES, Record, Side, newest};
use mote_seal::{Blob, Digest};

const MANIFEST: &str = "manifest";

/// The files of one device.
pub(crate) struct Store {
    dir: PathBuf,
    write_to: Side,
}

/// Counts this start of the gateway and answers its number.
pub(crate) fn count_boot(dir: &Path) -> io::Result<u64> {
    fs::create_dir_all(dir)?;
    let path = dir.join("boots");
    let text = read_or_empty(&path)?;
    let last: u64 = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    replace(&path, format!("{}\n", last + 1).as_bytes())?;
    Ok(last + 1)
}

/// The bytes of one release.
pub(crate) struct Parts {
    pub(crate) manifest: Vec<u8>,
    pub(crate) golden: Vec<u8>,
    pub(crate) artifact: Vec<u8>,
}

impl Store {
    /// Opens or makes the directory and answers the newest whole record.
    pub(crate) fn open(dir: &Path) -> io::Result<(Self, Option<Record>)> {
        fs::create_dir_all(dir.join("releases"))?;
        fs::create_dir_all(dir.join("staging"))?;
        let read = |side| read_or_empty(&dir.join(record_name(side)));
        let newest = newest(&read(Side::First)?, &read(Side::Second)?);
        Ok((Self { dir: dir.into(), write_to: newest.write_to }, newest.record))
    }

    /// Makes everything kept so far durable, then the record.
    pub(crate) fn persist(&mut self, record: &[u8; RECORD_BYTES]) -> io::Result<()> {
        for name in [MANIFEST, part_name(Part::Golden), part_name(Part::Artifact)] {
            match File::open(self.staging(name)) {
                Ok(file) => file.sync_data()?,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        sync_dir(&self.dir.join("staging"))?;
        let path = self.dir.join(record_name(self.write_to));
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        file.write_all(record)?;
        file.sync_all()?;
        sync_dir(&self.dir)?;
        self.write_to = self.write_to.other();
        Ok(())
    }

    /// Makes room for both parts and forgets what was fetched before.
    pub(crate) fn prepare(&self, golden: Option<Blob>, artifact: Blob) -> io::Result<()> {
        let golden = golden.map_or(0, |blob| blob.length);
        for (part, length) in [(Part::Golden, golden), (Part::Artifact, artifact.length)] {
            let file = File::create(self.staging(part_name(part)))?;
            file.set_len(length)?;
        }
        Ok(())
    }

    /// Stores what an event brought.
    pub(crate) fn keep(&self, keep: &Keep<'_>) -> io::Result<()> {
        match *keep {
            Keep::Manifest(bytes) => fs::write(self.staging(MANIFEST), bytes),
            Keep::Chunk { part, offset, bytes } => {
                let mut file = OpenOptions::new().write(true).open(self.staging(part_name(part)))?;
                file.seek(SeekFrom::Start(offset))?;
                file.write_all(bytes)
            }
        }
    }

    /// What was fetched.
    pub(crate) fn staging_parts(&self) -> io::Result<Parts> {
        Parts::read(&self.dir.join("staging"))
    }

    /// A staged release.
    pub(crate) fn release(&self, release: Digest) -> io::Result<Parts> {
        Parts::read(&self.release_dir(release))
    }

    /// Puts a release where [`Store::release`] finds it, whole or not at all.
    pub(crate) fn add_release(&self, release: Digest, parts: &Parts) -> io::Result<()> {
        let target = self.release_dir(release);
        if target.exists() {
            return Ok(());
        }
        let half = target.with_extension("half");
        if half.exists() {
            fs::remove_dir_all(&half)?;
        }
        fs::create_dir(&half)?;
        for (name, bytes) in parts.files() {
            let mut file = File::create(half.join(name))?;
            file.write_all(bytes)?;
            file.sync_all()?;
        }
        sync_dir(&half)?;
        fs::rename(&half, &target)?;
        sync_dir(&self.dir.join("releases"))
    }

    /// Removes every staged release but these.
    pub(crate) fn collect(&self, keep: &[Digest]) -> io::Result<()> {
        let kept: Vec<PathBuf> = keep.iter().map(|digest| self.release_dir(*digest)).collect();
        for entry in fs::read_dir(self.dir.join("releases"))? {
            let path = entry?.path();
            if !kept.contains(&path) {
                fs::remove_dir_all(path)?;
            }
        }
        Ok(())
    }

    fn staging(&self, name: &str) -> PathBuf {
        self.dir.join("staging").join(name)
    }

    fn release_dir(&self, release: Digest) -> PathBuf {
        self.dir.join("releases").join(release.to_string())
    }
}

impl Parts {
    fn read(dir: &Path) -> io::Result<Self> {
        Ok(Self {
            manifest: fs::read(dir.join(MANIFEST))?,
            golden: read_or_empty(&dir.join(part_name(Part::Golden)))?,
            artifact: fs::read(dir.join(part_name(Part::Artifact)))?,
        })
    }

    fn files(&self) -> [(&'static str, &[u8]); 3] {
        let (golden, artifact) = (part_name(Part::Golden), part_name(Part::Artifact));
        [(MANIFEST, &self.manifest), (golden, &self.golden), (artifact, &self.artifact)]
    }
}

fn part_name(part: Part) -> &'static str {
    match part {
        Part::Golden => "golden",
        Part::Artifact => "artifact",
    }
}

fn record_name(side: Side) -> &'static str {
    match side {
        Side::First => "record.a",
        Side::Second => "record.b",
    }
}

fn read_or_empty(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => file.read_to_end(&mut bytes)?,
        Err(error) if error.kind() == ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(bytes)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let half = path.with_extension("half");
    let mut file = File::create(&half)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(half, path)
}

/// A rename or a new name is durable once its directory is.
fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(length: u64) -> Blob {
        Blob { digest: Digest([0; 32]), length }
    }

    #[test]
    fn chunks_land_where_they_belong_and_releases_appear_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (store, record) = Store::open(dir.path()).unwrap();
        assert_eq!(record, None);
        store.prepare(Some(blob(2)), blob(4)).unwrap();
        store.keep(&Keep::Manifest(b"m")).unwrap();
        store.keep(&Keep::Chunk { part: Part::Artifact, offset: 2, bytes: b"cd" }).unwrap();
        store.keep(&Keep::Chunk { part: Part::Artifact, offset: 0, bytes: b"ab" }).unwrap();
        store.keep(&Keep::Chunk { part: Part::Golden, offset: 0, bytes: b"gg" }).unwrap();
        let parts = store.staging_parts().unwrap();
        assert_eq!((&*parts.manifest, &*parts.golden, &*parts.artifact), (&b"m"[..], &b"gg"[..], &b"abcd"[..]));

        let (first, second) = (Digest([1; 32]), Digest([2; 32]));
        store.add_release(first, &parts).unwrap();
        store.add_release(second, &parts).unwrap();
        store.collect(&[second]).unwrap();
        assert!(store.release(first).is_err());
        assert_eq!(store.release(second).unwrap().artifact, b"abcd");
    }

    #[test]
    fn boots_count_up_across_starts() {
        let dir = tempfile::tempdir().unwrap();
        for boot in 1..=3 {
            assert_eq!(count_boot(&dir.path().join("state")).unwrap(), boot);
        }
    }

    #[test]
    fn a_torn_record_leaves_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(dir.path()).unwrap();
        let record = Record::default().encode();
        store.persist(&record).unwrap();
        let (mut store, found) = Store::open(dir.path()).unwrap();
        assert!(found.is_some());
        let mut torn = record;
        torn[RECORD_BYTES / 2..].fill(0xff);
        store.persist(&torn).unwrap();
        let (_, found) = Store::open(dir.path()).unwrap();
        assert_eq!(found.map(|record| record.encode()), Some(record));
    }
}
