/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What user space and every BPF object agree on besides the records: the control block through
 * which a running program is adjusted, and the counters of its ledger.
 */
#ifndef KERNELSIGHT_SOURCE_CONTRACT_H
#define KERNELSIGHT_SOURCE_CONTRACT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

#define SOURCE_SYSCALLS 1024 /* a power of two */

#define SYSCALL_LOOKED_AT 1
#define SYSCALL_TAKES_FD  2 /* as its first argument */

/*
 * One per object, in the map ".data.control", written by user space at any time.
 *
 * reader_sleeps is the bell: user space sets it before it sleeps on the ring and then looks at the
 * ring once more; a program that emits an urgent record while it is set takes it back to 0 and wakes
 * the reader. So a record wakes a reader that sleeps at once, and a flood wakes it once.
 */
struct source_control {
	__u32 reader_sleeps;
	__u32 own_line[15]; /* the rest is read at every call, and the bell changes all the time */
	__u32 self_tgid;    /* kernelsight itself is not reported */
	__u32 limit_per_s;  /* point records that each CPU may send in a second; 0: no limit */
	__u64 floor_ns;	    /* syscall: shorter calls are not reported */
	__u32 precise;	/* syscall: never infer from the scheduler's tick that a call was short */
	__u32 walk;	/* tcp, net: number of the current walk over all open files */
	__u32 peers;	/* tcp: what connections did is wanted */
	__u32 baseline; /* tcp, net: what sockets did before the walk that notes it does not count */
	__u64 since_ns; /* walks: CLOCK_BOOTTIME from which on everything is counted; 0: not yet */
	__u32 no_sched_info; /* sched: set by the walk where the kernel keeps no run-queue delays */
	__u32 calls_attached; /* syscall: besides waits, the ends of calls are looked at */
	__u32 calls_epoch;    /* syscall: raised whenever stamps of calls become stale ... */
	__u32 waits_epoch;    /* ... and those of waits */
	__u32 states_epoch; /* sched: raised whenever stamps of threads off the CPU become stale */
	__u32 io_sampled;   /* io: add up, for samples */
	__u32 io_requested; /* io: report requests of floor_ns or more */
	__u32 io_issuers;   /* io: who issued a request is remembered */
	__u32 io_stamped;   /* io: stamps are made for requests that the kernel does not stamp */
	__u64 io_interval;  /* io: number of the current interval */
	__u8 syscalls[SOURCE_SYSCALLS]; /* syscall: of each native call, the flags below */
};

/* Per CPU, in the map "counters". What was seen is the sum of all. */
struct source_counters {
	__u64 filtered;	    /* seen, and of no interest */
	__u64 aggregated;   /* seen, and added to a sum that is read once a second */
	__u64 emitted;	    /* sent to user space */
	__u64 ring_full;    /* lost: no room in the ring */
	__u64 no_storage;   /* lost: no memory for the state of a task or socket */
	__u64 map_full;	    /* lost: no room in a map */
	__u64 rate_limited; /* lost: more point events than limit_per_s */
	/* not part of the sum: */
	__u64 points_full; /* of ring_full, those that were point records */
	__u64 socket_ends; /* tcp, net: a sign of life (source_canary.c) */
};

/*
 * What one thread did since it was last looked at (task_walk.bpf.h): to user space, which adds up.
 * Behind it stand as many counts (__s64) as the object has. They are signed: a walk that meets an
 * exit may take from one what it gives the other; the sum is right.
 */
struct task_delta {
	__u64 ts_ns;
	__u64 start_time_ns; /* of the process, as the following */
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	__u32 kernel_thread;
	__u32 exited; /* the process's last thread ended */
	__u32 pad;
	char comm[16];
};

/* The counts of sched_tracer. */
enum sched_count {
	SCHED_VOLUNTARY,
	SCHED_INVOLUNTARY,
	SCHED_WAKEUPS,
	SCHED_CPU_NS,
	SCHED_ARRIVALS,		  /* times put on a CPU */
	SCHED_RUNQ_NS,		  /* ready, and waiting for one */
	SCHED_UNINTERRUPTIBLE_NS, /* waiting for what no signal ends: a disk, a lock */
	SCHED_PREEMPTED_NS,	  /* the part of SCHED_RUNQ_NS after another was put in its place */
	SCHED_ASLEEP_NS,
	SCHED_COUNTS
};

/* The counts of page_faults. */
enum fault_count {
	FAULT_MINOR,
	FAULT_MAJOR,
	FAULT_USER,
	FAULT_KERNEL,
	FAULT_TIMED,
	FAULT_TIMED_NS,
	FAULT_DELAY_NS,
	FAULT_COUNTS
};

#define WAIT_BUCKETS 96

/* How long one thread waited for a CPU, each time that it was longer than HISTOGRAM_FROM. */
struct waits_delta {
	__u64 start_time_ns; /* of the process */
	__u32 pid;
	__u32 pad;
	__u64 longest_ns;
	__s32 buckets[WAIT_BUCKETS]; /* histogram.h; signed as above */
};

/* Both of one thread, taken together, so that the waits come with the count of them. */
struct sched_walked {
	struct task_delta who;
	__s64 counts[SCHED_COUNTS];
	struct waits_delta waits; /* pid 0: none */
};

/* The process that a TCP socket belongs to: kept in the socket's storage, written by the walk. */
struct socket_owner {
	__u64 socket; /* address of the struct sock: only to tell sockets apart */
	__u64 start_time_ns;
	__u32 pid;
	__u32 ppid;
	__u32 uid;
	__u32 kind;	 /* enum tcp_owner */
	__u32 walk;	 /* in which it was found; 0: in none */
	__u32 asked;	 /* an event had to go without the exact owner */
	__u32 sought_in; /* the first walk that can find it, asked for by walk_sockets; 0: none */
	__u32 pad;
	char comm[16];
};

#define SOCKET_OWNER_WALKS  3 /* that have to miss it before it is taken for the listener */
#define SOCKET_OWNER_SOUGHT 1 /* ask: nothing is taken yet; a walk may find whose it is */

/* What went over one TCP socket, or what one process sent and received by UDP, since the last look:
 * net_traffic to user space, which adds up. */
struct net_delta {
	struct socket_owner owner;
	__u32 ask;	/* 0 or SOCKET_OWNER_SOUGHT */
	__u32 protocol; /* IPPROTO_TCP, IPPROTO_UDP */
	__u32 family;	/* AF_INET, AF_INET6: of the packets */
	__u32 pad;
	__u64 rx_bytes;
	__u64 tx_bytes;
	__u64 rx_packets;
	__u64 tx_packets;
};

/* What one TCP connection did since the last look: tcp_retrans to user space. */
struct tcp_delta {
	struct socket_owner owner;
	__u32 ask;    /* as above */
	__u32 rtt_us; /* smoothed; 0: none yet */
	__u8 daddr[16];
	__u64 segments_sent;
	__u64 retransmits;
	__u64 syn_retransmits;
	__u64 lost;
	__u64 reordered;
};

#endif
