//! The reader's side of a BPF ring buffer.
//!
//! The kernel shares a ring buffer as three stretches of memory: a page with the consumer position
//! (ours to write), a page with the producer position, and the data, mapped twice in a row so that a
//! record that wraps round the end is one slice. [`Ring`] reads committed records in the order they
//! were reserved.
//!
//! It exists because aya's `RingBuf` lends one record at a time, stores the position after each of
//! them and cannot be made from a bare map descriptor, such as a slot of a map of maps. Storing the
//! position once in a while instead of per record halves the cost of a record (measured 2026-11-24
//! on a 2-core EPYC guest: 21 to 33 ns against 45).
//!
//! # Memory ordering
//!
//! Two pairs carry everything (`kernel/bpf/ringbuf.c`, v6.8, unchanged in form since v5.8):
//!
//! - The producer writes the record's length with the busy bit ([L440]) and then the new position
//!   with release ([L444]). We load the position with acquire, so each header before it is at least
//!   "busy", never a leftover of the previous lap.
//! - Commit fills the record and then clears the busy bit with `xchg`, a full barrier ([L484]). We
//!   load the length with acquire, so a length without the busy bit means that the bytes are there.
//!
//! Backwards, we store the consumer position with release after the last look at the records before
//! it; a producer that loads it with acquire ([L418]) and reuses the space cannot overtake our reads.
//!
//! The kernel programs submit with `BPF_RB_NO_WAKEUP`, so nobody waits to be woken at an exact
//! position and the sequentially consistent store that `epoll` users need is not needed here.
//!
//! [L418]: https://github.com/torvalds/linux/blob/v6.8/kernel/bpf/ringbuf.c#L418
//! [L440]: https://github.com/torvalds/linux/blob/v6.8/kernel/bpf/ringbuf.c#L440
//! [L444]: https://github.com/torvalds/linux/blob/v6.8/kernel/bpf/ringbuf.c#L444
//! [L484]: https://github.com/torvalds/linux/blob/v6.8/kernel/bpf/ringbuf.c#L484

