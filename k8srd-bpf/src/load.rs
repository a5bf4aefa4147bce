//! Loading: from the object to programs that run and rings that fill.
//!
//! [`Sensor::load`] loads and attaches everything but asks for no system calls; task lifecycles are
//! recorded from then on, so a snapshot ([`Sensor::task_rows`]) taken afterwards has no gap.
//! [`Sensor::subscribe`] sets the system calls. [`Sensor::detach`] stops all records and leaves the
//! maps, so what is in the rings can still be read.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use aya::maps::{Array, ArrayOfMaps, Map, MapData, MapError, PerCpuArray};
use aya::programs::links::FdLink;
use aya::programs::{Iter, Program};
use aya::{Btf, Ebpf, EbpfLoader};
use k8srd_core::catalogue as field;
use k8srd_core::field::FieldId;
use k8srd_core::interest::Interest;
use k8srd_core::kind::KindClass;
use zerocopy::IntoBytes;

use crate::abi::{LAYOUT, Plan, SNAP_MAX, counter};
use crate::calls::{Depth, Filter};
use crate::{record, shed};

mod error;
mod kept;
mod rung;

pub use error::LoadError;
pub use rung::Rung;

/// What is attached: program and tracepoint (they have the same name), and whether it may be missing.
/// Lifecycles first, so that no system call is seen of a task whose birth was not.
const TRACEPOINTS: &[(&str, Needed)] = &[
    // From 6.11. Without it an execveat that takes no directory is told as execve.
    ("sched_prepare_exec", Needed::No),
    ("sched_process_exec", Needed::Yes),
    ("sched_process_fork", Needed::Yes),
    ("sched_process_exit", Needed::Yes),
    ("sys_exit", Needed::Yes),
    // From 6.4. Without them what is opened and connected through io_uring is not seen. What is
    // complete was noted before.
    ("io_uring_complete", Needed::With("io_uring_submit_req")),
    ("io_uring_submit_req", Needed::No),
];

#[derive(Clone, Copy)]
enum Needed {
    Yes,
    No,
    /// Not where the kernel lacks that tracepoint.
    With(&'static str),
}

/// The least that a CPU's data ring and the lifecycle ring may have, in bytes.
const DATA_RING_MIN: u64 = 64 << 10;
const LIFECYCLE_RING_MIN: u64 = 256 << 10;
/// Most bytes of one ring: its size is a `u32`, a power of two.
const RING_MAX: u64 = 1 << 30;

/// How to load the sensor.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "plain data: built with struct update syntax")]
pub struct SensorOptions {
    /// Bytes of all ring buffers of the node together. An eighth is for task lifecycles, the rest is
    /// shared out to the CPUs.
    pub ring_memory: u64,
    /// Most bytes of a buffer that a call read or wrote: up to [`SNAP_MAX`].
    pub snap_length: u32,
    /// Whether `mmap` and `mprotect` of memory that is not to be executed, and `mmap` of files that
    /// are executed as they are, are told, too. Every program makes such calls all the time.
    pub all_memory_calls: bool,
    /// Which kinds are dropped on purpose as a data ring fills, so that the rest still fits: the first
    /// of these classes that is watched once the ring is half full, the next ones as it fills on. The
    /// most important class that is watched never is.
    pub shed: Vec<KindClass>,
    /// How to attach; without one, the best way that this kernel takes.
    pub rung: Option<Rung>,
}

impl Default for SensorOptions {
    /// 64 MiB of ring buffers, as much of a buffer as Falco has: 80 bytes, and [`KindClass::ALL`] in
    /// that order.
    fn default() -> Self {
        Self {
            ring_memory: 64 << 20,
            snap_length: 80,
            all_memory_calls: false,
            shed: KindClass::ALL.to_vec(),
            rung: None,
        }
    }
}

/// A ring buffer map.
#[derive(Debug)]
pub struct RingMap {
    fd: OwnedFd,
    bytes: usize,
}

impl RingMap {
    /// How many bytes of records it holds.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl AsFd for RingMap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Values of the counters ([`counter`]), of one CPU or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters([u64; counter::COUNT as usize]);

impl Counters {
    /// One of [`counter`].
    ///
    /// # Panics
    ///
    /// If `slot` is not one of them.
    #[must_use]
    pub fn get(&self, slot: u32) -> u64 {
        self.0[slot as usize]
    }
}

/// The programs, loaded and attached, and their maps. Dropping it detaches and frees everything.
pub struct Sensor {
    rung: Rung,
    /// Why it is not a better one.
    refusal: Option<LoadError>,
    ebpf: Ebpf,
    btf: Btf,
    /// What keeps the programs attached, by name.
    links: Vec<(&'static str, FdLink)>,
    lifecycle: RingMap,
    data: Vec<RingMap>,
    counters: PerCpuArray<MapData, u64>,
    syscalls: Array<MapData, u32>,
    plans: Array<MapData, [u8; size_of::<Plan>()]>,
    /// What both hold.
    filter: Filter,
    shed: Array<MapData, shed::Row>,
    /// What `shed` holds.
    shed_rows: Vec<shed::Row>,
    options: SensorOptions,
    rows: Rows,
}

impl fmt::Debug for Sensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rung,
            refusal,
            ebpf: _,
            btf: _,
            links,
            lifecycle,
            data,
            counters: _,
            syscalls: _,
            plans: _,
            filter: _,
            shed: _,
            shed_rows: _,
            options,
            rows,
        } = self;
        f.debug_struct("Sensor")
            .field("rung", rung)
            .field("refusal", refusal)
            .field("attached", &links.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("lifecycle", lifecycle)
            .field("data", data)
            .field("options", options)
            .field("rows", rows)
            .finish_non_exhaustive()
    }
}

/// Which program gives task rows: the one that reads arguments, or the one for old kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    Whole,
    WithoutArguments,
}

