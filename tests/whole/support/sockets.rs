//! The TCP connections of another process, as Linux shows them in `/proc`.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::path::Path;

/// State of a listening socket in `/proc/net/tcp`.
const LISTENING: &str = "0A";

/// Every TCP connection that a process holds open, in whatever state, but for
/// those to one of these ports: `from → to`. A listener is none.
pub fn connections(pid: u32, known: &[u16]) -> Vec<String> {
    let own = inodes(pid);
    let lines =
        |file: &str| std::fs::read_to_string(format!("/proc/{pid}/net/{file}")).unwrap_or_default();
    let all = lines("tcp") + &lines("tcp6");
    let mut found: Vec<String> =
        all.lines().filter_map(|line| connection(line, &own, known)).collect();
    found.sort_unstable();
    found
}

/// The sockets among a process's open files.
fn inodes(pid: u32) -> HashSet<String> {
    let Ok(files) = std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd")) else {
        return HashSet::new();
    };
    let inode = |file: std::fs::DirEntry| {
        // A file may have been closed since the folder was read.
        let target = std::fs::read_link(file.path()).ok()?;
        let socket = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        Some(socket.to_owned())
    };
    files.flatten().filter_map(inode).collect()
}

fn connection(line: &str, own: &HashSet<String>, known: &[u16]) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, from, to, state, _, _, _, _, _, inode, ..] = fields.as_slice() else {
        return None;
    };
    if *state == LISTENING || !own.contains(*inode) {
        return None;
    }
    let (from, to) = (address(from)?, address(to)?);
    (!known.contains(&to.1)).then(|| format!("{}:{} → {}:{}", from.0, from.1, to.0, to.1))
}

/// `0100007F:1F90`: an address in the machine's byte order, and a port in hex.
fn address(text: &str) -> Option<(String, u16)> {
    let (host, port) = text.split_once(':')?;
    let host = match u32::from_str_radix(host, 16) {
        Ok(word) => Ipv4Addr::from(word.to_ne_bytes()).to_string(),
        Err(_) => host.to_owned(),
    };
    Some((host, u16::from_str_radix(port, 16).ok()?))
}