#![cfg_attr(
    not(test),
    deny(clippy::indexing_slicing, clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::{fmt, slice};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// Set in a record's length while its producer still writes it.
const BUSY: u32 = 1 << 31;
/// Set in a record's length when its producer gave it up.
const DISCARDED: u32 = 1 << 30;
/// Length and page offset in front of each record.
const HEADER: u64 = 8;
/// Records start at multiples of this.
const ALIGN: u64 = 8;
/// The position is stored at the latest after this many bytes (and after a quarter of a small
/// ring), so that a long batch does not starve the producers of space.
const STORE_EVERY: u64 = 64 << 10;

/// Why [`Ring::drain`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed: a reader has to treat each of these")]
pub enum Stop {
    /// Everything that was reserved when the drain began has been read.
    Empty,
    /// The next record is reserved but not committed; what follows it waits with it.
    Busy,
    /// The receiver did not take a record; it stays in the ring.
    Refused,
}

/// One mapped BPF ring buffer.
#[derive(Debug)]
pub struct Ring {
    memory: Memory,
    /// Where the next record begins. Ours alone: the shared consumer position is only written.
    position: u64,
    /// What the shared consumer position holds.
    stored: u64,
}

impl Ring {
    /// Maps the ring buffer `fd` with `bytes` of data (the map's `max_entries`).
    ///
    /// # Errors
    ///
    /// If `bytes` is not a power of two of at least a page, or the kernel refuses the mapping (the
    /// descriptor is no ring buffer, or is smaller).
    pub fn map(fd: BorrowedFd<'_>, bytes: usize) -> Result<Self, RingError> {
        Ok(Self::over(Memory::map(fd, bytes)?))
    }

    fn over(memory: Memory) -> Self {
        let position = memory.consumer().load(Ordering::Relaxed);
        Self { memory, position, stored: position }
    }

    /// Bytes of data that the ring holds.
    pub fn capacity(&self) -> usize {
        self.memory.size
    }

    /// Bytes between what was read and what has been reserved by now.
    pub fn backlog(&self) -> u64 {
        self.memory.producer().load(Ordering::Relaxed).wrapping_sub(self.position)
    }

    /// Hands each committed record that was reserved before the call to `each`, oldest first, until
    /// it breaks; discarded records are skipped. A record at which `each` breaks stays in the ring.
    ///
    /// The bytes handed out are the whole reservation, padding of the size class included.
    ///
    /// # Errors
    ///
    /// If positions or a length contradict each other. Nothing behind the contradiction can be
    /// told apart, so the drain continues after everything reserved so far next time; the caller
    /// sees the loss as a gap in the records' sequence numbers.
    pub fn drain(
        &mut self,
        mut each: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<Stop, RingError> {
        let producer = self.memory.producer().load(Ordering::Acquire);
        let stop = self.drain_to(producer, &mut each);
        if stop.is_err() {
            self.position = producer;
        }
        self.store();
        stop
    }

    fn drain_to(
        &mut self,
        producer: u64,
        each: &mut impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<Stop, RingError> {
        let size = self.memory.size as u64;
        let store_every = STORE_EVERY.min(size / 4);
        let ahead = producer.wrapping_sub(self.position);
        if ahead > size || !ahead.is_multiple_of(ALIGN) {
            return Err(RingError(Kind::Position { consumer: self.position, producer, size }));
        }
        while self.position != producer {
            let length = self.memory.length_at(self.position).load(Ordering::Acquire);
            if length & BUSY != 0 {
                return Ok(Stop::Busy);
            }
            let bytes = u64::from(length & !DISCARDED);
            let total = (HEADER + bytes).next_multiple_of(ALIGN);
            if total > producer.wrapping_sub(self.position) {
                return Err(RingError(Kind::Length {
                    position: self.position,
                    length: bytes,
                    left: producer.wrapping_sub(self.position),
                }));
            }
            if length & DISCARDED == 0 {
                // SAFETY: `total`, thus header and record, ends at or before `producer`, and
                // `producer` was loaded with acquire, so the stretch is reserved; the length was
                // loaded with acquire and has no busy bit, so it is committed and written no more
                // until the consumer position passes it, which `store` does after the slice's end
                // of life (it needs `&mut self`).
                let record = unsafe { self.memory.record(self.position, bytes as usize) };
                if each(record).is_break() {
                    return Ok(Stop::Refused);
                }
            }
            self.position = self.position.wrapping_add(total);
            if self.position.wrapping_sub(self.stored) >= store_every {
                self.store();
            }
        }
        Ok(Stop::Empty)
    }

    /// Gives what was read back to the producers.
    fn store(&mut self) {
        if self.stored != self.position {
            self.memory.consumer().store(self.position, Ordering::Release);
            self.stored = self.position;
        }
    }
}

/// A ring buffer could not be mapped, or its contents contradict themselves.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RingError(#[from] Kind);

#[derive(Debug, thiserror::Error)]
enum Kind {
    #[error("a ring buffer of {bytes} bytes cannot be: it takes a power of two of at least {page}")]
    Size { bytes: usize, page: usize },
    #[error("cannot map the {what} of a ring buffer of {bytes} bytes")]
    Map { what: &'static str, bytes: usize, source: rustix::io::Errno },
    #[error(
        "ring buffer of {size} bytes is corrupt: consumer at {consumer}, producer at {producer}; \
         what lay between them is skipped"
    )]
    Position { consumer: u64, producer: u64, size: u64 },
    #[error(
        "ring buffer is corrupt: the record at {position} claims {length} bytes, {left} are left; \
         what lay there is skipped"
    )]
    Length { position: u64, length: u64, left: u64 },
}

/// The shared memory of a ring buffer.
///
/// Invariants: `consumer` and `producer` point to live, aligned 8-byte words; `data` points to
/// `2 * size` live bytes, aligned to 8; `size` is a power of two; `owner` keeps all of it alive.
struct Memory {
    consumer: NonNull<AtomicU64>,
    producer: NonNull<AtomicU64>,
    data: NonNull<u8>,
    size: usize,
    owner: Owner,
}

