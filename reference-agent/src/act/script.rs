//! What one act does: calls, one after the other, and what is to be told of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use k8srd_core::kind::{KINDS, KindInfo, ParamInfo, ParamType, enum_text, flags_text, mode_text};
use nix::libc;
use serde_json::{Map, Value, json};

use super::Act;
use super::calls;
use super::place::{Inherited, Place};
use super::program::{DATA, Operand, Step, program};

/// How many calls one script may make.
const CALLS: usize = 160;
/// The most memory of a script: it is told through a pipe, which holds that much.
const MEMORY: usize = 0x1_0000;
/// How many seconds an actor may live, whatever it waits for.
const LIMIT: u32 = 10;

/// A call of a script: what it returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call(usize);

/// Memory of a script.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buffer(usize);

impl Call {
    fn address(self) -> u64 {
        DATA + self.0 as u64 * 8
    }
}

impl Buffer {
    pub(super) fn address(self) -> u64 {
        DATA + self.0 as u64
    }

    /// What begins so many bytes later.
    pub(super) fn at(self, offset: usize) -> Self {
        Self(self.0 + offset)
    }
}

/// What a param of an event has to be.
pub(super) enum Truth {
    Is(Value),
    /// Names of flags, in any order, joined by `|`.
    Names(String),
    /// What a call returned.
    Result(Call),
    /// What is known when all is done.
    Found(Box<dyn Fn(&Ran) -> Value>),
}

impl<T: Into<Value>> From<T> for Truth {
    fn from(value: T) -> Self {
        Self::Is(value.into())
    }
}

/// What the script left behind when it ended.
pub(super) fn found<T: Into<Value>>(find: impl Fn(&Ran) -> T + 'static) -> Truth {
    Truth::Found(Box::new(move |ran| find(ran).into()))
}

pub(super) const NULL: Truth = Truth::Is(Value::Null);

/// A buffer with nothing in it, as Falco prints it.
pub(super) const EMPTY: &str = "NULL";

/// An argument of a call, and the param that tells it, if one does.
pub(super) struct Arg {
    param: &'static str,
    word: Word,
    truth: Option<Truth>,
}

enum Word {
    Is(Operand),
    Text(Vec<u8>),
    /// A path, told as an absolute one if the kind's param is a path.
    Path(String),
}

/// A number, told as it is.
pub(super) fn n(param: &'static str, number: i64) -> Arg {
    let word = Word::Is(Operand::Number(number as u64));
    Arg { param, word, truth: Some(number.into()) }
}

/// A number that is told by names of Falco's.
pub(super) fn named(param: &'static str, number: impl Into<i64>, names: &str) -> Arg {
    let truth = Some(Truth::Names(names.to_owned()));
    Arg { truth, ..n(param, number.into()) }
}

/// A path: told as an absolute one.
pub(super) fn path(param: &'static str, path: &str) -> Arg {
    Arg { param, word: Word::Path(path.to_owned()), truth: None }
}

/// A text, told as it is.
pub(super) fn text(param: &'static str, text: &str) -> Arg {
    Arg { param, word: Word::Text(text.into()), truth: Some(text.into()) }
}

/// What a call returned.
pub(super) fn of(param: &'static str, call: Call) -> Arg {
    let word = Word::Is(Operand::At(call.address()));
    Arg { param, word, truth: Some(Truth::Result(call)) }
}

/// Four bytes of memory as a number.
pub(super) fn half(param: &'static str, buffer: Buffer) -> Arg {
    let word = Word::Is(Operand::HalfAt(buffer.address()));
    let truth = found(move |ran| ran.i32(buffer));
    Arg { param, word, truth: Some(truth) }
}

/// The working directory in place of a descriptor.
pub(super) fn cwd(param: &'static str) -> Arg {
    n(param, -100)
}

/// An argument of which no param tells.
pub(super) fn raw(number: impl Into<i64>) -> Arg {
    let number: i64 = number.into();
    Arg { param: "", word: Word::Is(Operand::Number(number as u64)), truth: None }
}

/// The address of memory, of which no param tells.
pub(super) fn pointer(buffer: Buffer) -> Arg {
    raw(buffer.address() as i64)
}

/// An address that is never mapped.
pub(super) fn nowhere() -> Arg {
    raw(8)
}

impl Arg {
    /// The param tells this.
    pub(super) fn told(self, truth: impl Into<Truth>) -> Self {
        Self { truth: Some(truth.into()), ..self }
    }

    /// A param tells this of an argument that it does not tell itself.
    pub(super) fn telling(self, param: &'static str, truth: impl Into<Truth>) -> Self {
        Self { param, truth: Some(truth.into()), ..self }
    }
}