impl Rows {
    const fn program(self) -> &'static str {
        match self {
            Self::Whole => "task_rows",
            Self::WithoutArguments => "task_rows_atomic",
        }
    }
}

impl Sensor {
    /// Loads and attaches the kernel programs. The calling thread group is left out of all records
    /// but for the processes that it starts.
    ///
    /// # Errors
    ///
    /// [`LoadError`] says what is missing: kernel type information (BTF), a capability, memory.
    pub fn load(options: &SensorOptions) -> Result<Self, LoadError> {
        if options.snap_length > SNAP_MAX as u32 {
            return Err(LoadError::snap_length(options.snap_length));
        }
        if let Some(rung) = options.rung {
            return Self::load_rung(options, rung);
        }
        let mut refusal = None;
        for rung in Rung::ALL {
            match Self::load_rung(options, rung) {
                Ok(sensor) => return Ok(Self { refusal, ..sensor }),
                Err(error) if !error.may_be_the_rungs() => return Err(error),
                // Of all rungs the best one's reason is told: it is what most kernels take.
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or_else(|| LoadError::no_program("sys_exit")))
    }

    fn load_rung(options: &SensorOptions, rung: Rung) -> Result<Self, LoadError> {
        let object = rung.object();
        check_object(object)?;
        let btf = Btf::from_sys_fs().map_err(LoadError::btf)?;
        let cpus = aya::util::nr_cpus().map_err(|(_, error)| LoadError::cpus(error))?;
        let online = aya::util::online_cpus().map_err(|(_, error)| LoadError::cpus(error))?;
        let sizes = RingSizes::share(options.ring_memory, online.len(), page_size())?;

        let page_kib = (page_size() / 1024) as u32;
        let mut ebpf = EbpfLoader::new()
            .btf(Some(&btf))
            .override_global("page_kib", &page_kib, true)
            .map_max_entries("lifecycle", sizes.lifecycle)
            .map_max_entries("data", cpus as u32)
            .load(kept::Object::for_kernel(object, &btf).bytes())
            .map_err(LoadError::object)?;

        // The programs are loaded later and name their maps by descriptor: none may be closed before.
        let lifecycle = match ebpf.map("lifecycle").ok_or_else(|| LoadError::no_map("lifecycle"))? {
            Map::RingBuf(map) => RingMap { fd: own(map)?, bytes: sizes.lifecycle as usize },
            _ => return Err(LoadError::no_map("lifecycle")),
        };
        let data = ebpf.map_mut("data").ok_or_else(|| LoadError::no_map("data"))?;
        let data = fill_slots(data, cpus as u32, &online, sizes.data)?;
        let counters = take(&mut ebpf, "counters")?;
        let syscalls = take(&mut ebpf, "syscalls")?;
        let plans = take(&mut ebpf, "plans")?;
        let shed = take(&mut ebpf, "shed")?;
        let mut sensor = Self {
            rung,
            refusal: None,
            links: Vec::new(),
            rows: Rows::Whole,
            lifecycle,
            data,
            counters: counters.try_into().map_err(|e| LoadError::map("counters", e))?,
            syscalls: syscalls.try_into().map_err(|e| LoadError::map("syscalls", e))?,
            plans: plans.try_into().map_err(|e| LoadError::map("plans", e))?,
            filter: Filter::closed(),
            shed: shed.try_into().map_err(|e| LoadError::map("shed", e))?,
            shed_rows: shed::rows(&[], &[], 0),
            options: options.clone(),
            ebpf,
            btf,
        };
        sensor.rows = sensor.load_rows()?;
        sensor.mark_own()?;
        sensor.attach()?;
        Ok(sensor)
    }

    /// How the programs are attached.
    #[must_use]
    pub fn rung(&self) -> Rung {
        self.rung
    }

    /// Why this kernel did not take a better way to attach, if one was tried.
    #[must_use]
    pub fn refusal(&self) -> Option<&LoadError> {
        self.refusal.as_ref()
    }

    /// Sets the system calls that are recorded to those of an interest; of its fields, those about
    /// descriptors and paths say how much of each is read. Lifecycles (successful exec, new tasks,
    /// exits) always are.
    ///
    /// # Errors
    ///
    /// If the kernel refuses a change of its maps. Changes before that one stay.
    pub fn subscribe(&mut self, interest: &Interest) -> Result<(), LoadError> {
        let kinds: Vec<u16> = interest.kinds().iter().map(|kind| kind.0).collect();
        let ring = self.data.first().map_or(0, RingMap::bytes);
        let rows = shed::rows(&self.options.shed, &kinds, ring);
        for ((place, row), held) in (0..).zip(rows).zip(&mut self.shed_rows) {
            if *held != row {
                self.shed.set(place, row, 0).map_err(|error| LoadError::map("shed", error))?;
                *held = row;
            }
        }
        let wanted = |fields: &[FieldId]| fields.iter().any(|&id| interest.fields().contains(id));
        let depth = Depth {
            snap: self.options.snap_length,
            descriptors: wanted(record::DESCRIPTOR_FIELDS),
            paths: wanted(record::DESCRIPTOR_PATH_FIELDS),
            bases: wanted(&[field::CTX_PATH_BASE, field::CTX_PATH_BASE2]),
            all_memory: self.options.all_memory_calls,
        };
        let filter = Filter::new(&kinds, depth);
        // A call that is let through finds its plan: what is new has one before, what is old after.
        self.set_kinds(|slot, new| if new == 0 { 0 } else { slot }, &filter)?;
        for (nr, (old, new)) in self.filter.plans.iter_mut().zip(&filter.plans).enumerate() {
            if old != new {
                let mut bytes = [0; size_of::<Plan>()];
                bytes.copy_from_slice(new.as_bytes());
                self.plans
                    .set(nr as u32, bytes, 0)
                    .map_err(|error| LoadError::map("plans", error))?;
                *old = *new;
            }
        }
        self.set_kinds(|_, new| new, &filter)
    }

    fn set_kinds(
        &mut self,
        value: impl Fn(u32, u32) -> u32,
        filter: &Filter,
    ) -> Result<(), LoadError> {
        for (nr, (old, &new)) in self.filter.kinds.iter_mut().zip(&filter.kinds).enumerate() {
            let value = value(*old, new);
            if *old != value {
                self.syscalls
                    .set(nr as u32, value, 0)
                    .map_err(|error| LoadError::map("syscalls", error))?;
                *old = value;
            }
        }
        Ok(())
    }

    /// The ring of the processes' exec, fork and exit records.
    #[must_use]
    pub fn lifecycle(&self) -> &RingMap {
        &self.lifecycle
    }

    /// The rings of all other records: one for each CPU that was online at load. A CPU that comes
    /// later writes to one of them, too.
    #[must_use]
    pub fn data(&self) -> &[RingMap] {
        &self.data
    }

    /// Starts a pass over all threads of the agent's pid namespace: a stream of records of
    /// [`kind::TASK`](crate::abi::kind::TASK), back to back, each [`Header::size`](crate::abi::Header)
    /// bytes long. Read one pass to its end before the next begins: a row is built in shared memory.
    ///
    /// # Errors
    ///
    /// If the kernel refuses the iterator.
    pub fn task_rows(&mut self) -> Result<impl Read + use<>, LoadError> {
        self.iterate(self.rows.program())
    }

    /// Whether task rows have arguments and environment. Where they do not (before 5.18),
    /// `/proc/PID/cmdline` and `environ` do.
    #[must_use]
    pub fn rows_have_arguments(&self) -> bool {
        self.rows == Rows::Whole
    }

    /// The counters of each possible CPU.
    ///
    /// # Errors
    ///
    /// If the kernel refuses to read the map.
    pub fn counters(&self) -> Result<Vec<Counters>, LoadError> {
        let mut cpus = Vec::new();
        for slot in 0..counter::COUNT {
            let values =
                self.counters.get(&slot, 0).map_err(|error| LoadError::map("counters", error))?;
            cpus.resize(values.len(), Counters::default());
            for (cpu, &value) in cpus.iter_mut().zip(values.iter()) {
                cpu.0[slot as usize] = value;
            }
        }
        Ok(cpus)
    }

    /// How often the kernel skipped a program because the CPU was already running it (only
    /// preemptible kernels may). Each is a record that was not even attempted.
    ///
    /// # Errors
    ///
    /// If `/proc/self/fdinfo` cannot be read.
    pub fn skipped(&self) -> io::Result<u64> {
        let mut skipped = 0;
        for name in TRACEPOINTS.iter().map(|&(name, _)| name).chain([rung::PERF_SYS_EXIT]) {
            let Some(Ok(fd)) = self.ebpf.program(name).map(Program::fd) else {
                continue;
            };
            let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd()))?;
            skipped += info
                .lines()
                .find_map(|line| line.strip_prefix("recursion_misses:"))
                .and_then(|count| count.trim().parse::<u64>().ok())
                .unwrap_or(0);
        }
        Ok(skipped)
    }

    /// Names of the programs that are attached.
    pub fn attached(&self) -> impl Iterator<Item = &'static str> {
        self.links.iter().map(|&(name, _)| name)
    }

    /// Detaches all programs: nothing new is recorded, and what the rings hold can still be read. A
    /// program that was running on another CPU may submit its record a moment later.
    pub fn detach(&mut self) {
        self.links.clear();
    }

    /// Loads the iterator that this kernel can run.
    fn load_rows(&mut self) -> Result<Rows, LoadError> {
        let whole = self.rung == Rung::TpBtf;
        match whole.then(|| self.load_iterator(Rows::Whole.program())) {
            Some(Ok(())) => Ok(Rows::Whole),
            _ => self
                .load_iterator(Rows::WithoutArguments.program())
                .map(|()| Rows::WithoutArguments),
        }
    }

    fn load_iterator(&mut self, name: &'static str) -> Result<(), LoadError> {
        let Self { ebpf, btf, .. } = self;
        iterator(ebpf, name)?.load("task", btf).map_err(|error| LoadError::program(name, error))
    }

    /// Starts reading an iterator.
    fn iterate(&mut self, name: &'static str) -> Result<File, LoadError> {
        let program = iterator(&mut self.ebpf, name)?;
        let link = program.attach().map_err(|error| LoadError::program(name, error))?;
        let link = program.take_link(link).map_err(|error| LoadError::program(name, error))?;
        link.into_file().map_err(|error| LoadError::link(name, error))
    }

    /// Tells the programs who we are. An iterator runs as its reader, so the kernel itself notes our
    /// thread group; a process id would mean something else in another pid namespace.
    fn mark_own(&mut self) -> Result<(), LoadError> {
        self.load_iterator("mark_own")?;
        let mut nothing = Vec::new();
        self.iterate("mark_own")?
            .read_to_end(&mut nothing)
            .map_err(|error| LoadError::read("mark_own", error))?;
        Ok(())
    }

    fn attach(&mut self) -> Result<(), LoadError> {
        let Self { rung, ebpf, btf, links, .. } = self;
        for &(name, needed) in TRACEPOINTS {
            if matches!(needed, Needed::With(other) if !rung::has_tracepoint(btf, other)) {
                continue;
            }
            match rung.attach(ebpf, btf, name) {
                Ok(Some(attached)) => links.push(attached),
                Ok(None) if matches!(needed, Needed::No) => {}
                Ok(None) => return Err(LoadError::no_tracepoint(name)),
                Err(error) => return Err(LoadError::program(name, error)),
            }
        }
        Ok(())
    }
}

