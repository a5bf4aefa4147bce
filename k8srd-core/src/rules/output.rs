//! Outputs: the text of an alert, with fields in it.
//!
//! `%field` and `%field[arg]` stand for a value, `%tolower(field)` for one that is made of it,
//! `%20field` for one that is padded with blanks or cut to 20 characters; a value that an event does not have reads `<NA>`. A leading `*`, which
//! in Falco asks for just that, is passed over.

mod append;
mod show;
mod tokens;

use std::sync::Arc;

use super::syntax::TextRange;
use super::transform::Computed;
use crate::arena::Arena;
use crate::event::Event;
use crate::field::Key;
use crate::schema::Schema;
use crate::value::{Lookup, OwnedValue};
use show::Form;

pub(super) use append::Additions;
pub use append::{AppendOutput, ExtraField};
pub use show::BufferFormat;
pub(super) use tokens::ERASED;

/// What is written for a value that is not there.
const MISSING: &str = "<NA>";

/// A compiled output.
#[derive(Clone, Debug, Default)]
pub struct Output {
    parts: Vec<Part>,
    /// What goes among an alert's fields, by name: sorted, each once.
    fields: Vec<(Arc<str>, Shown)>,
    /// The weight of the rule that it belongs to.
    weight: u16,
}

#[derive(Clone, Debug)]
enum Part {
    Text(Box<str>),
    Value {
        value: Computed,
        form: Form,
        width: Option<usize>,
    },
    /// The rule's weight, which no event knows.
    Weight {
        width: Option<usize>,
    },
}

/// One of an alert's fields.
#[derive(Clone, Debug)]
enum Shown {
    /// A field's value, typed.
    Value(Key, Form),
    Weight,
    /// A text with values in it.
    Text(Box<[Part]>),
}

/// Something wrong with an output.
#[derive(Clone, Debug)]
pub(super) struct OutputProblem {
    pub(super) span: TextRange,
    /// Whether it names a field that the schema does not know.
    pub(super) unknown: bool,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Output {
    /// Compiles an output; every problem is found in one go.
    pub(super) fn compile(schema: &Schema, text: &str) -> Result<Self, Vec<OutputProblem>> {
        tokens::compile(schema, text)
    }

    /// Says how much the rule that it belongs to weighs.
    pub(super) fn set_weight(&mut self, weight: u16) {
        self.weight = weight;
    }

    /// Says how buffers are shown.
    pub(super) fn set_buffer_format(&mut self, format: BufferFormat) {
        let in_parts = |parts: &mut [Part]| {
            for part in parts {
                if let Part::Value { form, .. } = part {
                    form.buffer = format;
                }
            }
        };
        in_parts(&mut self.parts);
        for (_, shown) in &mut self.fields {
            match shown {
                Shown::Value(_, form) => form.buffer = format,
                Shown::Weight => {}
                Shown::Text(parts) => in_parts(parts),
            }
        }
    }

    /// Adds `other`'s text and fields, with a blank between the texts.
    fn append(&mut self, other: &Self) {
        self.parts.push(Part::Text(" ".into()));
        self.parts.extend_from_slice(&other.parts);
        self.add_fields(other);
    }

    /// Adds `other`'s fields, not its text.
    fn add_fields(&mut self, other: &Self) {
        for (name, shown) in &other.fields {
            self.add_field(name.clone(), shown.clone());
        }
    }

    /// Adds the text of `format` as a field of this name.
    fn add_formatted(&mut self, name: &Arc<str>, format: &Self) {
        self.add_field(name.clone(), Shown::Text(format.parts.as_slice().into()));
    }

    /// Adds a field; one that is there under this name makes place for it.
    fn add_field(&mut self, name: Arc<str>, shown: Shown) {
        match self.fields.binary_search_by(|(own, _)| own.cmp(&name)) {
            Ok(place) => {
                if let Some((_, own)) = self.fields.get_mut(place) {
                    *own = shown;
                }
            }
            Err(place) => self.fields.insert(place, (name, shown)),
        }
    }

    /// Adds the text for `event` to `out`. A pending value reads as missing.
    pub fn render(&self, event: &dyn Event, arena: &Arena, out: &mut String) {
        self.write(&self.parts, event, arena, out);
    }

    fn write(&self, parts: &[Part], event: &dyn Event, arena: &Arena, out: &mut String) {
        for part in parts {
            let start = out.len();
            let width = match part {
                Part::Text(text) => {
                    out.push_str(text);
                    None
                }
                Part::Weight { width } => {
                    out.push_str(&self.weight.to_string());
                    *width
                }
                Part::Value { value, form, width } => {
                    match value.value(event, arena) {
                        Lookup::Known(value) => form.write(&value, out),
                        Lookup::Absent | Lookup::Pending => out.push_str(MISSING),
                    }
                    *width
                }
            };
            if let Some(width) = width {
                fit(out, start, width);
            }
        }
    }

    /// The values of all fields by their names, sorted: numbers and texts as they are in JSON.
    pub fn values(&self, event: &dyn Event, arena: &Arena) -> Vec<(Arc<str>, Option<OwnedValue>)> {
        let value = |shown: &Shown| match shown {
            Shown::Value(key, form) => {
                let time = show::time_field(key.field(), event.time());
                time.or_else(|| Some(form.typed(&event.get(key, arena).known()?)))
            }
            Shown::Weight => Some(OwnedValue::U64(self.weight.into())),
            Shown::Text(parts) => {
                let mut text = String::new();
                self.write(parts, event, arena, &mut text);
                Some(OwnedValue::from(&*text))
            }
        };
        self.fields.iter().map(|(name, shown)| (name.clone(), value(shown))).collect()
    }

    /// The names of the fields that an alert has, sorted.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|(name, _)| &**name)
    }

