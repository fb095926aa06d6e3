/* SPDX-License-Identifier: BSD-2-Clause */
/* Random streams of events: against plain recomputation, and in batches against one by one. */
#include "engine_world.h"

#define KEYS	5
#define EVENTS	4001
#define LIMIT	6
#define LATE_NS (2 * NS_PER_S)

static uint64_t seed;

static uint64_t next_random(uint64_t below)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (seed >> 33) % below;
}

/*
 * "count() above 6 over 10 s" by recomputation: all events of a key as a list. The slots are 0.5 s,
 * their steps 2^21 ns; a slot counts until its latest step is 10 s old.
 */
struct naive {
	uint64_t ts_ns[EVENTS];
	bool out[EVENTS];
	unsigned n;
	uint64_t newest_ns;
	bool firing;
};

#define SLOT_NS	  (NS_PER_S / 2)
#define STEP_NS	  (1ull << 21)
#define WINDOW_NS (10 * NS_PER_S)

static uint64_t step_of(uint64_t ts_ns)
{
	return ts_ns - ts_ns % SLOT_NS + ts_ns % SLOT_NS / STEP_NS * STEP_NS;
}

static bool inside(const struct naive *k, uint64_t step_ns)
{
	return step_ns >= k->newest_ns || k->newest_ns - step_ns < WINDOW_NS;
}

static unsigned naive_count(struct naive *k, uint64_t now_ns)
{
	static bool stays[EVENTS];
	unsigned count = 0;

	if (now_ns > k->newest_ns)
		k->newest_ns = now_ns;
	for (unsigned i = 0; i < k->n; i++) {
		stays[i] = false;
		for (unsigned j = 0; j < k->n && !k->out[i] && !stays[i]; j++)
			stays[i] = !k->out[j] && k->ts_ns[j] / SLOT_NS == k->ts_ns[i] / SLOT_NS &&
				   inside(k, step_of(k->ts_ns[j]));
	}
	for (unsigned i = 0; i < k->n; i++) {
		k->out[i] = !stays[i];
		count += stays[i];
	}
	return count;
}

static void naive_add(struct naive *k, uint64_t ts_ns)
{
	(void)naive_count(k, ts_ns);
	if (inside(k, step_of(ts_ns)))
		k->ts_ns[k->n++] = ts_ns;
	/* what is out stays out, and need not be looked at again */
	for (unsigned i = 0; i < k->n; i++) {
		if (!k->out[i])
			continue;
		k->ts_ns[i] = k->ts_ns[--k->n];
		k->out[i] = k->out[k->n];
		k->out[k->n] = false;
		i--;
	}
}

static void expect(unsigned *n_expected, enum alert_state state, unsigned key, unsigned count)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", key);
	assert_int_equal(w.n_seen, ++*n_expected);
	assert_int_equal(last()->state, state);
	assert_true(last()->value == count);
	assert_string_equal(w.seen[w.n_seen - 1].key, text);
}

static void judge_tick(struct naive keys[KEYS], uint64_t now_ns, unsigned *n_expected)
{
	unsigned ended = 0;

	tick((double)now_ns / 1e9);
	for (unsigned i = 0; i < KEYS; i++) {
		unsigned count = naive_count(&keys[i], now_ns);

		if (!keys[i].firing || count > LIMIT)
			continue;
		keys[i].firing = false;
		ended++;
	}
	*n_expected += ended;
	assert_int_equal(w.n_seen, *n_expected);
}

static void judge_event(struct naive keys[KEYS], uint64_t ts_ns, unsigned *n_expected)
{
	unsigned key = (unsigned)next_random(KEYS), count;
	struct ev_syscall record = { .ts_ns = ts_ns, .pid = key };

	feed_record(&record);
	naive_add(&keys[key], ts_ns);
	count = naive_count(&keys[key], ts_ns);
	if (keys[key].firing != (count > LIMIT)) {
		keys[key].firing = !keys[key].firing;
		expect(n_expected, keys[key].firing ? ALERT_FIRING : ALERT_RESOLVED, key, count);
	}
	assert_int_equal(w.n_seen, *n_expected);
}

/* An alert fires with the very event that takes the count beyond its limit, and ends at the first
 * event or tick at which it is no longer, whatever came late. */
static void alerts_equal_recomputation(void **state)
{
	static struct naive keys[KEYS];

	(void)state;
	for (uint64_t run_seed = 0; run_seed < 10; run_seed++) {
		struct rule *r = window_rule(AGGREGATE_COUNT);
		uint64_t now_ns = 1000 * NS_PER_S, tick_ns = now_ns;
		unsigned n_expected = w.n_seen = 0;

		seed = run_seed;
		memset(keys, 0, sizeof(keys));
		r->judge.leaves[0].above = (struct limit){ true, LIMIT };
		r->clear.for_ns = 0;
		run(1);
		for (unsigned i = 0; i < 1500; i++) {
			now_ns += next_random(next_random(20) ? NS_PER_S / 2 : 15 * NS_PER_S);
			for (; tick_ns <= now_ns; tick_ns += NS_PER_S)
				judge_tick(keys, tick_ns, &n_expected);
			judge_event(keys, now_ns - next_random(LATE_NS), &n_expected);
		}
		assert_true(n_expected > 20);
		engine_free(w.engine);
		w.engine = NULL;
	}
}

