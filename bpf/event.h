/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The records that cross from the kernel to user space: events.def expanded to one struct ev_<name>
 * for each event. Both sides include it (and source.h), so it uses nothing but __u types, which
 * vmlinux.h gives to the BPF side and linux/types.h to the other.
 */
#ifndef KERNELSIGHT_EVENT_RECORDS_H
#define KERNELSIGHT_EVENT_RECORDS_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* clang-format off */
#define EVENT(name, object, kind, help) struct ev_##name { __u64 ts_ns;
#define NUM(ctype, name, role, unit, help) ctype name;
#define SCALED(member, name, per, role, unit, help) __u64 member;
#define TEXT(size, name, role, help) char name[size];
#define ADDR(name, role, help) __u8 name[16];
#define DERIVED(type, name, role, unit, help)
#define HIDDEN(ctype, name) ctype name;
#define HIDDEN_TEXT(size, name) char name[size];
#define END(name) };
/* clang-format on */

#include "events.def"

#undef EVENT
#undef NUM
#undef SCALED
#undef TEXT
#undef ADDR
#undef DERIVED
#undef HIDDEN
#undef HIDDEN_TEXT
#undef END

/*
 * In a stored __u64: not measured, because no rule asked for it or this kernel cannot tell. Such a
 * value is null in JSON, is beyond no limit and counts in no aggregate.
 */
#define NOT_MEASURED (~0ULL)
/* The same in a stored __s64. */
#define NOT_MEASURED_SIGNED (-0x7fffffffffffffffLL - 1)

#define TCP_STATE_NEW_SYN_RECV 12 /* include/net/tcp_states.h; a listener answers again */

/* ev_tcp_retransmit.owner_kind */
enum tcp_owner { TCP_OWNER_UNKNOWN, TCP_OWNER_LISTENER, TCP_OWNER_EXACT };

/* ev_io_request.issuer_kind */
enum io_issuer { IO_ISSUER_UNKNOWN, IO_ISSUER_KERNEL, IO_ISSUER_WRITEBACK, IO_ISSUER_EXACT };

#endif
