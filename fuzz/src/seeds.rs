//! Texts to start from, and words to make texts of: taken from the corpora in `testdata/` and from
//! the tables of fields and kinds, so that what is added there is fuzzed without more ado.
//!
//! A target that finds [`SEEDS_TO`] in its environment writes them and ends.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;

use k8srd_capture::{Item, RecordBuf, Recorder, RecorderOptions, Writer};
use k8srd_core::arena::Arena;
use k8srd_core::event::Timestamp;
use k8srd_core::field::{ArgRule, FieldInfo};
use k8srd_testkit::corpus::{conditions, rules};

use crate::{FALCO, blocks, events};

/// The environment variable that names the folder for seeds and words.
pub const SEEDS_TO: &str = "K8SRD_FUZZ_SEEDS";

/// What stands between the files of one input of the target `rules`.
pub const NEXT_FILE: &str = "\n=====\n";

/// How many fields a seed of the target `output` names.
const FIELDS_IN_AN_OUTPUT: usize = 8;

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata");
const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../rules/k8srd_rules.yaml");

/// The texts of a target.
type Texts = Result<Vec<String>, Box<dyn Error>>;
/// The inputs of a target that reads no text.
type Inputs = Result<Vec<Vec<u8>>, Box<dyn Error>>;

/// To be called before a target starts: writes what it starts from, if asked, and ends.
///
/// # Panics
///
/// Where a corpus cannot be read or the folder not be written.
pub fn on_request<T: AsRef<[u8]>>(inputs: fn() -> Result<Vec<T>, Box<dyn Error>>) {
    let Some(folder) = std::env::var_os(SEEDS_TO) else { return };
    let written = inputs().and_then(|inputs| write(Path::new(&folder), &inputs));
    if let Err(error) = written {
        panic!("no seeds in {}: {error}", folder.display());
    }
    std::process::exit(0);
}

/// `corpus/` with a file for each input, and `words`, a dictionary of the texts among them.
fn write<T: AsRef<[u8]>>(folder: &Path, inputs: &[T]) -> Result<(), Box<dyn Error>> {
    let corpus = folder.join("corpus");
    if corpus.exists() {
        fs::remove_dir_all(&corpus)?;
    }
    fs::create_dir_all(&corpus)?;
    for (n, input) in inputs.iter().enumerate() {
        fs::write(corpus.join(format!("seed-{n:04}")), input)?;
    }
    let texts = inputs.iter().filter_map(|input| std::str::from_utf8(input.as_ref()).ok());
    let words = dictionary(&texts.collect::<Vec<_>>());
    Ok(fs::write(folder.join("words"), words)?)
}

/// All conditions of the corpus.
///
/// # Errors
///
/// Where the corpus cannot be read.
pub fn conditions() -> Texts {
    let rows = conditions::read_dir(format!("{TESTDATA}/conditions"), &FALCO)?;
    let mut texts: Vec<_> = rows.into_iter().map(|row| row.condition).collect();
    texts.dedup();
    Ok(texts)
}

/// All rule files, those that are loaded together as one text.
///
/// # Errors
///
/// Where the corpus cannot be read.
pub fn rule_files() -> Texts {
    let cases = rules::read_dir(format!("{TESTDATA}/rules"), &FALCO)?;
    let joined = |case: rules::Case| {
        let files: Vec<_> = case.files.into_iter().map(|(_, text)| text).collect();
        files.join(NEXT_FILE)
    };
    let mut texts: Vec<_> = cases.into_iter().map(joined).collect();
    texts.push(fs::read_to_string(SHIPPED)?);
    Ok(texts)
}

/// The outputs in all rule files, and outputs that together name all fields.
///
/// # Errors
///
/// Where the corpus cannot be read.
pub fn outputs() -> Texts {
    let files = rule_files()?;
    let lines = files.iter().flat_map(|file| file.lines());
    let written = lines.filter_map(|line| line.trim().strip_prefix("output: "));
    let mut texts: Vec<_> = written.map(|output| output.trim_matches('"').to_owned()).collect();
    let token = |field: &FieldInfo| match field.arg {
        ArgRule::Required => format!("%{}[0]", field.name),
        ArgRule::Optional | ArgRule::None => format!("%{}", field.name),
    };
    let tokens: Vec<_> = FALCO.fields().iter().map(token).collect();
    texts.extend(tokens.chunks(FIELDS_IN_AN_OUTPUT).map(|some| some.join(" ")));
    Ok(texts)
}

