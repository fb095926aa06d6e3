/* SPDX-License-Identifier: BSD-2-Clause */
#include "process/cgroup_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ID    "3f4d0e6c1b2a59788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define OUTER "0000000000000000000000000000000000000000000000000000000000000001"
#define POD   "pod1f2e3d4c-5b6a-4978-8796-a5b4c3d2e1f0"
#define POD_  "pod1f2e3d4c_5b6a_4978_8796_a5b4c3d2e1f0"
#define TASK  "9781c248-0edd-4cdb-9a93-f63cb662a5d3"

/* id and unit: NULL for none */
static void check(const char *path, const char *id, const char *unit)
{
	size_t id_len = 0, unit_len = 0;
	const char *found_id = cgroup_container_id(path, &id_len);
	const char *found_unit = cgroup_unit(path, &unit_len);

	if (!found_id != !id || (id && (id_len != strlen(id) || memcmp(found_id, id, id_len))))
		fail_msg("%s: container %.*s", path, (int)id_len, found_id ? found_id : "");
	if (!found_unit != !unit ||
	    (unit && (unit_len != strlen(unit) || memcmp(found_unit, unit, unit_len))))
		fail_msg("%s: unit %.*s", path, (int)unit_len, found_unit ? found_unit : "");
}

static void docker_containers_are_known(void **state)
{
	(void)state;
	check("/docker/" ID, ID, NULL); /* cgroupfs driver */
	check("/system.slice/docker-" ID ".scope", ID, "docker-" ID ".scope");
	check("/docker.slice/docker-" ID ".scope", ID, "docker-" ID ".scope");
	check("/docker/" OUTER "/docker/" ID, ID, NULL); /* docker in docker */
	check("/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" ID ".scope", ID,
	      "user@1000.service"); /* rootless */
	check("/docker/" ID "/system.slice/nginx.service", ID, NULL);
	check("/system.slice/docker-" ID ".scope/init.scope", ID, "docker-" ID ".scope");
	check("/system.slice/docker.service", NULL, "docker.service"); /* the daemon itself */
	check("/actions_job/" ID, ID, NULL);			       /* --cgroup-parent */
}

static void containerd_containers_are_known(void **state)
{
	(void)state;
	check("/default/" ID, ID, NULL); /* nerdctl, cgroupfs driver */
	check("/system.slice/nerdctl-" ID ".scope", ID, "nerdctl-" ID ".scope");
	check("/k8s.io/" ID, ID, NULL);
	check("/kubepods/besteffort/" POD "/" ID, ID, NULL);
	check("/kubepods/" POD "/" ID, ID, NULL);
	check("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-" POD_
	      ".slice/cri-containerd-" ID ".scope",
	      ID, "cri-containerd-" ID ".scope");
	check("/system.slice/containerd.service/kubepods-burstable-" POD_
	      ".slice:cri-containerd:" ID,
	      ID, "containerd.service");
	check("/kubelet/kubepods/burstable/" POD "/" ID, ID, NULL);
	/* kind: Kubernetes inside of a docker container */
	check("/docker/" OUTER "/kubelet/kubepods/besteffort/" POD "/" ID, ID, NULL);
	check("/system.slice/docker-" OUTER ".scope/kubelet.slice/kubelet-kubepods.slice/"
	      "kubelet-kubepods-" POD_ ".slice/cri-containerd-" ID ".scope",
	      ID, "docker-" OUTER ".scope");
	check("/system.slice/containerd.service", NULL, "containerd.service");
}

static void crio_containers_are_known(void **state)
{
	(void)state;
	check("/kubepods/burstable/" POD "/crio-" ID, ID, NULL);
	check("/kubepods.slice/kubepods-" POD_ ".slice/crio-" ID ".scope", ID, "crio-" ID ".scope");
	check("/kubepods.slice/kubepods-" POD_ ".slice/crio-" ID ".scope/container", ID,
	      "crio-" ID ".scope");
	check("/kubepods.slice/kubepods-" POD_ ".slice/crio-" ID ".scope/system.slice/a.service",
	      ID, "crio-" ID ".scope");
	check("/kubepods.slice/kubepods-" POD_ ".slice/crio-conmon-" ID ".scope", NULL,
	      "crio-conmon-" ID ".scope");
}