fn iterator<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut Iter, LoadError> {
    let program = ebpf.program_mut(name).ok_or_else(|| LoadError::no_program(name))?;
    program.try_into().map_err(|error| LoadError::program(name, error))
}

fn take(ebpf: &mut Ebpf, name: &'static str) -> Result<Map, LoadError> {
    ebpf.take_map(name).ok_or_else(|| LoadError::no_map(name))
}

fn own(map: &MapData) -> Result<OwnedFd, LoadError> {
    map.fd().as_fd().try_clone_to_owned().map_err(|error| LoadError::read("a ring buffer", error))
}

/// Makes a ring for each online CPU and puts one into each slot, those of CPUs that may come later too.
fn fill_slots(
    slots: &mut Map,
    cpus: u32,
    online: &[u32],
    bytes: u32,
) -> Result<Vec<RingMap>, LoadError> {
    const RINGBUF: u32 = aya_obj::generated::bpf_map_type::BPF_MAP_TYPE_RINGBUF as u32;

    let data_error = |error| LoadError::map("data", error);
    let mut slots = ArrayOfMaps::<&mut MapData, MapData>::try_from(slots).map_err(data_error)?;
    let rings = online
        .iter()
        .map(|_| {
            let map = aya_obj::Map::new_from_params(RINGBUF, 0, 0, bytes, 0);
            MapData::create(map, "data_ring", None)
        })
        .collect::<Result<Vec<_>, MapError>>()
        .map_err(data_error)?;
    for cpu in 0..cpus {
        let at = online.iter().position(|&id| id == cpu).unwrap_or(cpu as usize % rings.len());
        slots.set(cpu, &rings[at], 0).map_err(data_error)?;
    }
    rings.iter().map(|ring| Ok(RingMap { fd: own(ring)?, bytes: bytes as usize })).collect()
}

