/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel counts anyway, to compare with what a source has seen. Each false if it does not say. */
#ifndef SOURCE_KERNEL_COUNTS_H
#define SOURCE_KERNEL_COUNTS_H

#include "util/base.h"

/* TCP segments sent again, but for those that failed: RetransSegs less TCPRetransFail of this network
 * namespace. */
bool kernel_counts_retransmits(uint64_t *ret);
/* UDP datagrams sent over IPv4 and IPv6 in this network namespace: OutDatagrams. */
bool kernel_counts_udp_sent(uint64_t *ret);
/* Reads, writes and discards completed by all block devices that have requests and count them. */
bool kernel_counts_block_requests(uint64_t *ret);

#endif
