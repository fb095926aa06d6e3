/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields that are computed from the stored ones: derive_<name> for each DERIVED(.., name, ..) in
 * bpf/events.def. Events that share a name share its meaning and its function.
 */
#ifndef EVENT_DERIVE_H
#define EVENT_DERIVE_H

#include "event/event.h"

void derive_timestamp(const struct event *ev, struct value *ret);
void derive_time_str(const struct event *ev, struct value *ret);
void derive_syscall_name(const struct event *ev, struct value *ret);
void derive_file_type(const struct event *ev, struct value *ret);
void derive_file_system(const struct event *ev, struct value *ret);
void derive_mostly(const struct event *ev, struct value *ret);
void derive_measured(const struct event *ev, struct value *ret);
void derive_abi(const struct event *ev, struct value *ret);
void derive_time_bucket(const struct event *ev, struct value *ret);
void derive_context_switches(const struct event *ev, struct value *ret);
void derive_avg_timeslice_us(const struct event *ev, struct value *ret);
void derive_runq_avg_us(const struct event *ev, struct value *ret);
void derive_fault_avg_us(const struct event *ev, struct value *ret);
void derive_state(const struct event *ev, struct value *ret);
void derive_owner(const struct event *ev, struct value *ret);
void derive_exe(const struct event *ev, struct value *ret);
void derive_cmdline(const struct event *ev, struct value *ret);
void derive_parent_comm(const struct event *ev, struct value *ret);
void derive_user(const struct event *ev, struct value *ret);
void derive_cgroup(const struct event *ev, struct value *ret);
void derive_container_id(const struct event *ev, struct value *ret);
void derive_unit(const struct event *ev, struct value *ret);
void derive_error(const struct event *ev, struct value *ret);
void derive_issuer(const struct event *ev, struct value *ret);

#endif
