//! Rules that change while the program runs.
//!
//! What the rules are made of is read again now and then, and compared by content: so it does not matter
//! how a file was replaced. A mounted `ConfigMap` changes by a symbolic link that leads elsewhere, an
//! editor renames a new file over the old one or writes into it. What is read twice alike is whole.

use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use k8srd_core::rules::{Plan, RuleSet};
use k8srd_core::schema::Schema;
use serde_json::Value;

use crate::cli::RunArgs;
use crate::config::Config;
use crate::rules::{self, Text};
use crate::{run, signals, wire};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How soon a wish is noticed, and how soon what has changed is looked at again.
const NAP: Duration = Duration::from_millis(200);
/// Keys of the configuration that take effect with a reload.
const RELOADED: [&str; 6] =
    ["append_output", "buffer_format_base64", "priority", "rule_matching", "rules", "rules_files"];

/// Rules that were loaded anew.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) rules: RuleSet,
    pub(crate) plan: Arc<Plan>,
}

/// Loads rules anew when they change, or on SIGHUP; beside the pipeline, which goes on meanwhile.
pub(crate) struct Reload(Receiver<Fresh>);

impl Reload {
    /// Begins, where rules of this [`fingerprint`] are loaded. Without `watch_config_files` only SIGHUP
    /// counts.
    ///
    /// # Errors
    ///
    /// Where there is no thread, or SIGHUP cannot be caught.
    pub(crate) fn start(
        args: &RunArgs,
        config: &Config,
        schema: &Arc<Schema>,
        loaded: u64,
    ) -> Result<Self> {
        let asked = signals::hangups()?;
        let (sender, receiver) = mpsc::sync_channel(1);
        let mut look = Look::new(args.clone(), config.clone(), schema.clone(), loaded);
        let watches = config.watch_config_files;
        thread::Builder::new()
            .name("k8srd-rules".to_owned())
            .spawn(move || follow(&mut look, &asked, watches, &sender))
            .context("no thread to follow the rules")?;
        Ok(Self(receiver))
    }

    /// What changed since it was asked last.
    pub(crate) fn take(&self) -> Option<Fresh> {
        self.0.try_recv().ok()
    }
}

/// Until nobody takes it any more.
fn follow(look: &mut Look, asked: &AtomicBool, watches: bool, out: &SyncSender<Fresh>) {
    let mut last = Instant::now();
    let mut next = LOOK;
    loop {
        thread::sleep(NAP);
        let is_asked = asked.swap(false, Ordering::Relaxed);
        if !is_asked && (!watches || last.elapsed() < next) {
            continue;
        }
        last = Instant::now();
        let news = look.again(is_asked);
        next = if matches!(news, News::Unsettled) { NAP } else { LOOK };
        let fresh = match news {
            News::Fresh(fresh) => fresh,
            News::None | News::Unsettled => continue,
            News::Unchanged => {
                eprintln!("k8srd: the rules are as they were");
                continue;
            }
            News::Refused(error) => {
                eprintln!("k8srd: {error:#}; the rules stay as they were");
                continue;
            }
        };
        match out.try_send(fresh) {
            Ok(()) => {}
            // The pipeline is busy with the one before: the next look sees the change again.
            Err(TrySendError::Full(_)) => look.loaded = 0,
            Err(TrySendError::Disconnected(_)) => return,
        }
    }
}

/// What a look gives.
#[derive(Debug)]
enum News {
    None,
    /// Asked for, and nothing has changed.
    Unchanged,
    /// Something has changed, and may be changing.
    Unsettled,
    Fresh(Fresh),
    Refused(anyhow::Error),
}

/// What the rules are made of, again and again.
struct Look {
    args: RunArgs,
    config: Config,
    schema: Arc<Schema>,
    /// What was loaded last, or refused.
    loaded: u64,
    /// What was seen last.
    seen: u64,
}

impl Look {
    fn new(args: RunArgs, config: Config, schema: Arc<Schema>, loaded: u64) -> Self {
        Self { args, config, schema, loaded, seen: loaded }
    }

    fn again(&mut self, is_asked: bool) -> News {
        let read = || -> Result<(Config, Vec<Text>)> {
            let config = run::configure(&self.args)?;
            let texts = rules::texts(&config, &self.args.rules)?;
            Ok((config, texts))
        };
        let read = read();
        let seen = match &read {
            Ok((config, texts)) => fingerprint(texts, config),
            Err(error) => hash(&format!("{error:#}")),
        };
        let is_settled = std::mem::replace(&mut self.seen, seen) == seen;
        if seen == self.loaded {
            return if is_asked { News::Unchanged } else { News::None };
        }
        if !is_settled && !is_asked {
            return News::Unsettled;
        }
        self.loaded = seen;
        match read.and_then(|(config, texts)| self.load(&config, texts)) {
            Ok(fresh) => News::Fresh(fresh),
            Err(error) => News::Refused(error),
        }
    }

    fn load(&mut self, config: &Config, texts: Vec<Text>) -> Result<Fresh> {
        let rules = rules::load_texts(config, &self.schema, texts)?;
        let changed = changed(&self.config, config);
        if !changed.is_empty() {
            eprintln!(
                "k8srd: {} changed, too, which takes effect when the program is started again",
                changed.join(", ")
            );
        }
        self.config = config.clone();
        Ok(Fresh { plan: wire::plan(config, rules.clone()), rules })
    }
}

