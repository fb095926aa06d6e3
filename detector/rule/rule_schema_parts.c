/* SPDX-License-Identifier: BSD-2-Clause */
#include "rule/rule_schema_parts.h"

#include "rule/formula.h"
#include "rule/rule_read.h"

#define TEXT_OF(number)	 #number
#define NUMBER(constant) TEXT_OF(constant)
#define REF(name)	 "'$ref':'#/$defs/" name "'"
#define LIST_OF(items, min, max)                                                                   \
	"'type':'array','items':{" items "},'minItems':" NUMBER(min) ",'maxItems':" NUMBER(max)
#define TEXTS "'type':'string'"

/* --- rules ----------------------------------------------------------------------------------- */

#define NAME                                                                                       \
	{                                                                                          \
		"name", REF("name"), "what the alert is called; once in all files"                 \
	}
#define WHY                                                                                        \
	{                                                                                          \
		"why", "'type':'string','maxLength':" NUMBER(WHY_MAX),                             \
			"why it matters, for whoever gets the alert"                               \
	}
#define KEEP                                                                                       \
	{                                                                                          \
		"keep", REF("duration"),                                                           \
			"how long after the last match the alert ends; default 30s"                \
	}
#define SEVERITY                                                                                   \
	{                                                                                          \
		"severity", "'enum':['info','warning','error','critical']", "default warning"      \
	}
#define HOOKS                                                                                      \
	{                                                                                          \
		"hooks", LIST_OF(TEXTS, 0, RULE_HOOKS_MAX) ",'uniqueItems':true",                  \
			"names of hooks that get the alerts"                                       \
	}
#define REPEAT                                                                                     \
	{                                                                                          \
		"repeat", REF("duration"), "how often to say again that it fires; default never"   \
	}
#define GRACE                                                                                      \
	{                                                                                          \
		"grace", REF("duration"), "nothing fires this long after the start; default 0s"    \
	}
#define SUMMARY                                                                                    \
	{                                                                                          \
		"summary", TEXTS, "one line, with {{...}} for parts of the alert"                  \
	}
#define LABELS                                                                                                          \
	{                                                                                                               \
		"labels",                                                                                               \
			"'type':'object','maxProperties':" NUMBER(LABELS_MAX) ",'propertyNames':{" REF(                 \
				"name") "},'additionalProperties':{'type':'string','maxLength':" NUMBER(LABEL_MAX) "}", \
			"texts for the alert, with {{...}} for parts of it"                                             \
	}
#define NOTIFY                                                                                     \
	{                                                                                          \
		"notify", "'type':'boolean'", "false: counts for other rules, but is never said"   \
	}
#define INHIBIT                                                                                    \
	{                                                                                          \
		"inhibited_by", LIST_OF(TEXTS, 1, INHIBITORS_MAX) ",'uniqueItems':true",           \
			"while one of these rules fires for the same, this one is kept quiet"      \
	}
#define FLAP                                                                                       \
	{                                                                                          \
		"flap", "'oneOf':[{'type':'boolean'},{" REF("flap") "}]",                          \
			"how many changes in which time are too many to be said; false: none"      \
	}

