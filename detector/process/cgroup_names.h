/* SPDX-License-Identifier: BSD-2-Clause */
/* What the path of a cgroup says of who made it. Pure text: asks neither systemd nor containers. */
#ifndef PROCESS_CGROUP_NAMES_H
#define PROCESS_CGROUP_NAMES_H

#include "util/base.h"

/*
 * The id of the innermost container: 64 hexadecimal digits, alone or behind a prefix ("docker-",
 * "cri-containerd-", "crio-", "libpod-", "nerdctl-", "kubepods...slice:cri-containerd:"), with or
 * without ".scope", as docker, containerd, cri-o and podman write it with their cgroupfs and systemd
 * drivers; or that of a task on AWS Fargate (32 such digits, "-", decimal digits). What runs inside
 * of the container may have cgroups below. Lends from the path; NULL if it is in no container. A
 * monitor of containers ("conmon") is not in the one it watches.
 */
const char *cgroup_container_id(const char *path, size_t *ret_len);

/*
 * The unit of the host's systemd, as `systemctl status PID` has it: the first below its slices, such
 * as "nginx.service", "session-3.scope". Lends from the path; NULL if there is none.
 */
const char *cgroup_unit(const char *path, size_t *ret_len);

#endif
