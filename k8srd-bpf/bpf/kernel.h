/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few kernel types that we read, and of them the few fields. Order and what is left out do not
 * matter: each access is relocated against the running kernel's BTF (CO-RE). A type name that ends
 * in ___x is a second form of the same type, for fields that other versions name differently.
 */
#ifndef K8SRD_KERNEL_H
#define K8SRD_KERNEL_H

#include <linux/bpf.h>
#include <linux/types.h>

typedef _Bool bool;
#define true 1
#define false 0

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct { int counter; } atomic_t;
typedef struct { __s64 counter; } atomic64_t;
typedef struct { __u32 val; } kuid_t;
typedef struct { __u32 val; } kgid_t;
struct list_head { struct list_head *next, *prev; };
struct hlist_bl_node { struct hlist_bl_node **pprev; };
struct qstr { __u32 hash; __u32 len; const unsigned char *name; };

/* Files. */
struct super_block { __u32 s_dev; unsigned long s_flags; unsigned long s_magic; };
struct inode {
	__u16 i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	unsigned int i_flags;
	struct super_block *i_sb;
	unsigned long i_ino;
};
struct timespec64 { __s64 tv_sec; long tv_nsec; };
struct inode___plain { struct timespec64 i_ctime, i_mtime; };     /* until 6.5 (ctime), 6.6 (mtime) */
struct inode___hidden { struct timespec64 __i_ctime, __i_mtime; }; /* until 6.10 */
struct inode___split { __s64 i_ctime_sec, i_mtime_sec; __u32 i_ctime_nsec, i_mtime_nsec; };
struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};
struct vfsmount { struct dentry *mnt_root; };
struct mount { struct mount *mnt_parent; struct dentry *mnt_mountpoint; struct vfsmount mnt; };
struct path { struct vfsmount *mnt; struct dentry *dentry; };
struct file {
	unsigned int f_mode;
	struct path f_path;
	struct inode *f_inode;
	void *private_data;
};
struct fs_struct { struct path root, pwd; };
struct fdtable { unsigned int max_fds; struct file **fd; };
struct files_struct { struct fdtable *fdt; };

/* Tasks. */
struct ns_common { unsigned int inum; };
struct mnt_namespace { struct ns_common ns; };
struct uts_namespace { struct ns_common ns; };
struct ipc_namespace { struct ns_common ns; };
struct user_namespace { struct ns_common ns; };
struct cgroup_namespace { struct ns_common ns; };
struct net { struct ns_common ns; };
struct task_struct;
struct pid_namespace { struct task_struct *child_reaper; struct ns_common ns; };
struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
	struct cgroup_namespace *cgroup_ns;
};
struct upid { int nr; struct pid_namespace *ns; };
struct pid { unsigned int level; struct upid numbers[1]; };
struct group_info { int ngroups; kgid_t gid[1]; };
typedef struct { __u64 val; } kernel_cap_t;
typedef struct { __u32 cap[2]; } kernel_cap_t___pair; /* until 6.2 */
struct cred {
	kuid_t uid, suid, euid, fsuid;
	kgid_t gid, sgid, egid, fsgid;
	kernel_cap_t cap_inheritable, cap_permitted, cap_effective;
	struct user_namespace *user_ns;
	struct group_info *group_info;
};
struct cred___pair { kernel_cap_t___pair cap_inheritable, cap_permitted, cap_effective; };
struct tty_driver { int major, minor_start; };
struct tty_struct { int index; struct tty_driver *driver; };
struct rlimit { unsigned long rlim_cur; };
struct signal_struct {
	atomic_t live;
	struct list_head thread_head;
	struct pid *pids[4];
	struct tty_struct *tty;
	struct rlimit rlim[16];
	unsigned int is_child_subreaper : 1;
	unsigned int has_child_subreaper : 1;
};
struct percpu_counter { __s64 count; };
struct mm_struct {
	unsigned long total_vm;
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
	struct percpu_counter rss_stat[4];
};
struct mm_rss_stat { atomic64_t count[4]; };
struct mm_struct___atomic { struct mm_rss_stat rss_stat; }; /* until 6.1 */
struct thread_info { unsigned long flags; __u32 status; };