/// Keys that differ and take no effect by a reload.
fn changed(old: &Config, new: &Config) -> Vec<String> {
    let keys = |config| match serde_json::to_value(config) {
        Ok(Value::Object(keys)) => keys,
        _ => serde_json::Map::new(),
    };
    let (old, new) = (keys(old), keys(new));
    let differs = new.into_iter().filter(|(key, value)| old.get(key) != Some(value));
    let keys = differs.map(|(key, _)| key);
    keys.filter(|key| !RELOADED.contains(&&**key)).collect()
}

/// Of all that a reload depends on; never 0.
pub(crate) fn fingerprint(texts: &[Text], config: &Config) -> u64 {
    let texts: Vec<_> = texts
        .iter()
        .map(|Text { name, content }| (name, content.as_ref().map_err(ToString::to_string)))
        .collect();
    hash(&(texts, format!("{config:?}")))
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;
    use crate::cli::SettingsArgs;

    fn rule(name: &str) -> String {
        format!(
            "- rule: {name}\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: INFO\n"
        )
    }

    /// The rules of a folder, as they are now.
    fn look(folder: &Path) -> Look {
        let config = folder.join("k8srd.yaml");
        if !config.exists() {
            fs::write(&config, "priority: debug\n").unwrap();
        }
        let settings = SettingsArgs { config: Some(config), options: Vec::new() };
        let rules = vec![folder.join("rules")];
        let args = RunArgs { rules, json: false, ring_memory: None, verbose: false, settings };
        let config = run::configure(&args).unwrap();
        let loaded = fingerprint(&rules::texts(&config, &args.rules).unwrap(), &config);
        let schema = wire::schema(&config).unwrap();
        Look::new(args, config, schema, loaded)
    }

    fn names(news: News) -> Vec<String> {
        let News::Fresh(fresh) = news else { panic!("{news:?}") };
        fresh.rules.rules().iter().map(|rule| rule.info().name.clone()).collect()
    }

    fn refusal(news: News) -> String {
        let News::Refused(error) = news else { panic!("{news:?}") };
        format!("{error:#}")
    }

    #[test]
    fn what_has_changed_and_holds_still_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("rules")).unwrap();
        let file = folder.path().join("rules/a.yaml");
        fs::write(&file, rule("One")).unwrap();
        let mut look = look(folder.path());
        assert!(matches!(look.again(false), News::None));
        assert!(matches!(look.again(true), News::Unchanged));

        let whole = rule("One") + &rule("Two");
        fs::write(&file, &whole[..whole.len() - 20]).unwrap();
        assert!(matches!(look.again(false), News::Unsettled), "it may be half of a file");
        fs::write(&file, &whole).unwrap();
        assert!(matches!(look.again(false), News::Unsettled));
        assert_eq!(names(look.again(false)), ["One", "Two"]);
        assert!(matches!(look.again(false), News::None));

        fs::write(folder.path().join("rules/b.yaml"), rule("Three")).unwrap();
        assert_eq!(
            names(look.again(true)),
            ["One", "Two", "Three"],
            "asked for, it is loaded at once"
        );
        // The same again, in another file of that name.
        fs::write(folder.path().join("new"), rule("Three")).unwrap();
        fs::rename(folder.path().join("new"), folder.path().join("rules/b.yaml")).unwrap();
        assert!(matches!(look.again(false), News::None));
    }

    #[test]
    fn what_is_wrong_is_refused_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("rules")).unwrap();
        let file = folder.path().join("rules/a.yaml");
        fs::write(&file, rule("One")).unwrap();
        let mut look = look(folder.path());
        fs::write(&file, rule("One") + "  nonsense").unwrap();
        assert!(matches!(look.again(false), News::Unsettled));
        assert!(refusal(look.again(false)).starts_with("the rules are not usable: 1 errors"));
        assert!(matches!(look.again(false), News::None));
        fs::remove_file(&file).unwrap();
        assert!(matches!(look.again(false), News::Unsettled));
        assert!(refusal(look.again(false)).ends_with("holds no .yaml or .yml file"));
        fs::write(&file, rule("One")).unwrap();
        assert!(matches!(look.again(false), News::Unsettled));
        assert_eq!(names(look.again(false)), ["One"], "what was refused is not what is loaded");
    }

    #[test]
    fn a_mounted_config_map_changes_by_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules");
        for (version, name) in [("..1", "Old"), ("..2", "New")] {
            fs::create_dir_all(rules.join(version)).unwrap();
            fs::write(rules.join(version).join("a.yaml"), rule(name)).unwrap();
        }
        symlink("..1", rules.join("..data")).unwrap();
        symlink("..data/a.yaml", rules.join("a.yaml")).unwrap();
        let mut look = look(folder.path());
        assert!(matches!(look.again(false), News::None));
        symlink("..2", rules.join("..data_tmp")).unwrap();
        fs::rename(rules.join("..data_tmp"), rules.join("..data")).unwrap();
        assert!(matches!(look.again(false), News::Unsettled));
        assert_eq!(names(look.again(false)), ["New"]);
    }

    #[test]
    fn the_configuration_counts_as_far_as_it_is_about_rules() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("rules")).unwrap();
        fs::write(folder.path().join("rules/a.yaml"), rule("One")).unwrap();
        let mut look = look(folder.path());
        let config = folder.path().join("k8srd.yaml");
        fs::write(&config, "priority: error\njson_output: true\n").unwrap();
        let old = look.config.clone();
        assert_eq!(names(look.again(true)), [""; 0], "it is less urgent");
        assert_eq!(changed(&old, &look.config), ["json_output"]);
        fs::write(&config, "priority: urgent\n").unwrap();
        assert!(refusal(look.again(true)).contains("priority"));
    }
}