    /// Calls `each` with everything that is asked of an event, the same key more than once.
    pub fn keys(&self, each: &mut dyn FnMut(&Key)) {
        let mut of_parts = |parts: &[Part]| {
            for part in parts {
                if let Part::Value { value, .. } = part {
                    value.keys(each);
                }
            }
        };
        of_parts(&self.parts);
        for (_, shown) in &self.fields {
            if let Shown::Text(parts) = shown {
                of_parts(parts);
            }
        }
        for (_, shown) in &self.fields {
            if let Shown::Value(key, _) = shown {
                each(key);
            }
        }
    }
}

/// Pads or cuts what stands from `start` on to `width` characters.
fn fit(out: &mut String, start: usize, width: usize) {
    let written = out.get(start..).unwrap_or("");
    match written.char_indices().nth(width) {
        Some((cut, _)) => out.truncate(start + cut),
        None => {
            let missing = width - written.chars().count();
            out.extend(std::iter::repeat_n(' ', missing));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::event::{Fields, Timestamp};
    use crate::field::Arg;
    use crate::kind::EventKind;
    use crate::value::Value;

    /// A process `cat` that opened `fd` 3 and whose grandparent is `sh`.
    struct Cat;

    impl Fields for Cat {
        fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
            match (key.field(), key.arg()) {
                (catalogue::PROC_NAME, _) => Lookup::Known("cat".into()),
                (catalogue::FD_NUM, _) => Lookup::Known(Value::I64(3)),
                (catalogue::PROC_ANAME, Arg::Index(2)) => Lookup::Known("sh".into()),
                (catalogue::EVT_ARG, Arg::Name(_)) => Lookup::Known("O_RDONLY".into()),
                (catalogue::USER_NAME, _) => Lookup::Pending,
                _ => Lookup::Absent,
            }
        }
    }

    impl Event for Cat {
        fn kind(&self) -> EventKind {
            EventKind::OPENAT
        }

        fn time(&self) -> Timestamp {
            Timestamp::default()
        }
    }

    #[track_caller]
    fn check(text: &str, rendered: &str) {
        let output = Output::compile(&Schema::falco(), text).expect(text);
        let mut out = String::new();
        output.render(&Cat, &Arena::default(), &mut out);
        assert_eq!(out, rendered, "{text}");
    }

    #[track_caller]
    fn check_problem(text: &str, at: &str, message: &str) {
        let problems = Output::compile(&Schema::falco(), text).expect_err(text);
        assert_eq!(&text[problems[0].span.clone()], at, "{problems:?}");
        assert!(problems[0].message.contains(message), "{problems:?}");
    }

    #[test]
    fn values_stand_where_their_fields_stood() {
        check("", "");
        check("plain é", "plain é");
        check("*%proc.name opened %fd.num", "cat opened 3");
        check("%proc.aname[2]|%proc.aname[3]|%evt.arg.flags", "sh|<NA>|O_RDONLY");
        check("by %user.name (%fd.name)", "by <NA> (<NA>)");
        check("%proc.name. %proc.names", "cat. cats");
        check("%container.info%proc.name%fd.num", "cat3");
    }

    #[test]
    fn transformed_values_stand_where_they_are_asked_for() {
        check("<%toupper(proc.name)>", "<CAT>");
        check("%6toupper(proc.name)|", "CAT   |");
        check("%len(proc.name)%concat(proc.name, \"-\", evt.arg.flags)", "3cat-O_RDONLY");
        check("%tolower(fd.name).", "<NA>.");
        let text = "%tolower(proc.name) %concat(fd.name, evt.arg.flags)";
        let output = Output::compile(&Schema::falco(), text).unwrap();
        let names: Vec<_> = output.fields().collect();
        assert_eq!(names, ["evt.arg.flags", "fd.name", "proc.name"]);
    }

    #[test]
    fn widths_pad_and_cut() {
        check("[%5proc.name]", "[cat  ]");
        check("[%2proc.name]", "[ca]");
        check("[%3fd.name]", "[<NA]");
        check("[%0proc.name]", "[cat]");
    }

    #[test]
    fn fields_are_listed_sorted_and_once() {
        let text = "%proc.name %fd.num %proc.aname[2] %proc.name %evt.arg.flags";
        let output = Output::compile(&Schema::falco(), text).unwrap();
        let names: Vec<_> = output.fields().collect();
        assert_eq!(names, ["evt.arg.flags", "fd.num", "proc.aname[2]", "proc.name"]);
        let values = output.values(&Cat, &Arena::default());
        assert_eq!(values[1], ("fd.num".into(), Some(OwnedValue::I64(3))));
    }

    #[test]
    fn what_cannot_be_printed_is_refused() {
        check_problem("100%", "%", "begins no field");
        check_problem("a % b", "%", "begins no field");
        check_problem("%proc.nmae", "%proc.nmae", "unknown field proc.nmae");
        check_problem("%evt.arg", "%evt.arg", "needs an argument");
        check_problem("%proc.name[1]", "%proc.name[1]", "takes no argument");
        check_problem("%proc.aname[2", "%proc.aname", "not closed");
        check_problem("%fd.ip", "%fd.ip", "not printed");
        check_problem("%99999999proc.name", "%99999999", "wide");
        check_problem("%tolower(proc.nam)", "proc.nam", "unknown field proc.nam");
        check_problem("%tolower(proc.name", "", "`)`");
        check_problem("%len(fd.num)", "len(fd.num)", "takes text");
        assert_eq!(Output::compile(&Schema::falco(), "%a.b % %c.d").unwrap_err().len(), 3);
    }

    #[test]
    fn fields_tell_times_as_numbers() {
        let output = Output::compile(&Schema::falco(), "%evt.time.iso8601 %evt.time.s").unwrap();
        let values = output.values(&Cat, &Arena::default());
        let zero = |name: &str| (name.into(), Some(OwnedValue::U64(0)));
        assert_eq!(values, [zero("evt.time.iso8601"), zero("evt.time.s")]);
    }

    #[test]
    fn what_is_added_stands_behind_and_among_the_fields() {
        let output = |text| Output::compile(&Schema::falco(), text).unwrap();
        let mut all = output("%proc.name");
        all.append(&output("(%fd.num)"));
        all.add_fields(&output("%proc.aname[2]"));
        all.add_formatted(&"who".into(), &output("%proc.name of %rule.weight"));
        all.set_weight(700);
        let mut text = String::new();
        all.render(&Cat, &Arena::default(), &mut text);
        assert_eq!(text, "cat (3)");
        let fields: Vec<_> = all.fields().collect();
        assert_eq!(fields, ["fd.num", "proc.aname[2]", "proc.name", "who"]);
        let who = all.values(&Cat, &Arena::default()).pop().unwrap();
        assert_eq!(who, ("who".into(), Some("cat of 700".into())));
        let mut keys = 0;
        all.keys(&mut |_| keys += 1);
        assert_eq!(keys, 6);
    }

    #[test]
    fn text_full_of_problems_is_read_in_linear_time() {
        let schema = Schema::falco();
        let problems = |text: String| tokens::compile(&schema, &text).map_err(|found| found.len());
        assert_eq!(problems("%fd.abcdefghijklm.nopq ".repeat(50_000)).unwrap_err(), 100);
        assert_eq!(problems(format!("%{}", "a.".repeat(1 << 20))).unwrap_err(), 1);
    }
}
