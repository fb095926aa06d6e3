/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads a BPF object, attaches all its programs, and keeps them attached until it is ended.
 *
 * usage: attach_bpf OBJECT
 */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct bpf_object *object = argc == 2 ? bpf_object__open_file(argv[1], NULL) : NULL;
	struct bpf_program *program;

	if (!object || bpf_object__load(object) < 0) {
		fprintf(stderr, "usage: attach_bpf OBJECT (one that this kernel loads)\n");
		return 2;
	}
	bpf_object__for_each_program(program, object)
	{
		if (!bpf_program__attach(program))
			return 1;
	}
	(void)pause();
	return 0;
}
