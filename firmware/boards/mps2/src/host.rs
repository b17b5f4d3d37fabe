//! The debugger's host, by semihosting: how QEMU hands over configuration and takes results.
//!
//! Calls are numbered in Arm's "Semihosting for AArch32 and AArch64".

use cortex_m_semihosting::{syscall, syscall1};

const SYS_OPEN: usize = 0x01;
const SYS_CLOSE: usize = 0x02;
const SYS_WRITE: usize = 0x05;
const SYS_GET_CMDLINE: usize = 0x15;
const SYS_EXIT_EXTENDED: usize = 0x20;
const SYS_ELAPSED: usize = 0x30;

const OPEN_FOR_WRITING: usize = 5;
const STOPPED_BY_APPLICATION: usize = 0x2_0026;
/// What a call answers that failed.
const FAILED: usize = usize::MAX;

/// Why the host did not do what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostError {
    /// The file cannot be created.
    Create,
    /// Not every byte was written.
    Write,
    /// The command line does not fit or is not UTF-8.
    CommandLine,
}

/// Ends the emulation with an exit status.
pub fn exit(status: u32) -> ! {
    let block = [STOPPED_BY_APPLICATION, status as usize];
    loop {
        // SAFETY: the block is what this call reads.
        unsafe { syscall(SYS_EXIT_EXTENDED, &block) };
    }
}

/// Time since the emulation began, in a unit of the host's. Goes on over resets.
pub fn elapsed() -> u64 {
    let mut ticks = 0_u64;
    // SAFETY: the host writes these eight bytes; by address, since it writes.
    unsafe { syscall1(SYS_ELAPSED, (&raw mut ticks).expose_provenance()) };
    ticks
}

/// The words of the command line, as `-semihosting-config arg=..` gives them, in `memory`.
///
/// # Errors
/// [`HostError::CommandLine`].
pub fn command_line(memory: &mut [u8]) -> Result<&str, HostError> {
    let mut block = [memory.as_mut_ptr().expose_provenance(), memory.len()];
    // SAFETY: the host writes at most the bytes of `memory` and puts the length into the block. By address, since it
    // writes to both.
    let answer = unsafe { syscall1(SYS_GET_CMDLINE, (&raw mut block).expose_provenance()) };
    let text = memory.get(..block[1]).filter(|_| answer != FAILED).ok_or(HostError::CommandLine)?;
    core::str::from_utf8(text).map_err(|_| HostError::CommandLine)
}

/// The value of the word `name=value` of a command line.
pub fn argument<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// A file of the host, being written. Closed when dropped.
#[derive(Debug)]
pub struct File {
    handle: usize,
}

impl File {
    /// Creates or empties the file of this name.
    ///
    /// # Errors
    /// [`HostError::Create`].
    pub fn create(name: &core::ffi::CStr) -> Result<Self, HostError> {
        let block = [name.as_ptr().addr(), OPEN_FOR_WRITING, name.count_bytes()];
        // SAFETY: the host reads the name and its closing zero.
        let handle = unsafe { syscall(SYS_OPEN, &block) };
        if handle == FAILED { Err(HostError::Create) } else { Ok(Self { handle }) }
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`HostError::Write`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        let block = [self.handle, bytes.as_ptr().addr(), bytes.len()];
        // SAFETY: the host reads the bytes and nothing else.
        let left = unsafe { syscall(SYS_WRITE, &block) };
        if left == 0 { Ok(()) } else { Err(HostError::Write) }
    }
}

impl core::fmt::Write for File {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.write(text.as_bytes()).map_err(|_| core::fmt::Error)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: the handle is open and used no more. A failure leaves nothing to be done.
        unsafe { syscall(SYS_CLOSE, &[self.handle]) };
    }
}
