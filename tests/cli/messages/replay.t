What `kernelsight replay`, `diff` and `explain` say of events and captures that are wrong: which line,
at which byte, and what.

  $ cat > rules.json <<'END'
  > {"version": 1, "rules": [
  >   {"name": "slow", "on": "syscall", "by": ["comm"], "when": {"value": "latency_ms", "above": "10ms"}}]}
  > END
  $ lines() { printf '%s\n' "$@" | kernelsight replay -r rules.json -; }

Events:

  $ lines hello
  kernelsight replay: standard input:1:1: this is no JSON object
  [2]
  $ lines ''
  $ lines '{}'
  kernelsight replay: standard input:1:3: an empty object
  [2]
  $ lines '{"on":"syscall"'
  kernelsight replay: standard input:1:16: this is not JSON
  [2]
  $ lines '{"pid":1}'
  kernelsight replay: standard input:1:1: no "on" in this event: of which source is it?
  [2]
  $ lines '{"on":"syscal"}'
  kernelsight replay: standard input:1:7: no source "syscal"; did you mean "syscall"?
  [2]
  $ lines '{"on":5}'
  kernelsight replay: standard input:1:2: "on" must be the name of a source
  [2]
  $ lines '{"on":"syscall","latency":5}'
  kernelsight replay: standard input:1:17: source syscall has no field "latency"; did you mean "latency_ms"?
  [2]
  $ lines '{"on":"syscall","pid":1,"pid":1}'
  kernelsight replay: standard input:1:25: field "pid" is there twice
  [2]
  $ lines '{"on":"syscall","pid":"x"}'
  kernelsight replay: standard input:1:23: field "pid": found a string; expected a whole number from 0 to 4294967295
  [2]
  $ lines '{"on":"syscall","ret":1e30}'
  kernelsight replay: standard input:1:23: field "ret": found the number 1e30; expected a whole number from -9223372036854775808 to 9223372036854775807
  [2]
  $ lines '{"on":"syscall","comm":5}'
  kernelsight replay: standard input:1:24: field "comm": found the number 5; expected a string
  [2]
  $ lines '{"on":"syscall","comm":"a\u0000b"}'
  kernelsight replay: standard input:1:24: field "comm": a text cannot hold \u0000
  [2]
  $ lines '{"on":"syscall","comm":"longer than the kernel has it"}'
  kernelsight replay: standard input:1:24: field "comm": longer than 16 bytes
  [2]
  $ lines '{"on":"syscall","latency_ms":true}'
  kernelsight replay: standard input:1:30: field "latency_ms": found true; expected a number that is not negative
  [2]
  $ lines '{"on":"syscall","latency_ms":[]}'
  kernelsight replay: standard input:1:30: field "latency_ms": found a list or an object; expected a number that is not negative
  [2]
  $ lines '{"on":"syscall","syscall_name":"raed"}'
  kernelsight replay: standard input:1:32: field "syscall_name": no event of source syscall has that value; did you mean "read"?
  [2]
  $ lines '{"on":"syscall","syscall_name":"nanosleep","file_type":"pipe"}'
  kernelsight replay: standard input:1:56: field "file_type": the other fields say otherwise
  [2]
  $ lines '{"on":"io","timestamp":1795000000000000000,"op":"raed"}' '{"on":"io","timestamp":1795000001000000000,"op":"raed"}'
  kernelsight replay: standard input:1:49: field "op": no event of source io has that value; did you mean "read"? (2 such events)
  $ lines '{"on":"syscall","timestamp":"now"}'
  kernelsight replay: standard input:1:29: field "timestamp": found a string; expected a whole number from 0 to 18446744073709551615
  [2]
  $ lines '{"on":"tcp_retransmit","daddr":"10.0.0.256"}'
  kernelsight replay: standard input:1:32: field "daddr": found a string; expected an IPv4 or IPv6 address
  [2]
  $ head -c 1100000 /dev/zero | tr '\0' ' ' | kernelsight replay -r rules.json -
  kernelsight replay: standard input:1:1: this line is longer than 1 MiB
  [2]