/// An event that the kernel has to report.
struct Expected {
    kind: &'static KindInfo,
    /// Whose it is: the actor's, or that of the task which a call made.
    task: Option<Call>,
    call: Option<Call>,
    params: Vec<(&'static str, Truth)>,
    descriptor: Vec<(&'static str, Truth)>,
}

/// What one act does.
pub(super) struct Script<'a> {
    pub(super) act: &'a Act,
    pub(super) place: &'a Place,
    pub(super) inherited: Inherited,
    steps: Vec<Step>,
    memory: Vec<u8>,
    calls: usize,
    task: Option<Call>,
    expected: Vec<Expected>,
    /// What cannot be done, the first of all.
    problem: Option<anyhow::Error>,
}

impl<'a> Script<'a> {
    pub(super) fn new(act: &'a Act, place: &'a Place) -> Result<Self> {
        let mut script = Self {
            act,
            place,
            inherited: Inherited::read()?,
            steps: Vec::new(),
            memory: vec![0; CALLS * 8],
            calls: 0,
            task: None,
            expected: Vec::new(),
            problem: None,
        };
        // struct itimerval: the signal comes once, and ends the actor.
        let limit = script.bytes(&[[0; 16], u128::from(LIMIT).to_le_bytes()].concat());
        script.call("setitimer", [raw(0), pointer(limit), raw(0)]);
        Ok(script)
    }

    /// Makes a call of which an event tells that has the call's name. The params that the arguments do
    /// not tell follow with [`Script::and`]; what is returned is told by the first.
    pub(super) fn did<const N: usize>(&mut self, kind: &'static str, args: [Arg; N]) -> Call {
        self.did_by(kind, kind, args)
    }

    /// The same of a call with another name than its event.
    pub(super) fn did_by<const N: usize>(
        &mut self,
        kind: &'static str,
        call: &str,
        args: [Arg; N],
    ) -> Call {
        let (call, params) = self.make(call, kind, args);
        let Some(info) = kind_named(kind) else {
            self.fail(anyhow::anyhow!("no kind has the name {kind}"));
            return call;
        };
        let (task, descriptor) = (self.task, Vec::new());
        self.expected.push(Expected { kind: info, task, call: Some(call), params, descriptor });
        if info.kind.is_call() {
            self.and("ID", kind);
            self.and("nativeID", calls::number(kind).unwrap_or_default());
        } else if let Some(result) = info.params.first() {
            self.and(result.name, Truth::Result(call));
        }
        call
    }

    /// A param of the event that was told last.
    pub(super) fn and(&mut self, param: &'static str, truth: impl Into<Truth>) {
        if let Some(last) = self.expected.last_mut() {
            last.params.push((param, truth.into()));
        }
    }

    /// What the descriptor of the event that was told last is.
    pub(super) fn descriptor(&mut self, ty: &'static str, name: Option<Truth>) {
        if let Some(last) = self.expected.last_mut() {
            last.descriptor.push(("type", ty.into()));
            last.descriptor.extend(name.map(|name| ("name", name)));
        }
    }

    /// An event that is no call of the script's: its params follow with [`Script::and`].
    pub(super) fn event(&mut self, kind: &'static str) {
        match kind_named(kind) {
            Some(kind) => {
                let (task, params, descriptor) = (self.task, Vec::new(), Vec::new());
                self.expected.push(Expected { kind, task, call: None, params, descriptor });
            }
            None => self.fail(anyhow::anyhow!("no kind has the name {kind}")),
        }
    }

    /// Makes a call of which no event of the act's kinds tells.
    pub(super) fn call<const N: usize>(&mut self, name: &str, args: [Arg; N]) -> Call {
        if self.act.kinds.contains(&name) {
            self.fail(anyhow::anyhow!("{name} is told by an event: tell it"));
        }
        self.make(name, name, args).0
    }