/// An event of each kind that Falco records, its params as wide as they have to be; and what
/// recorders of ours make of a thread and some events, with their contexts, one of everything and one
/// that leaves something out. In the pieces that the target `capture` makes blocks of, the latter as
/// they are, too.
///
/// # Errors
///
/// Where something cannot be written.
pub fn captures() -> Inputs {
    let recorded = FALCO.kinds().iter().filter_map(|info| Some((info, info.kind.falco_code()?)));
    let mut seeds = Vec::new();
    for some in recorded.collect::<Vec<_>>().chunks(8) {
        let mut writer = Writer::new(Vec::new());
        for (info, code) in some {
            let mut event = RecordBuf::default();
            event.begin(Timestamp::from_nanos(1_700_000_000_000_000_000), 1, 0, *code);
            info.params.iter().for_each(|param| match param.width {
                0 => event.push(b"\x02\x7f\0\0\x01\x50\0/tmp/x\0"),
                width => event.push(&vec![1; usize::from(width)]),
            });
            writer.write(&Item::Event(event.record()))?;
        }
        seeds.push(blocks::pieces(&writer.finish()?));
    }
    let everything = RecorderOptions::ALL;
    for options in [everything, RecorderOptions::default()] {
        let mut recorder = Recorder::new(Writer::new(Vec::new()), options);
        let arena = Arena::default();
        recorder.record(&events::task(), &arena)?;
        for event in &*events::EVENTS {
            recorder.record(event, &arena)?;
        }
        let recording = recorder.finish()?;
        seeds.extend([blocks::pieces(&recording), recording]);
    }
    Ok(seeds)
}

/// The packet captures of `testdata/`, and each of their packets of IP alone, in the pieces that the
/// target `packets` makes packets of.
///
/// # Errors
///
/// Where they cannot be read.
pub fn packets() -> Inputs {
    const ETHERNET: usize = 14;
    let read = |name| fs::read(format!("{TESTDATA}/packets/{name}"));
    let (pcap, blocks) = (read("sample.pcap")?, read("sample.pcapng")?);
    let mut pieces = Vec::new();
    let mut rest = pcap.get(24..).unwrap_or_default();
    while let Some((header, behind)) = rest.split_first_chunk::<16>() {
        let [.., c0, c1, c2, c3, _, _, _, _] = *header;
        let length = u32::from_le_bytes([c0, c1, c2, c3]) as usize;
        let (frame, next) = behind.split_at_checked(length).ok_or("a packet is cut")?;
        let ip = frame.get(ETHERNET..).unwrap_or_default();
        pieces.push([&(ip.len() as u16).to_le_bytes()[..], ip].concat());
        rest = next;
    }
    Ok([pcap, blocks].into_iter().chain([pieces.concat()]).chain(pieces).collect())
}

/// The words of all texts and the names of all fields and kinds, as libFuzzer reads them.
fn dictionary(texts: &[&str]) -> String {
    let separator = |c: char| c.is_whitespace() || "(),\"'".contains(c);
    let mut words: BTreeSet<&str> = texts.iter().flat_map(|text| text.split(separator)).collect();
    words.extend(FALCO.fields().iter().map(|field| &*field.name));
    words.extend(FALCO.kinds().iter().map(|kind| &*kind.name));
    // Longer ones are data rather than words.
    let words = words.into_iter().filter(|word| (1..=40).contains(&word.len()));
    words.map(|word| format!("\"{}\"\n", escaped(word))).collect()
}

fn escaped(word: &str) -> String {
    let byte = |byte: u8| match byte {
        b'!'..=b'~' if byte != b'"' && byte != b'\\' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    word.bytes().map(byte).collect()
}
