/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events as the rest of the program sees them: a record from bpf/events.def with the description of
 * its fields. Everything that handles events goes through these descriptions, so that a new event
 * is a block in the table and nothing here.
 */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "util/json.h"
#include "util/units.h"

#include "../bpf/event.h"

enum field_type {
	FIELD_UINT,
	FIELD_INT,
	FIELD_REAL,
	FIELD_TEXT,
	FIELD_ADDR, /* IPv4 or IPv6 address */
};

enum field_role { ROLE_TIME, ROLE_KEY, ROLE_VALUE, ROLE_LABEL };

enum event_kind {
	EVENT_POINT,  /* one thing that happened */
	EVENT_SAMPLE, /* what one key did in one interval */
};

struct event;

/* A field's value at hand; text and addr lend from the event or from static memory. */
struct value {
	enum field_type type;
	bool missing;  /* not measured: number is NaN */
	double number; /* UINT, INT, REAL */
	union {
		uint64_t u; /* UINT, exact */
		int64_t i;  /* INT, exact */
	};
	const char *text; /* TEXT: len bytes, not necessarily UTF-8 */
	size_t len;
	const unsigned char *addr; /* ADDR: 16 bytes */
	char scratch[32];	   /* for derived texts */
};

struct field {
	const char *name;
	const char *help;
	enum field_type type;
	enum field_role role;
	enum unit unit;
	unsigned offset; /* in the record; not for derived fields */
	unsigned size;
	double per;	   /* the stored number is shown divided by this */
	unsigned decimals; /* 6 if per is 1e6 */
	void (*derive)(const struct event *ev, struct value *ret); /* NULL if stored */
};

struct event_type {
	const char *name;
	const char *object; /* stem of the .bpf.c */
	const char *help;
	enum event_kind kind;
	const struct field *fields;
	unsigned n_fields;
	const struct field *hidden; /* members of the record that are not shown */
	unsigned n_hidden;
	uint64_t carried; /* bit i: captures carry field i */
	size_t record_size;
	const struct field *interval; /* of a sample: "interval_ms"; NULL for points */
	struct {
		const struct field *pid, *ppid, *uid, *start_time;
	} process; /* the fields that name the process; NULL if events of the type have none */
};

/* What is known of a process beyond the numbers in its events. No text is NULL; "" is unknown. */
struct process {
	const char *exe;
	const char *cmdline; /* arguments joined by spaces */
	const char *parent_comm;
	const char *user;
	const char *cgroup;
	const char *container_id;
	const char *unit; /* of systemd */
};

/* Finds the process of an event; NULL: unknown. What it returns is valid until the next call. */
struct process_lookup {
	const struct process *(*find)(struct process_lookup *lookup, const struct event *ev);
};

/* Which process an event is of, in numbers. */
struct process_id {
	uint32_t pid; /* 0: it names none */
	uint32_t ppid;
	uint32_t uid;
	uint64_t start_time_ns; /* CLOCK_BOOTTIME; with pid the same for no other process */
};

/* One event. Borrows the record. */
struct event {
	const struct event_type *type;
	const void *record;	/* starts with __u64 ts_ns, CLOCK_MONOTONIC */
	int64_t wall_offset_ns; /* add to ts_ns for the time since 1970 */
	struct process_lookup
		*processes; /* asked only when a field needs it; NULL: nothing is known */
};

/* All event types in the order of the table; *ret_n of them. */
const struct event_type *event_types(unsigned *ret_n);
/* NULL if there is none of that name. */
const struct event_type *event_type_find(const char *name, size_t len);
const struct field *event_field_find(const struct event_type *type, const char *name, size_t len);
/*
 * The texts that the field is always one of, NULL behind the last; NULL: it can be any text, or is
 * none. "[0-9]*" in one stands for a number: they are globs as fnmatch(3) has them.
 */
const char *const *event_field_texts(const struct event_type *type, const struct field *f);
/* The type that the field is of. */
const struct event_type *event_field_type(const struct field *f);
/* Index of f in type->fields. */
unsigned event_field_index(const struct event_type *type, const struct field *f);

/* The bytes that the largest record takes, such that records one behind the other are aligned. */
size_t record_size_max(void);
/* A record of which no field was given: numbers that may be missing are, all else is 0. */
void event_blank(const struct event_type *type, void *ret_record);

/* CLOCK_MONOTONIC and wall-clock time of the event. */
uint64_t event_time_ns(const struct event *ev);
uint64_t event_wall_ns(const struct event *ev);
/*
 * CLOCK_MONOTONIC, the middle of what it stands for: of a sample's interval; of a point, its time.
 * By this time it is put into windows, so that a window of n seconds holds n samples of a second.
 */
uint64_t event_middle_ns(const struct event *ev);

/* Whose event it is. */
struct process_id event_process_id(const struct event *ev);

/* Reads a field of an event. */
void event_get(const struct event *ev, const struct field *f, struct value *ret);

/* For derived fields: the value is not there. */
void value_set_missing(struct value *v);

/* Writes the event as one JSON object, keys in the order of the table. */
void event_write_json(const struct event *ev, struct json *j);
/* Writes a value as JSON; a missing one as null. */
void value_write_json(const struct value *v, struct json *j);
/* Writes a value as plain text; bytes as they are. */
void value_write_text(const struct value *v, struct buf *out);
/* Reads the text of an IPv4 or IPv6 address into 16 bytes, IPv4 as ::ffff:a.b.c.d; false if it is
 * none. */
bool addr_parse(const char *s, unsigned char ret_addr[16]);

#endif