/* --- in batches ------------------------------------------------------------------------------- */

/* Enough to fill what a batch has room for, and more streams by one key than a directory has. */
#define RULES 67

static struct expr *conditions[RULES];

static void make_rule(struct rule *r, unsigned i)
{
	static const enum aggregate aggregates[] = { AGGREGATE_COUNT, AGGREGATE_SUM,
						     AGGREGATE_AVG,   AGGREGATE_QUANTILE,
						     AGGREGATE_MAX,   AGGREGATE_NONE };
	static const char *const texts[] = { "comm == 'a'", "comm like 'b*' and latency_ms > 10",
					     "pid in (1, 2, 3) or comm == 'c'" };
	static const char *const by[] = { "pid", "comm", "tid" };
	enum aggregate aggregate = aggregates[i % ARRAY_SIZE(aggregates)];
	AUTO_FREE char *own = xasprintf("latency_ms > 0.%02u", i);
	const char *text = i < 12 ? texts[i % ARRAY_SIZE(texts)] : own;
	struct expr_error error;

	*r = *window_rule(aggregate);
	r->by[0] = field_of("syscall", by[i % ARRAY_SIZE(by)]);
	r->keep_ns = 5 * NS_PER_S;
	r->clear.for_ns = i % 3 * NS_PER_S;
	r->judge.leaves[0].above =
		(struct limit){ true, (aggregate == AGGREGATE_SUM ? 200 : 12) + i };
	if (aggregate == AGGREGATE_NONE)
		r->judge.leaves[0].window_ns = 0;
	conditions[i] = i % 4 || i >= 12 ? expr_parse(text, r->on, &error) : NULL;
	r->where = conditions[i];
}

static void random_record(struct ev_syscall *record, uint64_t now_ns)
{
	*record = (struct ev_syscall){
		.ts_ns = now_ns - next_random(NS_PER_S),
		.pid = (uint32_t)next_random(20),
		.tid = (uint32_t)next_random(20),
		.latency_ns = next_random(20 * NS_PER_MS),
	};
	(void)snprintf(record->comm, sizeof(record->comm), "%c%u", (int)('a' + next_random(3)),
		       (unsigned)next_random(3));
	if (next_random(2))
		record->comm[1] = '\0';
}

/* Feeds the same events in batches of that size at most; the transitions become a text. */
static void said_of(size_t batch, struct rule rules[RULES], struct buf *out)
{
	static struct ev_syscall records[300];
	static struct event events[ARRAY_SIZE(records)];
	struct rule_set set = { .rules = rules, .n_rules = RULES };
	struct engine_conf conf = { .rules = &set,
				    .seed = 42,
				    .hash_seed = 43,
				    .max_keys = 17,
				    .on_transition = write_down };
	uint64_t now_ns = 1000 * NS_PER_S;

	seed = 7;
	w.n_seen = 0;
	w.engine = engine_new(&conf);
	for (unsigned s = 0; s < 40; s++) {
		size_t n = 1 + next_random(ARRAY_SIZE(records));

		for (size_t i = 0; i < n; i++) {
			random_record(&records[i], now_ns += next_random(NS_PER_S / 200));
			events[i] =
				(struct event){ .type = type_of("syscall"), .record = &records[i] };
		}
		for (size_t i = 0; i < n; i += batch)
			engine_feed_batch(w.engine, &events[i], n - i < batch ? n - i : batch);
		now_ns += next_random(s % 10 ? NS_PER_S : 20 * NS_PER_S);
		engine_tick(w.engine, now_ns, 0);
	}
	for (unsigned i = 0; i < w.n_seen; i++)
		buf_addf(out, "%s %s %s %d %.17g\n", w.seen[i].t.id, w.seen[i].t.incident,
			 w.seen[i].key, (int)w.seen[i].t.state, w.seen[i].t.value);
	buf_addf(out, "evicted %llu", (unsigned long long)engine_stats(w.engine)->evicted);
	engine_free(w.engine);
	w.engine = NULL;
}

static void a_batch_is_the_same_as_its_events(void **state)
{
	static const size_t batches[] = { 2, 31, 300 };
	static struct rule rules[RULES];
	CLEANUP(buf_fini) struct buf one_by_one = { 0 };

	(void)state;
	for (unsigned i = 0; i < RULES; i++)
		make_rule(&rules[i], i);
	said_of(1, rules, &one_by_one);
	assert_true(w.n_seen > 100 && w.n_seen < SEEN_MAX);
	for (unsigned i = 0; i < ARRAY_SIZE(batches); i++) {
		CLEANUP(buf_fini) struct buf said = { 0 };

		said_of(batches[i], rules, &said);
		assert_string_equal(buf_str(&said), buf_str(&one_by_one));
	}
	for (unsigned i = 0; i < RULES; i++)
		expr_free(conditions[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(alerts_equal_recomputation),
		TEST(a_batch_is_the_same_as_its_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
