What `kernelsight test` says of a test file that is wrong: where, and what.

  $ said() { kernelsight test t.json 2>&1 | sed -n 's/^t.json:1:[0-9]*: //p'; }
  $ file() { printf '%s\n' "$1" > t.json; said; }
  $ SLOW='{"name":"slow","on":"syscall","by":["comm"],"keep":"5s","when":{"value":"latency_ms","above":"10ms"}}'
  $ document() { file '{"version":1,"rules":['"$SLOW"'],"tests":[{"name":"t",'"$1"'}]}'; }
  $ events() { document '"expect":"none","events":['"$1"']'; }
  $ expect() { document '"events":[{"at":"1s","latency_ms":11}],"expect":'"$1"; }

A file, and a test:

  $ kernelsight test none.json
  kernelsight test: none.json: No such file or directory
  usage: kernelsight test [--verbose] FILE|DIR...
  [2]
  $ file '{"version":1,"rules":[]}'
  error: missing key "tests"
  $ file '{"version":1,"tests":[{"name":"t","events":[],"expect":"none"}]}'
  error: there is no rule to test: "rules" is a list of files and rules
  $ file '{"version":1,"rules":["none.json"],"tests":[]}'
  error: none.json: No such file or directory
  $ echo '{"version":1,"rules":[]}' > a.json
  $ file '{"version":1,"rules":['$(yes '"a.json",' | head -n 100 | tr -d '\n')'"a.json",'"$SLOW"'],"tests":[{"name":"t","events":[],"expect":"none"}]}'
  error: more than 100 rule files
  $ document '"events":[{"at":"1s"}]'
  error: this test asserts nothing: "expect" is missing; write a list of alerts, or "none"
  $ document '"events":[],"expect":"none","until":"5s"'
  error: this test asserts nothing: it has no events, and no rule waits for "absent"
  $ document '"events":[{"at":"3s"}],"expect":"none","until":"2s"'
  error: event at 3 s comes after "until" 2 s
  $ document '"events":[{"at":"3s","lost":1}],"expect":"none","until":"2s"'
  error: loss at 3 s comes after "until" 2 s
  $ document '"events":[{"at":"1s"}],"expect":"none","untl":"2s"'
  error: unknown key "untl"; did you mean "until"?

Where events come from and when:

  $ SLOW="$SLOW"',{"name":"many","on":"sched","when":{"value":"count()","window":"1s","above":1}}' events '{"at":"1s"}'
  error: missing key "on": of which source is it?
  $ events '{"at":"1s","on":"disk"}'
  error: unknown source "disk"; allowed are syscall, sched, io, io_request, page_fault, major_fault, net, net_interface, tcp_retransmit, tcp, self
  $ events '{"latency_ms":1}'
  error: missing key "at"
  $ events '{"at":"1s","every":"1s"}'
  error: "every" needs either "times" or "for"
  $ events '{"at":"1s","times":2}'
  error: "times" needs "every"
  $ events '{"at":"1s","for":"1s"}'
  error: "for" needs "every", "steady", "ramp", "poisson" or "burst"
  $ events '{"at":"1s","steady":"5/s"}'
  error: "for" is missing: how long it lasts
  $ events '{"at":"1s","steady":"5","for":"1s"}'
  error: "5" is no rate; write one such as "50/s"
  $ events '{"at":"1s","steady":"0/s","for":"1s"}'
  error: a rate of 0 has no events
  $ events '{"at":"1s","ramp":["0/s","0/s"],"for":"1s"}'
  error: a ramp from 0 to 0 has no events
  $ events '{"at":"1s","burst":2,"steady":"5/s","for":"1s"}'
  error: only one of "every", "steady", "ramp", "poisson" and "burst" goes
  $ events '{"at":"1s","burst":2000000}'
  error: more than 1999999 events
  $ events '{"at":"1s","lost":1,"burst":2}'
  error: a loss is at one time
  $ events '{"at":"1s","lost":1,"comm":"x"}'
  error: a loss has no fields