static void podman_containers_are_known(void **state)
{
	(void)state;
	check("/machine.slice/libpod-" ID ".scope", ID, "libpod-" ID ".scope");
	check("/machine.slice/libpod-" ID ".scope/container", ID, "libpod-" ID ".scope");
	check("/machine.slice/libpod-" ID ".scope/container/init.scope", ID, "libpod-" ID ".scope");
	check("/libpod_parent/libpod-" ID, ID, NULL);
	check("/machine.slice/machine-libpod_pod_" OUTER ".slice/libpod-" ID ".scope/container", ID,
	      "libpod-" ID ".scope");
	check("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID
	      ".scope/container",
	      ID, "user@1000.service");
	check("/system.slice/web.service/libpod-payload-" ID, ID, "web.service");
	check("/machine.slice/libpod-conmon-" ID ".scope", NULL, "libpod-conmon-" ID ".scope");
	/* the monitor of a container that runs inside of another one is in the other one */
	check("/docker/" OUTER "/libpod_parent/libpod-conmon-" ID, OUTER, NULL);
}

static void amazon_tasks_are_known(void **state)
{
	(void)state;
	check("/ecs/" TASK "/" ID, ID, NULL);
	check("/ecs/cluster/" TASK "/" ID, ID, NULL);
	check("/ecs/e1f0a1b2c3d4e5f60718293a4b5c6d7e/e1f0a1b2c3d4e5f60718293a4b5c6d7e-2421",
	      "e1f0a1b2c3d4e5f60718293a4b5c6d7e-2421", NULL);
	check("/ecs/e1f0a1b2c3d4e5f60718293a4b5c6d7e", NULL, NULL);
	check("/ecs/e1f0a1b2c3d4e5f60718293a4b5c6d7e-", NULL, NULL);
}

static void units_are_those_of_the_hosts_systemd(void **state)
{
	(void)state;
	check("/", NULL, NULL);
	check("", NULL, NULL);
	check("/init.scope", NULL, "init.scope");
	check("/system.slice", NULL, NULL);
	check("/system.slice/postgresql.service", NULL, "postgresql.service");
	check("/system.slice/system-postgresql.slice/postgresql@15-main.service", NULL,
	      "postgresql@15-main.service");
	check("/system.slice/app.service/worker/2.service", NULL, "app.service");
	check("/user.slice/user-1000.slice/session-3.scope", NULL, "session-3.scope");
	check("/user.slice/user-1000.slice/user@1000.service/app.slice/ff.service", NULL,
	      "user@1000.service");
	check("/system.slice/_cpu.service", NULL, "cpu.service");
	check("/system.slice/dbus.socket", NULL, "dbus.socket");
	check("/system.slice/var-lib.mount", NULL, "var-lib.mount");
	check("/a.slice/.service", NULL, NULL);
	check("/mine/nginx.service", NULL, NULL);
	check("relative.service", NULL, NULL);
}

static void what_only_looks_like_an_id_is_none(void **state)
{
	char path[128];

	(void)state;
	check("/jobs/9c1506fc3e6004342a34abe69b640220", NULL, NULL);
	(void)snprintf(path, sizeof(path), "/docker/%.63s", ID);
	check(path, NULL, NULL);
	check("/docker/" ID "0", NULL, NULL);
	check("/docker/" ID ".slice", NULL, NULL);
	check("/docker/G" ID, NULL, NULL);
	check("/docker/" ID "/", ID, NULL);
	check("//", NULL, NULL);
	(void)snprintf(path, sizeof(path), "/docker/%s", ID);
	path[10] = 'F'; /* ids are written small */
	check(path, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(docker_containers_are_known),
		cmocka_unit_test(containerd_containers_are_known),
		cmocka_unit_test(crio_containers_are_known),
		cmocka_unit_test(podman_containers_are_known),
		cmocka_unit_test(amazon_tasks_are_known),
		cmocka_unit_test(units_are_those_of_the_hosts_systemd),
		cmocka_unit_test(what_only_looks_like_an_id_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