/* clang-format off */
static const struct schema_property event_rule[] = {
	NAME, WHY,
	{ "on", REF("source"), "where the events come from" },
	{ "where", TEXTS, "which events count: a condition on their fields" },
	{ "with", REF("with"), "a second source, which \"value\" may read: count(net), sum(net.rx_bytes)" },
	{ "by", LIST_OF(TEXTS, 0, RULE_BY_MAX) ",'uniqueItems':true", "one alert for each combination of these fields" },
	{ "when", REF("when"), "the condition" },
	{ "for", "'oneOf':[{" REF("duration") "},{" REF("hits") "}]", "how long, or how often, the condition must have held" },
	{ "clear", REF("clear"), "how the alert of a rule with a window ends" },
	KEEP, SEVERITY,
	{ "warning", REF("limits"), "beyond these limits the alert is a warning" },
	{ "error", REF("limits"), "beyond these limits the alert is an error" },
	{ "critical", REF("limits"), "beyond these limits the alert is critical" },
	SUMMARY, HOOKS, NOTIFY, REPEAT, LABELS, INHIBIT, FLAP, GRACE,
};
static const struct schema_property composite_rule[] = {
	NAME, WHY,
	{ "sequence", LIST_OF(TEXTS, 2, RULE_MEMBERS_MAX) ",'uniqueItems':true", "rules whose alerts begin in this order" },
	{ "together", LIST_OF(TEXTS, 2, RULE_MEMBERS_MAX) ",'uniqueItems':true", "rules that fire at the same time" },
	{ "within", REF("duration"), "the time within which all of them begin" },
	{ "by", LIST_OF(TEXTS, 0, RULE_BY_MAX) ",'uniqueItems':true", "fields in which their keys agree; each rule must have them in its \"by\"" },
	KEEP, SEVERITY, SUMMARY, HOOKS, NOTIFY, REPEAT, LABELS, INHIBIT, FLAP, GRACE,
};
static const struct schema_property defaults[] = { HOOKS, REPEAT, SEVERITY, KEEP, GRACE };
static const struct schema_property with[] = {
	{ "on", REF("source"), "another source than that of the rule; it must have all fields of \"by\"" },
	{ "where", TEXTS, "which of its events count" },
};
static const struct schema_property leaf[] = {
	{ "value", TEXTS,
	  "a field, or functions over the window, with + - * / and parentheses. Functions: count() "
	  "rate() count(condition) rate(condition) rate(f) sum(f) avg(f) min(f) max(f) stddev(f) "
	  "last(f) distinct(f) p50(f) p99.9(f) quantile(f, 0.99)" },
	{ "window", REF("duration"), "over how long functions are taken; 1s to 24h" },
	{ "above", REF("quantity"), "holds over this" },
	{ "below", REF("quantity"), "holds under this" },
	{ "outside", "'type':'array','prefixItems':[{" REF("quantity") "},{" REF("quantity") "}],'minItems':2,'maxItems':2", "holds under the first or over the second" },
	{ "change", REF("change"), "compared with the same value earlier" },
	{ "min_samples", "'type':'integer','minimum':1,'maximum':1000000000", "at least this many events in the window" },
	{ "baseline", REF("baseline"), "compared with what is usual for the key" },
};
static const struct schema_property absent[] = {
	{ "absent", REF("duration"), "holds when no event of a known key came for this long" },
};
static const struct schema_property all[] = {
	{ "all", LIST_OF(REF("when"), 2, LEAVES_MAX), "holds when all of these do" },
};
static const struct schema_property any[] = {
	{ "any", LIST_OF(REF("when"), 2, LEAVES_MAX), "holds when one of these does" },
};
static const struct schema_property limits[] = {
	{ "above", REF("quantity"), NULL },
	{ "below", REF("quantity"), NULL },
};
static const struct schema_property clear[] = {
	{ "above", REF("quantity"), "ends over this only" },
	{ "below", REF("quantity"), "ends under this only" },
	{ "for", REF("duration"), "how long that must have held; default 10s" },
};
static const struct schema_property change[] = {
	{ "above", REF("quantity"), "has risen by more; \"50%\" is half of the earlier value" },
	{ "below", REF("quantity"), "has changed by less; \"-50%\" is a fall by more than half" },
	{ "ago", REF("duration"), "how much earlier; default: the window before" },
};
static const struct schema_property baseline[] = {
	{ "deviations", "'type':'number','exclusiveMinimum':0,'maximum':1000", "how many spreads from the centre is unusual" },
	{ "warm_up", REF("duration"), "how long to learn before the first verdict; default 2m" },
	{ "half_life", REF("duration"), "after how long a sample counts half; default 10m" },
};
static const struct schema_property hits[] = {
	{ "hits", "'type':'integer','minimum':1,'maximum':" NUMBER(HITS_MAX), "in so many ticks of one second the condition held" },
	{ "of", "'type':'integer','minimum':1,'maximum':" NUMBER(HITS_MAX), "of so many" },
};
static const struct schema_property flap[] = {
	{ "changes", "'type':'integer','minimum':2,'maximum':100", "default 6" },
	{ "window", REF("duration"), "default 10m" },
};