    fn make<const N: usize>(
        &mut self,
        name: &str,
        kind: &str,
        args: [Arg; N],
    ) -> (Call, Vec<(&'static str, Truth)>) {
        let (mut arguments, mut params) = (Vec::new(), Vec::new());
        for Arg { param, word, truth } in args {
            let (operand, own) = match word {
                Word::Is(operand) => (operand, None),
                Word::Text(text) => (Operand::Number(self.text(&text).address()), None),
                Word::Path(path) => {
                    let info = kind_named(kind).and_then(|info| info.param(param));
                    let is_path = info.is_some_and(|(_, it)| {
                        matches!(it.ty, ParamType::Path | ParamType::RelPath)
                    });
                    let told = if is_path { self.place.absolute(&path) } else { path.clone() };
                    (Operand::Number(self.text(path.as_bytes()).address()), Some(told.into()))
                }
            };
            arguments.push(operand);
            if !param.is_empty() {
                params.extend(truth.or(own).map(|truth| (param, truth)));
            }
        }
        let call = Call(self.calls);
        self.calls += 1;
        match calls::number(name) {
            _ if self.calls > CALLS => self.fail(anyhow::anyhow!("more than {CALLS} calls")),
            Some(number) => {
                self.steps.push(Step::Call { number, arguments, result: call.address() });
            }
            None => self.fail(anyhow::anyhow!("this machine has no system call {name}")),
        }
        (call, params)
    }

    /// What the process does that the last call made. It ends with this code.
    pub(super) fn in_child(&mut self, made: Call, code: i32, act: impl FnOnce(&mut Self)) {
        self.in_task(made, |s| {
            act(s);
            s.call("exit_group", [raw(code)]);
        });
    }

    /// What the task does that the last call made. It must end.
    pub(super) fn in_task(&mut self, made: Call, act: impl FnOnce(&mut Self)) {
        let outer = std::mem::take(&mut self.steps);
        let task = self.task.replace(made);
        act(self);
        self.task = task;
        let inner = std::mem::replace(&mut self.steps, outer);
        self.steps.push(Step::IfZero(inner));
    }

    /// The events that follow are those of the task which this call made.
    pub(super) fn in_events_of(&mut self, made: Call, tell: impl FnOnce(&mut Self)) {
        let task = self.task.replace(made);
        tell(self);
        self.task = task;
    }

    /// A process that shares the actor's memory, which waits until the process is another program or has
    /// ended: what its calls return is told with the rest.
    pub(super) fn child(&mut self, code: i32, act: impl FnOnce(&mut Self, Call)) -> Call {
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let made = self.call("clone", [raw(flags), raw(0), raw(0), raw(0), raw(0)]);
        self.in_child(made, code, |s| act(s, made));
        self.wait_for(made);
        made
    }

    pub(super) fn wait_for(&mut self, child: Call) {
        self.call("wait4", [of("", child), raw(0), raw(libc::__WALL), raw(0)]);
    }

    /// Puts 4 bytes where the call's result leads, and further by the offset and by what the 4 bytes of
    /// `distance` say.
    pub(super) fn put(&mut self, mapped: Call, distance: Option<Buffer>, offset: u16, number: u32) {
        let (base, distance) = (mapped.address(), distance.map(Buffer::address));
        self.steps.push(Step::Put { base, distance, offset, number });
    }

    /// Memory with these bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Buffer {
        // Structures lie where the kernel likes them.
        self.memory.resize(self.memory.len().next_multiple_of(16), 0);
        let buffer = Buffer(self.memory.len());
        self.memory.extend(bytes);
        buffer
    }

    /// Memory of zeros.
    pub(super) fn space(&mut self, size: usize) -> Buffer {
        self.bytes(&vec![0; size])
    }

    /// A text with the zero that ends it.
    pub(super) fn text(&mut self, text: &[u8]) -> Buffer {
        self.bytes(&[text, b"\0"].concat())
    }

    /// Numbers of 8 bytes.
    pub(super) fn longs(&mut self, numbers: &[u64]) -> Buffer {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.bytes(&bytes)
    }

    /// What [`Script::longs`] put there.
    pub(super) fn longs_at(&self, buffer: Buffer, count: usize) -> Vec<u64> {
        let bytes = self.memory.get(buffer.0..buffer.0 + 8 * count).unwrap_or_default();
        bytes.chunks_exact(8).map(|it| it.try_into().map_or(0, u64::from_le_bytes)).collect()
    }

    /// A file for the act, made before it begins.
    pub(super) fn file(&mut self, name: &str, text: &str) {
        if let Err(error) = self.place.write(name, text) {
            self.fail(error);
        }
    }

    pub(super) fn fail(&mut self, problem: anyhow::Error) {
        self.problem.get_or_insert(problem);
    }

    /// Does it, and tells of it: an object an event.
    pub(super) fn run(mut self) -> Result<Vec<Value>> {
        // The report is a write like others.
        let size = self.memory.len() + 8;
        let report = [n("fd", 1), raw(DATA as i64), n("size", size as i64)];
        if self.act.kinds.contains(&"write") {
            self.did("write", report);
            self.and("data", found(|ran| printable(&ran.memory[..ran.memory.len().min(80)])));
        } else {
            self.call("write", report);
        }
        self.memory.resize(size, 0);
        ensure!(size <= MEMORY, "{size} bytes of memory are too many");
        self.call("exit_group", [raw(0)]);
        if self.act.kinds.contains(&"procexit") {
            self.event("procexit");
            self.exits(0);
        }
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let file = self.place.actor();
        self.place.write_program(&file, &program(&self.steps, &self.memory)?)?;
        let child = Command::new(&file)
            .current_dir(self.place.work())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().write(true).open("/dev/null")?)
            .spawn()
            .context("the actor cannot be started")?;
        let pid = i64::from(child.id());
        let output = child.wait_with_output()?;
        if output.stdout.len() != size {
            bail!("the actor ended before it had done everything: {}", output.status);
        }
        let ran = Ran { pid, memory: output.stdout, report: self.calls - 2 };
        self.expected.iter().map(|expected| tell(expected, self.act, &ran)).collect()
    }

