//! The folder of the recordings: how its files are called, and which have to go.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use trunkline_core::ids::NodeId;

/// The ending of a recording's file.
pub const ENDING: &str = "flight";
/// The ending of one whose call still lasts.
const PART: &str = "part";
/// The ending of one that is being packed.
const DRAFT: &str = "draft";

/// How much may be kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) files: usize,
    pub(super) total_bytes: u64,
    pub(super) age: Duration,
}

/// See the module's text.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    node: NodeId,
}

/// A finished recording.
struct Kept {
    path: PathBuf,
    bytes: u64,
    modified: SystemTime,
}

impl Folder {
    pub(super) fn new(path: PathBuf, node: NodeId) -> Self {
        Self { path, node }
    }

    /// The file of a recording whose call lasts. The node's name is in it, so that
    /// two processes in one folder leave each other's alone.
    pub(super) fn part(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.{}.{PART}", self.node))
    }

    /// The file of a recording that is kept.
    pub(super) fn kept(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.{ENDING}"))
    }

    /// Makes a part file with its first bytes.
    pub(super) fn create_part(&self, name: &str, head: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path)?;
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(self.part(name))?;
        file.write_all(head)
    }

    pub(super) fn append(&self, name: &str, block: &[u8]) -> io::Result<()> {
        OpenOptions::new().append(true).open(self.part(name))?.write_all(block)
    }

    /// Puts a whole file in the place of the part file.
    pub(super) fn replace_part(&self, name: &str, file: &[u8]) -> io::Result<()> {
        let draft = self.path.join(format!("{name}.{}.{DRAFT}", self.node));
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(&draft)?.write_all(file)?;
        std::fs::rename(&draft, self.kept(name))?;
        std::fs::remove_file(self.part(name))
    }

    /// Keeps the part file as it is.
    pub(super) fn keep_part(&self, name: &str) -> io::Result<()> {
        std::fs::rename(self.part(name), self.kept(name))
    }

    pub(super) fn remove_part(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.part(name))
    }

    /// The names of this node's recordings whose calls ended with an earlier life
    /// of it. What was being packed is packed again.
    pub(super) fn left_over(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for path in self.list()? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.strip_suffix(&format!(".{}.{DRAFT}", self.node)).is_some() {
                std::fs::remove_file(&path)?;
            }
            let of_ours = name.strip_suffix(&format!(".{}.{PART}", self.node));
            names.extend(of_ours.map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// Removes what is too old, then the oldest until no bound is passed; answers
    /// how many went. Files of another kind are left alone.
    pub(super) fn sweep(&self, bounds: Bounds, now: SystemTime) -> io::Result<usize> {
        let mut kept = self.kept_files()?;
        kept.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        let mut files = kept.len();
        let mut total_bytes: u64 = kept.iter().map(|file| file.bytes).sum();
        let mut removed = 0;
        for file in kept {
            let age = now.duration_since(file.modified).unwrap_or_default();
            let fits = files <= bounds.files && total_bytes <= bounds.total_bytes;
            if fits && age <= bounds.age {
                break;
            }
            remove(&file.path)?;
            files -= 1;
            total_bytes -= file.bytes;
            removed += 1;
        }
        Ok(removed)
    }

    fn kept_files(&self) -> io::Result<Vec<Kept>> {
        let mut kept = Vec::new();
        for path in self.list()? {
            if path.extension().is_some_and(|ending| ending == ENDING) {
                // Another process may sweep the same folder.
                if let Ok(metadata) = std::fs::metadata(&path) {
                    let (bytes, modified) = (metadata.len(), metadata.modified()?);
                    kept.push(Kept { path, bytes, modified });
                }
            }
        }
        Ok(kept)
    }

    fn list(&self) -> io::Result<Vec<PathBuf>> {
        match std::fs::read_dir(&self.path) {
            Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail loudly")]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn node(name: &str) -> NodeId {
        NodeId::parse(name).unwrap()
    }

    /// Files of a hundred bytes, the first five days old, the next four, and so on.
    fn five(folder: &Path, now: SystemTime) -> Folder {
        for (index, name) in ["a", "b", "c", "d", "e"].iter().enumerate() {
            let path = folder.join(format!("{name}.{ENDING}"));
            std::fs::write(&path, [0; 100]).unwrap();
            let age = DAY * u32::try_from(5 - index).unwrap();
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            file.set_modified(now - age).unwrap();
        }
        std::fs::write(folder.join("notes.txt"), "mine").unwrap();
        std::fs::write(folder.join("x.node.part"), "live").unwrap();
        Folder::new(folder.to_owned(), node("node"))
    }

    fn left(folder: &Path) -> String {
        let kept = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
        let kept = kept.filter(|path| path.extension().is_some_and(|ending| ending == ENDING));
        let mut names: Vec<_> =
            kept.map(|p| p.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names.concat()
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_too_much_or_they_are_too_old() {
        let all = Bounds { files: 5, total_bytes: 500, age: DAY * 10 };
        for (bounds, remain) in [
            (all, "abcde"),
            (Bounds { files: 3, ..all }, "cde"),
            (Bounds { total_bytes: 499, ..all }, "bcde"),
            (Bounds { total_bytes: 250, ..all }, "de"),
            (Bounds { age: DAY * 3, ..all }, "cde"),
            (Bounds { files: 4, age: DAY * 2, ..all }, "de"),
            (Bounds { files: 0, ..all }, ""),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let now = SystemTime::now();
            let removed = five(folder.path(), now).sweep(bounds, now).unwrap();
            assert_eq!((left(folder.path()).as_str(), removed), (remain, 5 - remain.len()));
            assert!(folder.path().join("notes.txt").exists(), "what is not ours stays");
            assert!(folder.path().join("x.node.part").exists(), "a live call's stays");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let nowhere = Folder::new(folder.path().join("nowhere"), node("node"));
        let bounds = Bounds { files: 0, total_bytes: 0, age: DAY };
        assert_eq!(nowhere.sweep(bounds, SystemTime::now()).unwrap(), 0);
        assert!(nowhere.left_over().unwrap().is_empty());
        assert!(!folder.path().join("nowhere").exists());
    }

    #[test]
    fn only_this_nodes_part_files_are_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let ours = Folder::new(folder.path().to_owned(), node("one"));
        let theirs = Folder::new(folder.path().to_owned(), node("two"));
        ours.create_part("x", b"").unwrap();
        theirs.create_part("y", b"").unwrap();
        std::fs::write(folder.path().join("x.one.draft"), "half").unwrap();
        assert_eq!(ours.left_over().unwrap(), ["x"]);
        assert!(!folder.path().join("x.one.draft").exists());
        ours.keep_part("x").unwrap();
        assert_eq!(
            (left(folder.path()).as_str(), theirs.left_over().unwrap()),
            ("x", vec!["y".to_owned()])
        );
    }
}