What they hold:

  $ events '{"at":"1s","latency":3}'
  error: source syscall has no field "latency"; did you mean "latency_ms"?
  $ events '{"at":"1s","timestamp":3}'
  error: the time of an event is its "at"
  $ events '{"at":"1s","pid":"x"}'
  error: field "pid": found a string; expected a whole number from 0 to 4294967295
  $ events '{"at":"1s","pid":1.5}'
  error: field "pid": found the number 1.5; expected a whole number from 0 to 4294967295
  $ events '{"at":"1s","latency_ms":"5 apples"}'
  error: field "latency_ms": found a string; expected a number that is not negative
  $ events '{"at":"1s","latency_ms":-5}'
  error: field "latency_ms": found the number -5; expected a number that is not negative
  $ events '{"at":"1s","comm":5}'
  error: field "comm": found the number 5; expected a string
  $ events '{"at":"1s","comm":"a\u0000b"}'
  error: \u0000 is not allowed
  $ events '{"at":"1s","comm":"longer than the sixteen bytes of the kernel"}'
  error: field "comm": longer than 16 bytes
  $ events '{"at":"1s","file_type":"regluar"}'
  error: field "file_type": no event of source syscall has that value; did you mean "regular"?
  $ events '{"at":"1s","file_type":"tape"}'
  error: field "file_type": no event of source syscall has that value; allowed are regular, directory, block, character, pipe, socket, other, none
  $ SLOW='{"name":"disk","on":"io","when":{"value":"ops","above":1}}' events '{"at":"1s","op":"raed"}'
  error: field "op": no event of source io has that value; did you mean "read"?
  $ SLOW='{"name":"disk","on":"io","when":{"value":"ops","above":1}}' events '{"at":"1s","every":"1s","times":3,"op":{"cycle":["read","wriet"]}}'
  error: field "op": no event of source io has that value; did you mean "write"?
  $ events '{"at":"1s","pid":{"from":1}}'
  error: expected "from" and "to", or "cycle"
  $ events '{"at":"1s","every":"1s","times":3,"pid":{"from":1,"to":"x"}}'
  error: expected a number, or a quantity in a unit of the field
  $ events '{"at":"1s","every":"1s","times":3,"pid":{"cycle":[1,"x"]}}'
  error: field "pid": found a string; expected a whole number from 0 to 4294967295
  $ events '{"at":"1s","syscall_name":"nanosleep","file_type":"pipe"}'
  error: field "file_type": the other fields say otherwise
  $ events '{"at":"1s","exe":5}'
  error: field "exe": found the number 5; expected a string
  $ events '{"at":"1s","on":"tcp","daddr":"10.0.0.256"}'
  error: field "daddr": found a string; expected an IPv4 or IPv6 address

What is expected:

  $ expect '"nothing"'
  error: expected a list of alerts, or "none"
  $ expect '[]'
  error: this test asserts nothing: write "expect": "none" if no alert is to come
  $ expect '[{"rule":"slo"}]'
  error: unknown rule "slo"; did you mean "slow"?
  $ expect '[{"state":"fireing"}]'
  error: unknown state "fireing"; did you mean "firing"?
  $ expect '[{"time":"1s"}]'
  error: unknown key "time"; allowed are at, within, state, rule, key, severity, alert
  $ expect '[{"within":"1s"}]'
  error: "within" needs "at"
  $ expect '[{"key":{"com":"x"}}]'
  error: alerts of rule "slow" have no "com"; did you mean "comm"?
  $ expect '[{"alert":{"event.latency":5}}]'
  error: alerts of rule "slow" have no "event.latency"; did you mean "latency_ms"?
  $ expect '[{"alert":{"event.file_type":"reglar"}}]'
  error: file_type is never "reglar"; did you mean "regular"?
  $ expect '[{"alert":{"severity":"wraning"}}]'
  error: unknown severity "wraning"; did you mean "warning"?
  $ SLOW='{"name":"disk","on":"io","by":["op"],"when":{"value":"ops","above":1}}' document '"events":[{"at":"1s","op":"read"}],"expect":[{"key":{"op":"raed"}}]'
  error: op is never "raed"; did you mean "read"?
  $ expect '[{"alert":{"event":{}}}]'
  error: expected a text, a number, true, false or null
  $ SLOW="$SLOW"',{"name":"many","on":"sched","when":{"value":"count()","window":"1s","above":1}}' expect '[{"at":"1s"}]'
  error: missing key "on": of which source is it?
  error: missing key "rule"

An event that cannot come as it is written is said where it stands, and the test fails:

  $ document '"expect":"none","events":[{"at":"1s","every":"1s","times":7,"syscall_name":{"cycle":["nanosleep","read"]},"file_type":{"cycle":["none","pipe","none"]}}]'
  $ kernelsight test t.json
  FAILED t.json:1: t
    line 1: event 5: field "file_type": the other fields say otherwise
  0 passed, 1 failed
  [1]
