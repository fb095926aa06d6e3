/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/sources_say.h"

struct sources *sources_start(const char *command, const struct sources_conf *conf)
{
	AUTO_FREE char *error = NULL;
	struct sources *s = sources_new(conf, &error);

	if (!s)
		fprintf(stderr, "%s: %s\n", command, error);
	else if (sources_problem(s))
		fprintf(stderr, "%s: processes are known from /proc only: %s\n", command,
			sources_problem(s));
	return s;
}

void sources_say_loss(const char *command, const struct event_type *type, uint64_t lost)
{
	fprintf(stderr, "%s: %s: %llu event%s lost in the last second\n", command, type->name,
		(unsigned long long)lost, plural(lost));
}

void sources_say_route(const char *command, const struct event_type *type, const char *route,
		       const char *error)
{
	fprintf(stderr, "%s: %s%s: %s\n", command, error ? "" : "watching ", type->name,
		error ? error : route);
}

/* --- the ledger ------------------------------------------------------------------------------ */

static void print_counters(const struct source_counters *c, FILE *out)
{
	uint64_t seen = source_seen(c);
	uint64_t lost = seen - c->filtered - c->aggregated - c->emitted;

	fprintf(out,
		"seen %llu = filtered %llu + aggregated %llu + emitted %llu + lost %llu "
		"(ring full %llu, no storage %llu, map full %llu, rate limited %llu)",
		(unsigned long long)seen, (unsigned long long)c->filtered,
		(unsigned long long)c->aggregated, (unsigned long long)c->emitted,
		(unsigned long long)lost, (unsigned long long)c->ring_full,
		(unsigned long long)c->no_storage, (unsigned long long)c->map_full,
		(unsigned long long)c->rate_limited);
}

/* Whose they are, where a source has several types. */
static void print_losses(const struct source *source, const struct source_stats *stats, FILE *out)
{
	unsigned n;
	const struct event_type *types = event_types(&n);

	for (unsigned i = 0; i < n && source_lost(stats); i++)
		if (source_delivers(source, &types[i]))
			fprintf(out, "; missing of %s: %llu", types[i].name,
				(unsigned long long)source_lost_of(source, &types[i], stats));
	fputc('\n', out);
}

static void print_source(const struct source *source, FILE *out)
{
	const struct source_counters *per_cpu;
	struct source_stats stats;

	source_stats(source, &stats);
	fprintf(out, "%s: ", source_name(source));
	print_counters(&stats.counters, out);
	fprintf(out, "; not run %llu; lost in user space %llu", (unsigned long long)stats.not_run,
		(unsigned long long)stats.lost_here);
	print_losses(source, &stats, out);
	per_cpu = source_stats_per_cpu(source);
	for (unsigned i = 0; i < source_cpus(source); i++) {
		if (source_seen(&per_cpu[i]) == 0)
			continue;
		fprintf(out, "  cpu %u: ", i);
		print_counters(&per_cpu[i], out);
		fputc('\n', out);
	}
}

void sources_print_ledger(const struct sources *s, FILE *out)
{
	const struct processes *processes = sources_processes(s);
	uint64_t bytes = processes ? processes_memory_bytes(processes) : 0;

	for (unsigned i = 0; i < sources_count(s); i++) {
		print_source(sources_at(s, i), out);
		bytes += source_memory_bytes(sources_at(s, i));
	}
	if (processes)
		processes_print_ledger(processes, out);
	fprintf(out, "kernel memory of maps and rings: %.1f MiB\n", (double)bytes / (1 << 20));
}
