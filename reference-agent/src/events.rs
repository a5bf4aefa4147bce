//! `k8srd events`: what a recording holds, decoded.

use std::io::{self, BufWriter, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::{FieldId, Key};
use k8srd_core::interest::Interest;
use k8srd_core::matcher::{Matcher, OutOfSight, Verdicts};
use k8srd_core::pipeline::Pipeline;
use k8srd_core::rules::RuleMatcher;
use k8srd_core::schema::Schema;
use k8srd_core::set::{FieldSet, KindSet, RuleBits};
use k8srd_core::source::Flow;
use serde_json::{Map, Value, json};

use crate::argument::{argument, as_json};
use crate::captures::{CapturesArgs, Forms};
use crate::omitted::Omitted;
use crate::{captures, filter, here, stdout, wire};

/// Print the events that recordings hold, decoded
///
/// One event a line, as sysdig prints it: number, time, processor, process, thread id, direction, type and
/// arguments. Reads captures (.scap) of Falco, sysdig or k8srd, whatever their version, and packet captures
/// (.pcap, .pcapng), compressed by gzip or not. What packets tell of connections are events, with the
/// protocol in place of processor and process. Needs no root. Exit code 1 if a capture cannot be read to its
/// end; what was read before is printed.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct EventsArgs {
    #[command(flatten)]
    captures: CapturesArgs,

    /// Print only events of which this condition is true, as in a rule
    #[arg(short, long, value_name = "CONDITION")]
    filter: Option<String>,

    /// Print each event as a JSON object: num, time, cpu, type, category, process, args
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  k8srd events trace.scap                                  everything
  k8srd events trace.scap -f 'proc.name = cat'             what one program did
  k8srd events trace.scap -f 'evt.type in (open, openat) and fd.name startswith /etc'
  k8srd events trace.scap --json | jq -r .args.name        for a program
  k8srd events web.pcapng -f 'fd.sport = 80'               what packets tell of connections

A condition is what a rule has: k8srd fields and k8srd kinds list what it may name. To see what rules
say of a capture: k8srd replay.";

/// sysdig's line.
const LINE: &str =
    "%evt.num %evt.time %evt.cpu %proc.name (%thread.tid) %evt.dir %evt.type %evt.info";
/// The same of packets: who ran where is not known.
const PACKET_LINE: &str = "%evt.num %evt.time %fd.l4proto %evt.dir %evt.type %evt.info";

pub(crate) fn run(args: &EventsArgs) -> Result<ExitCode> {
    let schema = Arc::new(Schema::falco());
    let plan = |line| filter::plan(&schema, args.filter.as_deref(), line);
    let (of_events, of_packets) = (plan(LINE)?, plan(PACKET_LINE)?);
    let mut omitted = match &args.filter {
        Some(text) => {
            let condition = filter::parsed(&schema, text)?;
            Omitted::of_condition(filter::NAME, &condition, &schema, &of_events)
        }
        None => Omitted::default(),
    };
    let mut met = Forms::default();
    Ok(captures::each(&args.captures, |file, capture| {
        let report = capture.report.clone();
        let lines = Lines::default();
        let plan = if report.packets().is_some() { &of_packets } else { &of_events };
        let chosen = RuleMatcher::new(Arc::clone(plan));
        let is_first = met.is_first(&report);
        let pipeline = if args.json {
            let matcher = AsJson { chosen, schema: Arc::clone(&schema), lines: lines.clone() };
            wire::looking_pipeline(&schema, matcher, capture)?
        } else {
            wire::looking_pipeline(&schema, chosen, capture)?
        };
        if is_first {
            here::tell(pipeline.findings());
        }
        let mut tell = || eprint!("{}", omitted.news(file, &report).of_condition());
        show(pipeline, &lines, &mut tell)
    }))
}

/// Prints the events of a capture; false if nobody reads them any more. `tell` is called before
/// those that a step gave.
fn show(mut pipeline: Pipeline, lines: &Lines, tell: &mut dyn FnMut()) -> Result<bool> {
    let mut alerts = Vec::new();
    let mut out = BufWriter::new(io::stdout().lock());
    loop {
        let flow = pipeline.step(Duration::ZERO, &mut alerts);
        tell();
        let text = alerts.drain(..).map(|alert| alert.message + "\n").collect::<String>();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.write_all(&lines.take()));
        let ended = !matches!(flow, Ok(Flow::More));
        let written = written.and_then(|()| if ended { out.flush() } else { Ok(()) });
        let is_read = stdout::is_read(written)?;
        if flow? == Flow::End || !is_read {
            return Ok(is_read);
        }
    }
}

/// Lines on their way from the pipeline to whoever prints them.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn add(&self, object: &Value) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend(object.to_string().bytes());
        lines.push(b'\n');
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells of each chosen event as a JSON object.
struct AsJson {
    chosen: RuleMatcher,
    schema: Arc<Schema>,
    lines: Lines,
}

impl Matcher for AsJson {
    fn interest(&self) -> &Interest {
        self.chosen.interest()
    }

    fn readers(&self, fields: &FieldSet) -> Vec<String> {
        self.chosen.readers(fields)
    }

    fn out_of_sight(&self, produced: &KindSet) -> Vec<OutOfSight> {
        self.chosen.out_of_sight(produced)
    }

    fn evaluate(
        &mut self,
        event: &dyn Event,
        only: Option<&RuleBits>,
        arena: &Arena,
        out: &mut Verdicts,
    ) {
        self.chosen.evaluate(event, only, arena, out);
        if !out.alerts.is_empty() {
            out.alerts.clear();
            self.lines.add(&object(event, &self.schema, arena));
        }
    }
}

fn object(event: &dyn Event, schema: &Schema, arena: &Arena) -> Value {
    let get = |id: FieldId| as_json(event.get(&Key::of(id), arena));
    let info = schema.kind_info(event.kind());
    let params = info.map(|info| &*info.params).unwrap_or_default();
    let args: Map<String, Value> = (0..)
        .zip(params)
        .map(|(place, param)| (param.name.to_owned(), argument(event, place, param, arena)))
        .collect();
    json!({
        "num": get(field::EVT_NUM),
        "time": get(field::EVT_TIME_ISO8601),
        "cpu": get(field::EVT_CPU),
        "type": get(field::EVT_TYPE),
        "category": get(field::EVT_CATEGORY),
        "process": {
            "name": get(field::PROC_NAME),
            "pid": get(field::PROC_PID),
            "tid": get(field::THREAD_TID),
            "ppid": get(field::PROC_PPID),
            "exepath": get(field::PROC_EXEPATH),
            "cmdline": get(field::PROC_CMDLINE),
        },
        "args": args,
    })
}