struct kernfs_node { struct kernfs_node *__parent; const char *name; __u64 id; };
struct kernfs_node___plain { struct kernfs_node *parent; }; /* until 6.14 */
struct cgroup_root;
struct cgroup { struct kernfs_node *kn; struct cgroup_root *root; };
struct cgroup_subsys_state { struct cgroup *cgroup; };
struct css_set { struct cgroup_subsys_state *subsys[16]; struct cgroup *dfl_cgrp; };
enum cgroup_subsys_id { memory_cgrp_id, pids_cgrp_id };

struct task_struct {
	struct thread_info thread_info;
	void *stack;
	unsigned int flags;
	int exit_code;
	int pid, tgid;
	struct task_struct *real_parent;
	struct list_head children;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct list_head thread_node;
	__u64 start_boottime;
	unsigned long min_flt, maj_flt;
	const struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct sighand_struct *sighand;
	kuid_t loginuid;
	struct mm_struct *mm;
	__u64 self_exec_id;
	struct css_set *cgroups;
};
struct linux_binprm { const char *filename; const char *fdpath; };

/* Sockets. */
struct in6_addr { __u8 bytes[16]; };
struct sock_common {
	__u32 skc_daddr, skc_rcv_saddr;
	__u16 skc_dport, skc_num, skc_family;
	volatile unsigned char skc_state;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol, sk_type;
	__u32 sk_ack_backlog, sk_max_ack_backlog;
};
struct socket { short type; struct sock *sk; };
struct sockaddr_un { __u16 sun_family; char sun_path[108]; };
struct unix_address { int len; struct sockaddr_un name[1]; };
struct unix_sock { struct sock sk; struct unix_address *addr; struct sock *peer; };

/* Requests of io_uring. What a request is about begins where it begins itself. */
struct open_how { __u64 flags, mode, resolve; };
struct filename { const char *name; };
struct io_cqe { __s32 res; int fd; };
struct io_kiocb { struct file *file; __u8 opcode; __u64 flags; struct io_cqe cqe; };
struct io_open { int dfd; __u32 file_slot; struct filename *filename; struct open_how how; };
struct delayed_filename { struct filename *__incomplete_filename; };
struct io_open___delayed { struct delayed_filename filename; }; /* from 7.0 */
struct io_connect { void *addr; int addr_len; };

/* Registers at the system call boundary. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs { unsigned long di, si, dx, r10, r8, r9, bx, cx, bp, orig_ax; };
struct pt_regs___frame { __u16 cs; };
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs { __u64 regs[31]; };
struct pt_regs { __u64 regs[31]; __u64 orig_x0; __s32 syscallno; };
struct pt_regs___frame { __u64 pstate; };
#endif

/* The task iterator. */
struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; };
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; };

#pragma clang attribute pop

/* Not in BTF: constants of include/linux/{sched,fs}.h and include/uapi/linux/. */
#define PF_EXITING 0x00000004
#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD 0x00200000
#define PIDTYPE_PGID 2
#define PIDTYPE_SID 3
#define RLIMIT_NOFILE 7
#define MM_FILEPAGES 0
#define MM_ANONPAGES 1
#define MM_SWAPENTS 2
#define MM_SHMEMPAGES 3
#define AT_FDCWD (-100)
#define O_WRONLY 01
#define O_CREAT 0100
#define O_TRUNC 01000
#define O_TMPFILE_BIT 020000000
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFREG 0100000
#define S_IFDIR 0040000
#define SB_RDONLY 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_ANONYMOUS 0x20
#define S_IMMUTABLE 8
#define OVERLAYFS_SUPER_MAGIC 0x794c7630
#define CAP_DAC_OVERRIDE 1
#define CAP_FOWNER 3
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define CLONE_VM 0x00000100
#define CLONE_FS 0x00000200
#define CLONE_FILES 0x00000400
#define CLONE_SIGHAND 0x00000800
#define CLONE_VFORK 0x00004000
#define CLONE_THREAD 0x00010000
#define CLONE_NEWNS 0x00020000
#define CLONE_NEWCGROUP 0x02000000
#define CLONE_NEWUTS 0x04000000
#define CLONE_NEWIPC 0x08000000
#define CLONE_NEWUSER 0x10000000
#define CLONE_NEWPID 0x20000000
#define CLONE_NEWNET 0x40000000
#define CSIGNAL 0xff
#define SIGCHLD 17

#endif