/* --- hooks ----------------------------------------------------------------------------------- */

#define HOOK_TYPE(name) { "type", "'const':'" name "'", NULL }
#define HOOK_ON         { "on", "'type':'array','items':{'enum':['firing','resolved']},'minItems':1,'maxItems':2", "which alerts it gets" }
#define HOOK_TIMEOUT    { "timeout", REF("duration"), "how long one delivery may take" }

static const struct schema_property hook_slack[] = {
	HOOK_TYPE("slack"), HOOK_ON, HOOK_TIMEOUT,
	{ "url", REF("secret"), "the address of the incoming webhook" },
};
static const struct schema_property hook_pagerduty[] = {
	HOOK_TYPE("pagerduty"), HOOK_ON, HOOK_TIMEOUT,
	{ "routing_key", REF("secret"), "the key of the integration" },
	{ "url", "'oneOf':[{'type':'string'},{" REF("secret") "}]", "another address than that of the service" },
};
static const struct schema_property hook_webhook[] = {
	HOOK_TYPE("webhook"), HOOK_ON, HOOK_TIMEOUT,
	{ "url", "'oneOf':[{'type':'string'},{" REF("secret") "}]", "where to post to" },
	{ "headers", "'type':'object','additionalProperties':{'oneOf':[{'type':'string'},{" REF("secret") "}]}", "more headers" },
	{ "body", TEXTS, "what to post, with {{...}}; the alert document if not given" },
	{ "content_type", TEXTS, "default application/json" },
	{ "secret", REF("secret"), "signs the body (Standard Webhooks)" },
};
static const struct schema_property hook_exec[] = {
	HOOK_TYPE("exec"), HOOK_ON, HOOK_TIMEOUT,
	{ "argv", "'type':'array','items':{'type':'string'},'minItems':1", "the program with its arguments, which may have {{...}} in them" },
	{ "user", TEXTS, "whom to run it as" },
	{ "cooldown", REF("duration"), "at most once in this time for a key" },
	{ "max_per_hour", "'type':'integer','minimum':1,'maximum':3600", "at most so often, for all keys" },
	{ "concurrency", "'type':'integer','minimum':1,'maximum':64", "at most so many at a time; default 4" },
};
static const struct schema_property hook_log[] = {
	HOOK_TYPE("log"), HOOK_ON, HOOK_TIMEOUT,
	{ "path", TEXTS, "the file to append to" },
};
static const struct schema_property secret[] = {
	{ "file", TEXTS, "a file that holds it" },
	{ "env", TEXTS, "a variable of the environment that holds it" },
};

/* --- the file -------------------------------------------------------------------------------- */

static const struct schema_property file[] = {
	{ "$schema", TEXTS, "where this schema is, for editors" },
	{ "version", "'const':1", "of the format" },
	{ "lists", "'type':'object','propertyNames':{" REF("word") "},'additionalProperties':{'type':'array','items':{'type':['string','number']},'minItems':1,'maxItems':" NUMBER(ITEMS_MAX) "}", "names for lists: comm in noisy" },
	{ "macros", "'type':'object','propertyNames':{" REF("word") "},'additionalProperties':{'type':'string','maxLength':" NUMBER(MACRO_MAX) "}", "names for conditions: is_db and ret < 0" },
	{ "hooks", "'type':'object','maxProperties':" NUMBER(HOOKS_MAX) ",'propertyNames':{" REF("name") "},'additionalProperties':{" REF("hook") "}", "where alerts go, by name" },
	{ "defaults", REF("defaults"), "for the rules of this file" },
	{ "rules", "'type':'array','items':{" REF("rule") "},'maxItems':" NUMBER(RULES_MAX), "the rules" },
};