    /// The params of an end without a signal, with this code.
    pub(super) fn exits(&mut self, code: i64) {
        for (param, number) in
            [("status", code << 8), ("ret", code), ("core", 0), ("reaper_tid", 0)]
        {
            self.and(param, number);
        }
        self.and("sig", "0");
    }
}

/// What the actor left behind.
pub(super) struct Ran {
    pub(super) pid: i64,
    memory: Vec<u8>,
    /// The call that wrote this memory, which does not hold what it returned itself.
    report: usize,
}

impl Ran {
    pub(super) fn result(&self, call: Call) -> i64 {
        if call.0 == self.report {
            return self.memory.len() as i64;
        }
        self.u64(Buffer(call.0 * 8)) as i64
    }

    pub(super) fn bytes(&self, buffer: Buffer, size: usize) -> &[u8] {
        self.memory.get(buffer.0..buffer.0 + size).unwrap_or_default()
    }

    pub(super) fn u64(&self, buffer: Buffer) -> u64 {
        self.bytes(buffer, 8).try_into().map_or(0, u64::from_le_bytes)
    }

    pub(super) fn u32(&self, buffer: Buffer) -> u32 {
        self.bytes(buffer, 4).try_into().map_or(0, u32::from_le_bytes)
    }

    pub(super) fn i32(&self, buffer: Buffer) -> i32 {
        self.u32(buffer) as i32
    }
}

fn kind_named(name: &str) -> Option<&'static KindInfo> {
    KINDS.iter().find(|info| info.name == name && !info.kind.is_state())
}

/// The event as an object. Every param is told, or the act's row says why not.
fn tell(expected: &Expected, act: &Act, ran: &Ran) -> Result<Value> {
    let kind = &expected.kind;
    ensure!(
        act.kinds.contains(&&*kind.name),
        "the act {} tells of {}, which is not in its row",
        act.name,
        kind.name
    );
    let mut truths: BTreeMap<_, _> =
        expected.params.iter().map(|(param, truth)| (*param, truth)).collect();
    let mut params = Map::new();
    for param in kind.params.iter() {
        match truths.remove(param.name) {
            Some(truth) => {
                params.insert(param.name.to_owned(), truth.value(Some(param), ran)?);
            }
            None if act.untold.iter().any(|(name, _)| *name == param.name) => {}
            None => bail!("the act {} does not say {} of {}", act.name, param.name, kind.name),
        }
    }
    if let Some(param) = truths.keys().next() {
        bail!("{} has no param {param}", kind.name);
    }
    let tid = expected.task.map_or(ran.pid, |call| ran.result(call));
    let mut object = json!({ "tid": tid, "kind": kind.name, "params": params });
    if let Some(call) = expected.call {
        object["result"] = ran.result(call).into();
    }
    if !expected.descriptor.is_empty() {
        let told = expected.descriptor.iter();
        let told = told.map(|(name, truth)| Ok(((*name).to_owned(), truth.value(None, ran)?)));
        object["fd"] = Value::Object(told.collect::<Result<_>>()?);
    }
    Ok(object)
}

impl Truth {
    /// As `k8srd events --json` prints it.
    fn value(&self, param: Option<&ParamInfo>, ran: &Ran) -> Result<Value> {
        Ok(match self {
            Self::Is(value) => value.clone(),
            Self::Result(call) => ran.result(*call).into(),
            Self::Found(find) => find(ran),
            Self::Names(names) => match param {
                Some(param) => by_names(names, param)?.into(),
                None => names.as_str().into(),
            },
        })
    }
}

/// Names of flags in Falco's order, and all of a value that has several.
fn by_names(names: &str, param: &ParamInfo) -> Result<String> {
    let mut bits = 0;
    for name in names.split('|').filter(|name| !name.is_empty()) {
        let row = param.flags.iter().find(|(known, _)| *known == name);
        bits |= row.with_context(|| format!("{} has no flag {name}", param.name))?.1;
    }
    let mut text = Vec::new();
    match param.ty {
        ParamType::EnumFlags => enum_text(bits, param.flags, &mut text),
        ParamType::Mode => mode_text(bits, param.flags, &mut text),
        _ => flags_text(bits, param.flags, &mut text),
    }
    if text.is_empty() {
        text.extend(bits.to_string().bytes());
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A buffer as Falco prints it.
pub(super) fn printable(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' })
        .collect()
}