enum Owner {
    Maps {
        page: usize,
    },
    #[cfg(test)]
    Plain(#[expect(dead_code, reason = "held for its drop")] Box<[std::cell::UnsafeCell<u64>]>),
}

// SAFETY: the memory is the process's, not the thread's; words that others write are only touched
// through atomics, and the one who may store the consumer position is whoever owns the `Memory`.
unsafe impl Send for Memory {}

impl Memory {
    fn map(fd: BorrowedFd<'_>, bytes: usize) -> Result<Self, RingError> {
        let page = rustix::param::page_size();
        if !bytes.is_power_of_two() || bytes < page || bytes > usize::MAX / 4 {
            return Err(RingError(Kind::Size { bytes, page }));
        }
        // The kernel lets the first page alone be writable and the rest only be readable, hence two
        // mappings (ringbuf_map_mmap_kern in kernel/bpf/ringbuf.c).
        let consumer = map_shared(fd, 0, page, ProtFlags::READ | ProtFlags::WRITE)
            .map_err(|source| Kind::Map { what: "consumer position", bytes, source })?;
        let rest = match map_shared(fd, page, page + 2 * bytes, ProtFlags::READ) {
            Ok(rest) => rest,
            Err(source) => {
                unmap(consumer, page);
                return Err(RingError(Kind::Map { what: "data", bytes, source }));
            }
        };
        // SAFETY: `rest` is `page + 2 * bytes` long.
        let data = unsafe { rest.add(page) };
        Ok(Self {
            consumer: consumer.cast(),
            producer: rest.cast(),
            data,
            size: bytes,
            owner: Owner::Maps { page },
        })
    }

    fn consumer(&self) -> &AtomicU64 {
        // SAFETY: live and aligned by the invariant; an atomic may be shared with the kernel.
        unsafe { self.consumer.as_ref() }
    }

    fn producer(&self) -> &AtomicU64 {
        // SAFETY: as for `consumer`; the page is mapped read-only and is only ever loaded from.
        unsafe { self.producer.as_ref() }
    }

    /// The length word of the record at `position`, a multiple of 8.
    fn length_at(&self, position: u64) -> &AtomicU32 {
        let offset = self.offset(position) & !(ALIGN as usize - 1);
        // SAFETY: `offset` is below `size` and a multiple of 8, and `data` has `2 * size` bytes
        // aligned to 8, so the word is in bounds and aligned. It is only loaded from.
        unsafe { self.data.add(offset).cast::<AtomicU32>().as_ref() }
    }

    /// The record behind the header at `position`.
    ///
    /// # Safety
    ///
    /// `HEADER + bytes` is at most `size`, and nobody writes to that stretch while the slice lives.
    unsafe fn record(&self, position: u64, bytes: usize) -> &[u8] {
        let start = self.offset(position) + HEADER as usize;
        // SAFETY: the offset is below `size`, and header and record are at most `size` long, so all
        // lies within the `2 * size` bytes of the double mapping. The caller vouches for no writes.
        unsafe { slice::from_raw_parts(self.data.add(start).as_ptr(), bytes) }
    }

    fn offset(&self, position: u64) -> usize {
        position as usize & (self.size - 1)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        match self.owner {
            Owner::Maps { page } => {
                unmap(self.consumer.cast(), page);
                unmap(self.producer.cast(), page + 2 * self.size);
            }
            #[cfg(test)]
            Owner::Plain(_) => {}
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("size", &self.size).finish_non_exhaustive()
    }
}

fn map_shared(
    fd: BorrowedFd<'_>,
    offset: usize,
    bytes: usize,
    protection: ProtFlags,
) -> Result<NonNull<u8>, rustix::io::Errno> {
    // SAFETY: a fresh mapping at an address that the kernel chooses touches no memory in use.
    let address = unsafe {
        mmap(std::ptr::null_mut(), bytes, protection, MapFlags::SHARED, fd, offset as u64)?
    };
    NonNull::new(address.cast()).ok_or(rustix::io::Errno::NOMEM)
}

fn unmap(start: NonNull<u8>, bytes: usize) {
    // SAFETY: called once for each mapping of `map_shared`, with its own length, by the one owner.
    // It fails only for bad arguments.
    let _ = unsafe { munmap(start.as_ptr().cast(), bytes) };
}

#[cfg(test)]
mod tests {
    use std::cell::UnsafeCell;

    use super::*;

    /// Plays the kernel's part over plain memory.
    struct Producer {
        consumer: NonNull<AtomicU64>,
        producer: NonNull<AtomicU64>,
        data: NonNull<u8>,
        size: usize,
    }

    // SAFETY: as for `Memory`.
    unsafe impl Send for Producer {}

    fn ring(size: usize) -> (Ring, Producer) {
        ring_at(size, 0)
    }