/// How ring memory is shared out, in bytes.
#[derive(Debug, PartialEq, Eq)]
struct RingSizes {
    lifecycle: u32,
    data: u32,
}

impl RingSizes {
    fn share(budget: u64, cpus: usize, page: u64) -> Result<Self, LoadError> {
        let cpus = cpus.max(1) as u64;
        let least = LIFECYCLE_RING_MIN.max(page) + cpus * DATA_RING_MIN.max(page);
        if budget < least {
            return Err(LoadError::ring_memory(budget, least));
        }
        let lifecycle = power_of_two(budget / 8).max(LIFECYCLE_RING_MIN).max(page);
        let data = power_of_two((budget - lifecycle) / cpus);
        Ok(Self { lifecycle: lifecycle as u32, data: data as u32 })
    }
}

/// The largest power of two that is not above `bytes`; the kernel takes no other size.
fn power_of_two(bytes: u64) -> u64 {
    (1 << bytes.max(1).ilog2()).min(RING_MAX)
}

fn page_size() -> u64 {
    rustix::param::page_size() as u64
}

/// An object that was built from another table than ours would write other records.
fn check_object(object: &[u8]) -> Result<(), LoadError> {
    let mark = format!("k8srd layout={LAYOUT:016x} ");
    if object.windows(mark.len()).any(|window| window == mark.as_bytes()) {
        Ok(())
    } else {
        Err(LoadError::stale_object())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snap_length_beyond_what_can_be_read_is_refused() {
        let snap_length = SNAP_MAX as u32 + 1;
        let options = SensorOptions { snap_length, ..SensorOptions::default() };
        let error = Sensor::load(&options).expect_err("too long");
        assert_eq!(
            error.to_string(),
            "no more than 4096 bytes of a buffer can be read: set snap_length to that or less, not \
             to 4097"
        );
    }

    #[test]
    fn the_objects_are_built_from_our_layout() {
        for rung in Rung::ALL {
            check_object(rung.object()).expect("run `cargo xtask bpf`");
            assert!(check_object(&rung.object()[..64]).is_err());
        }
    }

    #[test]
    fn ring_memory_is_shared_out_and_never_exceeded() {
        let mib = 1 << 20;
        let share = |budget, cpus| RingSizes::share(budget, cpus, 4096);
        assert_eq!(share(64 * mib, 2).unwrap(), RingSizes { lifecycle: 8 << 20, data: 16 << 20 });
        assert_eq!(share(mib / 2, 2).unwrap(), RingSizes { lifecycle: 256 << 10, data: 128 << 10 });
        for cpus in [1, 2, 3, 7, 64, 128, 448] {
            for budget in [mib, 10 * mib, 64 * mib, 1000 * mib, 64 << 30] {
                let Ok(sizes) = share(budget, cpus) else { continue };
                let total = u64::from(sizes.lifecycle) + u64::from(sizes.data) * cpus as u64;
                assert!(total <= budget, "{cpus} CPUs, {budget} bytes: {sizes:?}");
                assert!(sizes.data.is_power_of_two() && u64::from(sizes.data) >= DATA_RING_MIN);
            }
        }
    }

    #[test]
    fn too_little_ring_memory_says_how_much_is_needed() {
        let error = RingSizes::share(1 << 20, 64, 4096).unwrap_err().to_string();
        assert!(error.contains("4456448"), "{error}");
        // Rings are whole pages, which may be large.
        assert!(RingSizes::share(256 << 10, 1, 65536).is_err());
    }
}