#define OBJECT(name, rest) { #name, name, ARRAY_SIZE(name), rest }
#define ONE_OF_TWO(a, b) "'anyOf':[{'required':['" a "']},{'required':['" b "']}]"

static const struct schema_object objects[] = {
	OBJECT(composite_rule, "'required':['name','within'],'oneOf':[{'required':['sequence']},{'required':['together']}]"),
	OBJECT(defaults, NULL),
	OBJECT(with, "'required':['on']"),
	OBJECT(leaf, "'required':['value'],'anyOf':[{'required':['above']},{'required':['below']},{'required':['outside']},{'required':['change']},{'required':['baseline']}]"),
	OBJECT(absent, "'required':['absent']"),
	OBJECT(all, "'required':['all']"),
	OBJECT(any, "'required':['any']"),
	OBJECT(limits, ONE_OF_TWO("above", "below")),
	OBJECT(clear, NULL),
	OBJECT(change, ONE_OF_TWO("above", "below")),
	OBJECT(baseline, "'required':['deviations']"),
	OBJECT(hits, "'required':['hits','of']"),
	OBJECT(flap, NULL),
	OBJECT(hook_slack, "'required':['type','url']"),
	OBJECT(hook_pagerduty, "'required':['type','routing_key']"),
	OBJECT(hook_webhook, "'required':['type','url']"),
	OBJECT(hook_exec, "'required':['type','argv']"),
	OBJECT(hook_log, "'required':['type','path']"),
	OBJECT(secret, "'oneOf':[{'required':['file']},{'required':['env']}]"),
};

#define QUANTITY_DIGITS "[0-9]+(\\\\.[0-9]+)?([eE][+-]?[0-9]+)?"
#define IF_HAS(key, then, otherwise) "'if':{'required':['" key "']},'then':{" then "},'else':{" otherwise "}"
#define IF_HOOK(type) "{'if':{'properties':{'type':{'const':'" type "'}},'required':['type']},'then':{" REF("hook_" type) "}}"

/* Definitions that are no objects. */
static const struct schema_property others[] = {
	{ "name", "'type':'string','pattern':'^[A-Za-z0-9_.-]{1," NUMBER(RULE_NAME_MAX) "}$'", NULL },
	{ "word", "'type':'string','pattern':'^[A-Za-z_][A-Za-z0-9_]{0,63}$'", NULL },
	{ "duration", "'type':'string','pattern':'^" QUANTITY_DIGITS " ?(ns|us|ms|s|m|h|d)$'", "a number and a unit: 500ms, 30s, 5m, 1.5h, 7d" },
	{ "quantity", "'type':['number','string'],'pattern':'^-?" QUANTITY_DIGITS " ?(ns|us|ms|s|m|h|d|%|/s|ms/s|([KMG]i|[kMG])?B(/s)?)?$'", "a number in the unit of the value, or with a unit: 10ms, 4MiB, 5%, 50/s, 1MiB/s, 900ms/s" },
	{ "when", IF_HAS("all", REF("all"), IF_HAS("any", REF("any"), IF_HAS("absent", REF("absent"), REF("leaf")))), NULL },
	{ "rule", "'type':'object','if':{" ONE_OF_TWO("sequence", "together") "},'then':{" REF("composite_rule") "},'else':{" REF("event_rule") "}", NULL },
	{ "hook", "'type':'object','required':['type'],'properties':{'type':{'enum':['slack','pagerduty','webhook','exec','log']}},'allOf':[" IF_HOOK("slack") "," IF_HOOK("pagerduty") "," IF_HOOK("webhook") "," IF_HOOK("exec") "," IF_HOOK("log") "]", NULL },
};
/* clang-format on */

const struct schema_property *schema_file(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(file);
	return file;
}

const struct schema_property *schema_event_rule(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(event_rule);
	return event_rule;
}

const struct schema_property *schema_definitions(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(others);
	return others;
}

const struct schema_object *schema_objects(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(objects);
	return objects;
}
