//! What a person may type.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::act::ActArgs;
use crate::config::{self, verb::ConfigArgs};
use crate::describe::DescribeArgs;
use crate::events::EventsArgs;
use crate::fields::FieldsArgs;
use crate::kinds::KindsArgs;
use crate::record::RecordArgs;
use crate::replay::ReplayArgs;
use crate::validate::ValidateArgs;

/// Runtime threat detection for Kubernetes nodes: eBPF events, Falco rules, alerts
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true, after_help = EXIT_CODES, after_long_help = FIRST_STEPS)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const EXIT_CODES: &str = "Exit code: 0 fine, 1 found what it looks for or failed, 2 called wrongly.
Each verb has a --help of its own.";

const FIRST_STEPS: &str = "First steps, as root:
  k8srd doctor                what of this machine can be used, and how to fix the rest
  k8srd demo                  act out attacks in a container made for it, show the alerts
  k8srd run                   watch this machine with the shipped rules until Ctrl-C
  k8srd validate my.yaml      everything that is wrong with rules of your own
  k8srd run -r my.yaml --json watch with rules of your own, one JSON object a line
  k8srd record -w trace.scap  record what happens, to look at it or replay it later
  k8srd replay trace.scap     the alerts of a recording; needs no root
  k8srd events trace.scap     what is in a recording
  k8srd act openat            do a harmless act, and say what has to be seen of it
  k8srd config show           what can be set, and what is in effect

Environment:
  FALCO_HOSTNAME  the host name in alerts, instead of the system's
  HOST_ROOT       where the host's / is mounted when running in a container
  NO_COLOR        no colours, even on a terminal
  TZ              the zone for times of day

Exit code: 0 fine, 1 found what it looks for or failed, 2 called wrongly.";

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Run(RunArgs),
    Demo(DemoArgs),
    Record(RecordArgs),
    Replay(ReplayArgs),
    Events(EventsArgs),
    Doctor(DoctorArgs),
    Validate(ValidateArgs),
    Describe(DescribeArgs),
    Config(ConfigArgs),
    Fields(FieldsArgs),
    Kinds(KindsArgs),
    Act(ActArgs),
    /// What the demo runs inside its container; not for people
    #[command(hide = true)]
    Play {
        /// The act and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

/// Watch this machine and print alerts, until SIGINT or SIGTERM
///
/// Alerts go to standard output, one a line. Everything else goes to standard error: when
/// watching has begun, problems, and at the end a summary of events, alerts and losses. What was
/// not processed is counted with its reason; a summary without such numbers says that nothing was
/// lost. A stretch of time in which events were lost, or nobody watched, is an alert, too.
///
/// Rules that change are loaded anew within seconds, or at once on SIGHUP, and no event is missed. Where
/// the new ones are wrong, their problems are told and the old ones stay.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    /// Falco rule file, or directory whose .yaml and .yml files are read in the order of their
    /// names; may be repeated, later files may change earlier ones; takes the place of rules_files
    /// [default: rules_files, or else the shipped rules]
    #[arg(short, long = "rules", value_name = "PATH")]
    pub(crate) rules: Vec<PathBuf>,

    /// Print each alert as Falco's JSON object (the same as -o json_output=true)
    #[arg(long)]
    pub(crate) json: bool,

    /// Memory for all ring buffers of this node together, in bytes or with K, M, G
    /// (the same as -o sensor.ring_memory=SIZE) [default: 64M]
    #[arg(long, value_name = "SIZE")]
    pub(crate) ring_memory: Option<String>,

    /// Print to standard error at the start how large the ring buffers are, and what is dropped on
    /// purpose as they fill
    #[arg(long)]
    pub(crate) verbose: bool,

    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

/// Where a verb gets its configuration from: `#[command(flatten)]` it, then `config::load` it.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SettingsArgs {
    /// Configuration file [default: /etc/k8srd/k8srd.yaml, if it is there]
    #[arg(short, long = "config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Set a configuration key; may be repeated, the last one wins
    #[arg(short = 'o', long = "option", value_name = "KEY=VALUE", long_help = config::reference::HELP.as_str())]
    pub(crate) options: Vec<String>,
}

const RUN_EXAMPLES: &str = "Examples:
  k8srd run                                    the shipped rules
  k8srd run -r /etc/falco/rules.d -r own.yaml  a directory, then a file that may override it
  k8srd run --json | jq .rule                  alerts for a program
  k8srd run -c k8srd.yaml                      with a configuration, see k8srd config --help
  k8srd run -o rule_matching=first             one alert for each event, as Falco by default";

/// Act out attacks in a container made for it, and show the alerts they raise
///
/// The acts are real: real programs make real system calls, the kernel sensor reports them, the
/// shipped rules judge them. They happen in a process tree with mounts, files, process ids and a
/// cgroup of its own. Nothing of the host is changed: writes go to memory, the cgroup is removed at
/// the end. Needs root. Takes a few seconds. Exit code 1 if an attack was missed. Where this machine
/// cannot be watched, a recording of the demo is judged instead, and the exit code is 1.
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Judge the recording, made on another machine; needs no root and no eBPF
    #[arg(long)]
    pub(crate) recorded: bool,
}

/// Say what of this machine can be used for live detection, what cannot, and how to fix it
///
/// Looks at the kernel, its type information, capabilities, kinds of eBPF programs (by loading
/// the sensor and tiny programs), cgroups and container runtimes. Changes nothing. Exit code 1 if
/// live detection would not work.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