Captures:

  $ lines '{"kernelsight":"capture","format":9}'
  kernelsight replay: standard input: a capture of format 9; this kernelsight reads format 1
  [2]
  $ lines '{"kernelsight":"capture","format":1,"host":5}'
  kernelsight replay: standard input: the header of this capture is broken
  [2]
  $ lines '{"tick":"x"}'
  kernelsight replay: standard input:1:2: "tick" must be a whole number
  [2]
  $ lines '{"tick":1,"x":2}'
  kernelsight replay: standard input:1:11: unknown key "x" in this kind of line
  [2]
  $ lines '{"lost":1,"on":"syscall"}'
  kernelsight replay: standard input:1:26: "at_ns" is missing
  [2]
  $ lines '{"process":5,"cmdline":"x"}'
  $ lines '{"process":{"pid":1,"exe":5}}'
  kernelsight replay: standard input:1:1: no "on" in this event: of which source is it?
  [2]
  $ lines '{"rules":"0123"}'
  kernelsight replay: standard input:1:2: "rules" must be 16 hexadecimal digits
  [2]
  $ lines '{"end":-1}'
  kernelsight replay: standard input:1:2: "end" must be a whole number
  [2]
  $ lines '{"process":5,"cmdlnie":"x"}'
  kernelsight replay: standard input:1:14: "cmdlnie" is no text about a process
  [2]
  $ printf '{"on":"syscall"}' | gzip | head -c 20 > broken.gz
  $ kernelsight replay -r rules.json broken.gz
  kernelsight replay: broken.gz: it breaks off before its first line ends
  [2]
  $ { echo '{"tick":1,"wall_offset_ns":0}' | gzip; echo '{"on":"syscall"}' | gzip | head -c 20; } > broken.gz
  $ kernelsight replay -r rules.json broken.gz
  kernelsight replay: broken.gz: it breaks off after line 1 (unexpected end of file)
  $ kernelsight replay -r rules.json none
  kernelsight replay: none: No such file or directory
  [2]
  $ HEADER='{"kernelsight":"capture","format":1,"recording":"01M82VPQABD3M61RGJR8ZV5ER1","part":1,"seed":"1","wall_offset_ns":0,"rules":"fedcba9876543210","host":{"name":"h","kernel":"k","boot_id":"b"},"sources":[]}'
  $ printf '%s\n' "$HEADER" > part
  $ kernelsight replay -r rules.json part part
  kernelsight replay: part and part are the same part of one recording
  [2]

What the capture does not hold, and what was lost:

  $ kernelsight replay -r rules.json part
  kernelsight replay: part holds no events of syscall: rule slow cannot fire
  kernelsight replay: part: it has no last line, its recorder was killed; read up to line 1
  $ SOURCE='{"name":"syscall","floor_ns":200000000,"syscalls":["ffffffffffffffff"]}'
  $ printf '%s\n' "${HEADER/\[\]/[$SOURCE]}" '{"end":9}' > part
  $ kernelsight replay -r rules.json part
  kernelsight replay: part does not hold all system calls that rule slow looks at
  kernelsight replay: part holds syscall only from 200 ms on; rule slow looks at it from 10 ms on
  $ for i in 1 2 3; do echo '{"on":"syscall","timestamp":'$i',"latency_ms":50,"comm":"c'$i'"}'; done > keys
  $ kernelsight replay -r rules.json --max-keys 2 --summary keys
  kernelsight replay: rule slow: more than 2 keys; 0 were forgotten, and 1 event of new ones not judged
  rule  day (UTC)     fired  resolved  longest         worst
  slow  1970-01-01        2         0  over 2 ns       50 ms  comm=c1
  2 still firing when the capture ended
  3 events from 1970-01-01T00:00:00.000Z to 1970-01-01T00:00:00.000Z
  $ printf '%s\n' "$HEADER" '{"rules":"0123456789abcdef","at_ns":5,"wall_offset_ns":0}' '{"end":9}' > changed
  $ kernelsight replay -r rules.json changed
  kernelsight replay: changed holds no events of syscall: rule slow cannot fire
  kernelsight replay: changed: the rules were changed at 1970-01-01T00:00:00.000Z; all of it is judged by those given here

The same of the other two:

  $ kernelsight diff rules.json rules.json none
  kernelsight diff: none: No such file or directory
  [2]
  $ echo hello | kernelsight diff rules.json rules.json -
  kernelsight diff: standard input:1:1: this is no JSON object
  [2]
  $ kernelsight explain --capture none -r rules.json slow
  kernelsight explain: none: No such file or directory
  [2]
  $ kernelsight explain --capture keys -r rules.json slwo
  kernelsight explain: no rule "slwo"; did you mean "slow"?
  [1]
  $ kernelsight explain --capture keys -r rules.json slow comm=c4
  rule slow, key comm=c4, which it does not know: does not fire: threshold: latency_ms must be above 10 ms
  
    ok    source        syscall is read from the capture
    ok    events        3 events of syscall came, the last 0 ns ago
    ok    where         the rule has none: every event counts
    ?     key           each event is judged by itself: a key is known only while its alert is pending or firing
    HOLD  threshold     latency_ms must be above 10 ms
    ok    flap          0 changes within 10 min, flaps from 6 on
    ok    silence       there is none
    ?     hooks         the rule names none: its alerts are only shown
  
  no miss in the last hour
  
  the closest keys that it knows
    comm=c1
    comm=c2
    comm=c3
  $ kernelsight explain --capture keys -r rules.json slow com=c3
  kernelsight explain: rule "slow" has no key field "com"; did you mean "comm"?
  [1]
