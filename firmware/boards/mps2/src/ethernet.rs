//! SMSC LAN9118 Ethernet controller, polled, as a device of `smoltcp`. Register names are those of its datasheet.

use core::hint::spin_loop;

use smoltcp::phy::{self, DeviceCapabilities, Medium};
use smoltcp::time::Instant;

use crate::board::BOARD;

const RX_DATA_FIFO: usize = 0x00;
const TX_DATA_FIFO: usize = 0x20;
const RX_STATUS_FIFO: usize = 0x40;
const TX_STATUS_FIFO: usize = 0x48;
const BYTE_TEST: usize = 0x64;
const TX_CFG: usize = 0x70;
const HW_CFG: usize = 0x74;
const RX_FIFO_INF: usize = 0x7c;
const TX_FIFO_INF: usize = 0x80;
const MAC_CSR_CMD: usize = 0xa4;
const MAC_CSR_DATA: usize = 0xa8;

/// Registers behind the command register.
const MAC_CR: u32 = 1;
const ADDRH: u32 = 2;
const ADDRL: u32 = 3;

const MARK: u32 = 0x8765_4321;
const SOFT_RESET: u32 = 1;
/// Must be one, and 5 KiB of the buffer for sending.
const HW_MODE: u32 = 1 << 20 | 5 << 16;
const TX_ON: u32 = 1 << 1;
/// Full duplex, transmitter and receiver on.
const MAC_MODE: u32 = 1 << 20 | 1 << 3 | 1 << 2;
const CSR_BUSY: u32 = 1 << 31;
const RX_ERROR: u32 = 1 << 15;
const FIRST_AND_LAST: u32 = 1 << 13 | 1 << 12;

/// Longest frame, its checksum left out.
const FRAME: usize = 1514;
/// Bytes of the checksum that received frames end in.
const CHECKSUM: usize = 4;
/// Times that a register is asked before the controller counts as dead.
const PATIENCE: u32 = 1_000_000;

/// Room for a frame, in whole words.
pub type Frame = [u8; (FRAME + CHECKSUM).next_multiple_of(4)];
/// A frame of nothing.
pub const NO_FRAME: Frame = [0; (FRAME + CHECKSUM).next_multiple_of(4)];

/// The controller, and room for a frame in each direction.
#[derive(Debug)]
pub struct Ethernet {
    received: &'static mut Frame,
    sending: &'static mut Frame,
}

/// The controller is not there or does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoController;

impl Ethernet {
    /// Resets the controller and gives it its address.
    ///
    /// # Errors
    /// [`NoController`].
    pub fn new(
        address: [u8; 6],
        received: &'static mut Frame,
        sending: &'static mut Frame,
    ) -> Result<Self, NoController> {
        if read(BYTE_TEST) != MARK {
            return Err(NoController);
        }
        write(HW_CFG, SOFT_RESET);
        wait_until(|| read(HW_CFG) & SOFT_RESET == 0)?;
        write(HW_CFG, HW_MODE);
        let [a, b, c, d, e, f] = address;
        write_mac(ADDRL, u32::from_le_bytes([a, b, c, d]))?;
        write_mac(ADDRH, u32::from_le_bytes([e, f, 0, 0]))?;
        write(TX_CFG, TX_ON);
        write_mac(MAC_CR, MAC_MODE)?;
        Ok(Self { received, sending })
    }

    /// Takes the next frame out of the controller; one that is damaged or too long is dropped.
    fn take(&mut self) -> Option<usize> {
        if read(RX_FIFO_INF) >> 16 & 0xff == 0 {
            return None;
        }
        let status = read(RX_STATUS_FIFO);
        let length = (status >> 16 & 0x3fff) as usize;
        let mut places = self.received.chunks_exact_mut(4);
        for _ in 0..length.div_ceil(4) {
            let word = read(RX_DATA_FIFO).to_le_bytes();
            if let Some(place) = places.next() {
                place.copy_from_slice(&word);
            }
        }
        let sound = status & RX_ERROR == 0 && (CHECKSUM + 1..=FRAME + CHECKSUM).contains(&length);
        sound.then(|| length - CHECKSUM)
    }
}

impl phy::Device for Ethernet {
    type RxToken<'a> = Received<'a>;
    type TxToken<'a> = Room<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received<'_>, Room<'_>)> {
        let length = self.take()?;
        Some((Received(self.received.get(..length)?), Room(self.sending)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Room<'_>> {
        // Nobody reads how sending went; the fifo must not fill up with it.
        while read(TX_FIFO_INF) >> 16 & 0xff != 0 {
            read(TX_STATUS_FIFO);
        }
        let free = read(TX_FIFO_INF) as usize & 0xffff;
        (free >= FRAME + 16).then_some(Room(self.sending))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = FRAME;
        capabilities.max_burst_size = Some(1);
        capabilities.medium = Medium::Ethernet;
        capabilities
    }
}

/// A frame that has come.
#[derive(Debug)]
pub struct Received<'a>(&'a [u8]);

impl phy::RxToken for Received<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, take: F) -> R {
        take(self.0)
    }
}

/// Room for a frame to send.
#[derive(Debug)]
pub struct Room<'a>(&'a mut [u8]);

impl phy::TxToken for Room<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, fill: F) -> R {
        let length = length.min(FRAME);
        let result = fill(self.0.get_mut(..length).unwrap_or_default());
        write(TX_DATA_FIFO, FIRST_AND_LAST | length as u32);
        write(TX_DATA_FIFO, length as u32);
        for word in self.0.as_chunks().0.iter().take(length.div_ceil(4)) {
            write(TX_DATA_FIFO, u32::from_le_bytes(*word));
        }
        result
    }
}

fn write_mac(register: u32, value: u32) -> Result<(), NoController> {
    wait_until(|| read(MAC_CSR_CMD) & CSR_BUSY == 0)?;
    write(MAC_CSR_DATA, value);
    write(MAC_CSR_CMD, CSR_BUSY | register);
    wait_until(|| read(MAC_CSR_CMD) & CSR_BUSY == 0)
}

fn wait_until(done: impl Fn() -> bool) -> Result<(), NoController> {
    for _ in 0..PATIENCE {
        if done() {
            return Ok(());
        }
        spin_loop();
    }
    Err(NoController)
}

fn read(register: usize) -> u32 {
    // SAFETY: the board's table states a controller at this address; its registers touch no memory.
    unsafe { ((BOARD.ethernet + register) as *const u32).read_volatile() }
}

fn write(register: usize, value: u32) {
    // SAFETY: as in `read`.
    unsafe { ((BOARD.ethernet + register) as *mut u32).write_volatile(value) };
}
