//! The cgroup layout, which names containers.

use std::fs;

use super::Finding;

pub(super) fn examine() -> Vec<Finding> {
    match fs::read_to_string("/proc/self/mounts") {
        Ok(mounts) => vec![layout(&mounts)],
        Err(error) => vec![
            Finding::note("layout", format!("/proc/self/mounts cannot be read: {error}"))
                .fix("mount proc on /proc"),
        ],
    }
}

fn layout(mounts: &str) -> Finding {
    let mut v2 = None;
    let mut v1: Vec<&str> = Vec::new();
    for line in mounts.lines() {
        // source, mount point, type, options (proc(5))
        let mut words = line.split(' ');
        if let (Some(_), Some(point), Some(ty)) = (words.next(), words.next(), words.next()) {
            match ty {
                "cgroup2" if v2.is_none() => v2 = Some(point),
                "cgroup" => v1.push(point.rsplit('/').next().unwrap_or(point)),
                _ => {}
            }
        }
    }
    match (v2, v1.as_slice()) {
        (Some(point), []) => Finding::ok("layout", format!("v2 on {point}")),
        (Some(point), v1) => {
            Finding::ok("layout", format!("hybrid: v2 on {point}, v1 {}", v1.join(", ")))
        }
        (None, []) => Finding::note("layout", "no cgroup file system is mounted here").fix(
            "containers are found all the same, as the kernel tells each task's cgroup; k8srd demo \
             needs cgroup2 mounted on /sys/fs/cgroup",
        ),
        (None, v1) => Finding::ok("layout", format!("v1 {}", v1.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn each_layout_is_told() {
        let v2 = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
        let v1 = "cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0\n";
        let unified = "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        assert_eq!(layout(v2).found, "v2 on /sys/fs/cgroup");
        assert_eq!(layout(v1).found, "v1 pids");
        assert_eq!(
            layout(&format!("{v1}{unified}")).found,
            "hybrid: v2 on /sys/fs/cgroup/unified, v1 pids"
        );
        assert_eq!(layout("proc /proc proc rw 0 0\nbroken\n").state, State::Note);
    }
}
