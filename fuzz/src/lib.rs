//! What the fuzz targets share: opening bytes as a file, under a limit of memory, and files that begin as they must.
//!
//! A panic that leaves the readers, memory beyond what a file of that length can need, and an input that takes longer
//! than the fuzzer's time limit are findings. Panics inside of third-party decoders stay there: the readers catch them.

use std::alloc::System;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use cap::Cap;
use tempfile::TempDir;

#[path = "../../src/files.rs"]
pub mod files;
#[path = "../../src/imaging/mod.rs"]
pub mod imaging;
#[path = "../../src/monitor.rs"]
pub mod monitor;

mod compute;
pub mod network;

mod forced;
mod networks;

pub use forced::{bmp, dm, emi, emsa, hdf5, jpeg, mrc, npy, npz, ome, png, ripple, ser, text, tiff};
pub use networks::{graph, model};

/// Counts what is allocated; beyond the limit an allocation fails, which ends the process as a finding.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Bytes that may be taken whatever the file: a TIFF's strip or tile may have 256 MiB, and the readers keep decoded
/// neighbours of a plane for a while.
const ANY_FILE: usize = 384 << 20;
/// Bytes that may be taken for each byte of the file: the readers believe in 2048 decoded ones, which may be there
/// twice, decoded and as samples.
const EACH_BYTE: usize = 2 * 2048;
/// The same of Zstandard in a TIFF.
const EACH_BYTE_OF_ZSTD: usize = 2 << 16;
/// Longer files of that are passed over, for they may take more than a machine has.
const LONGEST_ZSTD: usize = 3 << 10;
/// Larger pictures may be claimed but are not read: that would take the time of thousands of small ones, and more than a
/// busy machine has before it is taken for a hang.
const LARGEST_PICTURE: usize = 16 << 20;

/// The last panic, wherever it was caught.
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// To be called once, after libFuzzer has set its own hook, which would end the process at panics that are caught.
pub fn prepare() {
    std::panic::set_hook(Box::new(|info| {
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
    }));
}

/// Opens the bytes as a file and reads what a person would see first.
pub fn read(bytes: &[u8]) {
    read_as("input", bytes, "input", &[]);
}

/// The same of a file of that name, with files of fixed content beside it, one of which may be `opened` instead.
fn read_as(name: &str, bytes: &[u8], opened: &str, beside: &[(&str, &[u8])]) {
    let each = match is_zstd(bytes) {
        true if bytes.len() > LONGEST_ZSTD => return,
        true => EACH_BYTE_OF_ZSTD,
        false => EACH_BYTE,
    };
    let Ok(path) = written(name, bytes, beside) else { return };
    let most = ANY_FILE + each * bytes.len();
    held(most, || look(&path.with_file_name(opened), most));
}

/// Lets `look` look at a file with these bytes, which may take so much memory.
fn within(name: &str, bytes: &[u8], most: usize, look: impl FnOnce(&Path)) {
    let Ok(path) = written(name, bytes, &[]) else { return };
    held(most, || look(&path));
}

/// Does the work under a limit of memory; a panic ends the process as a finding.
fn held(most: usize, work: impl FnOnce()) {
    MEMORY.set_limit(MEMORY.allocated() + most).ok();
    let done = catch_unwind(AssertUnwindSafe(work));
    MEMORY.set_limit(usize::MAX).ok();
    if done.is_err() {
        eprintln!("{}", LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner));
        std::process::abort();
    }
}

/// True when somewhere in the bytes a TIFF says that its compression is Zstandard (50000).
fn is_zstd(bytes: &[u8]) -> bool {
    let tag = |window: &[u8]| {
        let little = window[..2] == [3, 1] && window[8..10] == [0x50, 0xc3];
        // A number of four bytes has its end two bytes further on.
        let big = window[..2] == [1, 3] && (window[8..10] == [0xc3, 0x50] || window[10..12] == [0xc3, 0x50]);
        little || big
    };
    // In a BigTIFF the value is four bytes further on, and a long one's end six more.
    let tag_of_big = |window: &[u8]| {
        let little = window[..2] == [3, 1] && window[12..14] == [0x50, 0xc3];
        let big = window[..2] == [1, 3] && [12, 14, 18].iter().any(|&at| window[at..at + 2] == [0xc3, 0x50]);
        little || big
    };
    bytes.windows(12).any(tag) || bytes.windows(20).any(tag_of_big)
}

/// The file of this process, with these bytes; those beside it are written once.
fn written(name: &str, bytes: &[u8], beside: &[(&str, &[u8])]) -> std::io::Result<PathBuf> {
    static FOLDER: OnceLock<Option<TempDir>> = OnceLock::new();
    let in_memory = || {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).ok()?;
        beside.iter().try_for_each(|(name, bytes)| std::fs::write(folder.path().join(name), bytes)).ok()?;
        Some(folder)
    };
    let folder = FOLDER.get_or_init(in_memory).as_ref().ok_or(std::io::ErrorKind::NotFound)?;
    let path = folder.path().join(name);
    std::fs::write(&path, bytes)?;
    Ok(path)
}

/// First and last plane of every series, and its metadata. No plane may claim more than `most` bytes.
fn look(path: &Path, most: usize) {
    let Ok(all) = imaging::open(path) else { return };
    assert!(!all.is_empty(), "a file without a series is an error");
    for micrograph in all.iter().take(8) {
        assert!(micrograph.frames() > 0 && micrograph.channels() > 0, "a series has planes");
        let pixels = micrograph.height().checked_mul(micrograph.width());
        let bytes =
            pixels.and_then(|n| n.checked_mul(micrograph.sample_type().bytes())).unwrap_or(usize::MAX);
        assert!(bytes <= most, "a plane of {bytes} bytes is claimed");
        let last = (micrograph.frames() - 1, micrograph.channels() - 1);
        let small = bytes.saturating_mul(micrograph.channels()) <= LARGEST_PICTURE;
        for (frame, channel) in [(0, 0), last].into_iter().filter(|_| small) {
            if let Ok(plane) = micrograph.plane(frame, channel) {
                assert_eq!((plane.height(), plane.width()), (micrograph.height(), micrograph.width()));
                assert_eq!(plane.sample_type(), micrograph.sample_type());
            }
        }
        let fields = micrograph.metadata().fields().iter().map(|(name, value)| name.len() + value.len());
        std::hint::black_box(fields.sum::<usize>());
        std::hint::black_box((micrograph.calibration().pixel(), micrograph.notes().len()));
    }
}