    fn ring_at(size: usize, position: u64) -> (Ring, Producer) {
        let words: Box<[UnsafeCell<u64>]> =
            (0..2 + 2 * size / 8).map(|_| UnsafeCell::new(0)).collect();
        let start = NonNull::new(UnsafeCell::raw_get(words.as_ptr())).unwrap();
        // SAFETY: there are 2 + 2 * size / 8 words.
        let (consumer, producer, data) =
            unsafe { (start.cast::<AtomicU64>(), start.add(1).cast::<AtomicU64>(), start.add(2)) };
        let memory =
            Memory { consumer, producer, data: data.cast(), size, owner: Owner::Plain(words) };
        memory.consumer().store(position, Ordering::Relaxed);
        memory.producer().store(position, Ordering::Relaxed);
        (Ring::over(memory), Producer { consumer, producer, data: data.cast(), size })
    }

    impl Producer {
        fn position(&self) -> u64 {
            // SAFETY: the tests keep the ring, which owns the memory, alive.
            unsafe { self.producer.as_ref().load(Ordering::Relaxed) }
        }

        fn consumed(&self) -> u64 {
            // SAFETY: as above.
            unsafe { self.consumer.as_ref().load(Ordering::Acquire) }
        }

        fn write(&self, position: u64, bytes: &[u8]) {
            for (i, &byte) in bytes.iter().enumerate() {
                let at = (position as usize + i) & (self.size - 1);
                // SAFETY: both offsets are below `2 * size`.
                unsafe {
                    self.data.add(at).write(byte);
                    self.data.add(at + self.size).write(byte);
                }
            }
        }

        fn store_length(&self, position: u64, length: u32) {
            let at = position as usize & (self.size - 1);
            for at in [at, at + self.size] {
                // SAFETY: in bounds and aligned, as positions are multiples of 8.
                let word = unsafe { self.data.add(at).cast::<AtomicU32>().as_ref() };
                word.store(length, Ordering::Release);
            }
        }

        /// Reserves as the kernel does; `None` when there is no room.
        fn reserve(&self, length: usize) -> Option<u64> {
            let at = self.position();
            let next = at + (length as u64 + HEADER).next_multiple_of(ALIGN);
            if next.wrapping_sub(self.consumed()) > self.size as u64 - 1 {
                return None;
            }
            self.store_length(at, length as u32 | BUSY);
            // SAFETY: as in `position`.
            unsafe { self.producer.as_ref().store(next, Ordering::Release) };
            Some(at)
        }

        fn submit(&self, record: &[u8]) -> bool {
            let Some(at) = self.reserve(record.len()) else { return false };
            self.write(at + HEADER, record);
            self.store_length(at, record.len() as u32);
            true
        }
    }

    fn drain(ring: &mut Ring) -> (Vec<Vec<u8>>, Result<Stop, RingError>) {
        let mut records = Vec::new();
        let stop = ring.drain(|record| {
            records.push(record.to_vec());
            ControlFlow::Continue(())
        });
        (records, stop)
    }

    #[test]
    fn records_come_in_order_and_free_their_space() {
        let (mut ring, producer) = ring(4096);
        assert!(matches!(drain(&mut ring), (records, Ok(Stop::Empty)) if records.is_empty()));
        for record in [&b"first"[..], b"", b"third, longer than the others"] {
            assert!(producer.submit(record));
        }
        assert_eq!(ring.backlog(), 16 + 8 + 40);
        let (records, stop) = drain(&mut ring);
        assert_eq!(records, [&b"first"[..], b"", b"third, longer than the others"]);
        assert_eq!(stop.unwrap(), Stop::Empty);
        assert_eq!((producer.consumed(), ring.backlog()), (producer.position(), 0));
    }

    #[test]
    fn a_record_across_the_end_is_one_slice() {
        let (mut ring, producer) = ring(4096);
        for lap in 0..100_u8 {
            let record: Vec<u8> = (0..1000).map(|i| lap.wrapping_add(i as u8)).collect();
            assert!(producer.submit(&record));
            assert_eq!(drain(&mut ring).0, [record]);
        }
        assert!(producer.position() > 20 * 4096);
    }

    #[test]
    fn positions_may_overflow() {
        let (mut ring, producer) = ring_at(4096, u64::MAX - 15);
        producer.store_length(u64::MAX - 15, 4);
        producer.write(u64::MAX - 7, b"last");
        producer.store_length(0, 4);
        producer.write(8, b"next");
        // SAFETY: the ring is alive.
        unsafe { producer.producer.as_ref().store(16, Ordering::Release) };
        assert_eq!(drain(&mut ring).0, [b"last", b"next"]);
        assert_eq!(producer.consumed(), 16);
    }

    #[test]
    fn a_busy_record_stops_the_drain_and_a_discarded_one_does_not() {
        let (mut ring, producer) = ring(4096);
        producer.submit(b"one");
        let busy = producer.reserve(5).unwrap();
        producer.submit(b"three");
        let (records, stop) = drain(&mut ring);
        assert_eq!((records, stop.unwrap()), (vec![b"one".to_vec()], Stop::Busy));
        assert_eq!(producer.consumed(), busy);

        producer.store_length(busy, 5 | DISCARDED);
        let (records, stop) = drain(&mut ring);
        assert_eq!((records, stop.unwrap()), (vec![b"three".to_vec()], Stop::Empty));
    }

    #[test]
    fn a_refused_record_stays() {
        let (mut ring, producer) = ring(4096);
        producer.submit(b"one");
        producer.submit(b"two");
        let mut room = 1;
        let stop = ring.drain(|_| {
            room -= 1;
            if room < 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(stop.unwrap(), Stop::Refused);
        assert_eq!(drain(&mut ring).0, [b"two"]);
    }

    #[test]
    fn a_full_ring_takes_no_more_until_it_is_drained() {
        let (mut ring, producer) = ring(4096);
        let mut taken = 0;
        while producer.submit(&[7; 120]) {
            taken += 1;
        }
        assert_eq!(taken, 31, "128 bytes each, one byte less than the ring");
        assert_eq!(drain(&mut ring).0.len(), 31);
        assert!(producer.submit(&[7; 120]));
    }

    #[test]
    fn space_is_given_back_during_a_long_drain() {
        let (mut ring, producer) = ring(4096);
        while producer.submit(&[7; 120]) {}
        let mut refilled = 0;
        let stop = ring.drain(|_| {
            refilled += u32::from(producer.submit(&[8; 120]));
            ControlFlow::Continue(())
        });
        // What is reserved after the drain began waits for the next one: a drain always ends.
        assert_eq!(stop.unwrap(), Stop::Empty);
        assert!(refilled >= 20, "{refilled}");
        assert_eq!(drain(&mut ring).0.len() as u32, refilled);
    }

    #[test]
    fn lying_lengths_are_errors_and_the_ring_goes_on() {
        for length in [17, 4096, 5000, u32::MAX >> 2, DISCARDED | 999_999] {
            let (mut ring, producer) = ring(4096);
            producer.submit(b"good");
            let at = producer.reserve(16).unwrap();
            producer.store_length(at, length);
            let (records, stop) = drain(&mut ring);
            assert_eq!(records, [b"good"], "length {length}");
            assert!(stop.unwrap_err().to_string().contains("claims"), "length {length}");
            producer.submit(b"later");
            assert_eq!(drain(&mut ring).0, [b"later"], "length {length}");
        }
    }

    #[test]
    fn impossible_positions_are_errors() {
        for position in [4096 + 8, 12, u64::MAX] {
            let (mut ring, producer) = ring(4096);
            // SAFETY: the ring is alive.
            unsafe { producer.producer.as_ref().store(position, Ordering::Release) };
            let (records, stop) = drain(&mut ring);
            assert!(records.is_empty(), "{position}");
            assert!(stop.unwrap_err().to_string().contains("corrupt"), "{position}");
        }
    }

    #[test]
    fn sizes_that_no_ring_has_are_refused() {
        let null = std::fs::File::open("/dev/null").unwrap();
        for bytes in [0, 1, 4095, 4097, 12288, usize::MAX] {
            let error = Ring::map(std::os::fd::AsFd::as_fd(&null), bytes).unwrap_err();
            assert!(error.to_string().contains("power of two"), "{error}");
        }
        let error = Ring::map(std::os::fd::AsFd::as_fd(&null), 1 << 20).unwrap_err();
        assert!(error.to_string().starts_with("cannot map"), "{error}");
    }

    #[test]
    fn nothing_is_torn_or_lost_under_a_concurrent_producer() {
        let (mut ring, producer) = ring(4096);
        const RECORDS: u32 = 20_000;
        let thread = std::thread::spawn(move || {
            for number in 0..RECORDS {
                let record = number.to_le_bytes().repeat(1 + number as usize % 50);
                while !producer.submit(&record) {
                    std::thread::yield_now();
                }
            }
        });
        let mut next = 0;
        while next < RECORDS {
            ring.drain(|record| {
                assert_eq!(record, next.to_le_bytes().repeat(1 + next as usize % 50));
                next += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
            std::thread::yield_now();
        }
        thread.join().unwrap();
        assert_eq!(ring.backlog(), 0);
    }
}
