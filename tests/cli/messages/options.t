What the commands say of a command line that is wrong. The usage that follows is left out.

  $ said() { "$@" 2>&1 | head -n 1; }

  $ said kernelsight
  usage: kernelsight COMMAND ...
  $ said kernelsight rnu
  kernelsight: no command "rnu"
  $ said kernelsight check
  kernelsight check: no rule file given
  $ mkdir empty
  $ said kernelsight check empty
  kernelsight check: empty: no *.json in this directory
  $ said kernelsight check none.json
  kernelsight check: none.json: No such file or directory
  $ said kernelsight check --stict x.json
  kernelsight check: unrecognized option '--stict'
  $ said kernelsight diff old.json new.json
  kernelsight diff: give the old rules, the new rules and a capture
  $ said kernelsight diff --on sycall old.json new.json capture
  kernelsight diff: --on: no source "sycall"; did you mean "syscall"?
  $ said kernelsight events
  kernelsight events: name a source: syscall, sched, io, io_request, page_fault, major_fault, net, net_interface, tcp_retransmit, tcp, self
  $ said kernelsight events sycall
  kernelsight events: no source "sycall"; did you mean "syscall"?
  $ said kernelsight events io io
  kernelsight events: named twice: io
  $ said kernelsight events io --count 0
  kernelsight events: --count: expected a whole number from 1 to 1000000000000, not "0"
  $ said kernelsight events io --count many
  kernelsight events: --count: expected a whole number from 1 to 1000000000000, not "many"
  $ said kernelsight events io --duration 10
  kernelsight events: --duration: expected a duration such as 90s or 1h, not "10"
  $ said kernelsight events io --event-limit some
  kernelsight events: --event-limit: expected a whole number from 0 to 1000000000, not "some"
  $ kernelsight events io --where "latency_ms >"
  kernelsight events: --where: no field "latency_ms" in source io; did you mean "latency_p50_ms"?
    latency_ms >
    ^
  [2]
  $ said kernelsight explain
  kernelsight explain: name a rule, and at most one key
  $ said kernelsight explain --socket here.sock --capture c rule
  kernelsight explain: either --socket or --capture, not both
  $ said kernelsight explain -r empty rule
  kernelsight explain: -r is for --capture: the daemon has its own rules
  $ said kernelsight fields io net
  kernelsight fields: one source at most, not net
  $ said kernelsight fields pagefault
  kernelsight fields: no source "pagefault"; did you mean "page_fault"?
  $ said kernelsight record io
  kernelsight record: say where to: -o FILE
  $ said kernelsight record -o c -r empty
  kernelsight record: no *.json in the directory of -r
  $ said kernelsight record -o c sycall
  kernelsight record: no source "sycall"; did you mean "syscall"?
  $ said kernelsight record -o c --max-size 5
  kernelsight record: --max-size: expected a size of 1MB or more, such as 256MB, not "5"
  $ said kernelsight record -o c --files 1
  kernelsight record: --files: expected a whole number from 2 to 100, not "1"
  $ said kernelsight reload now
  kernelsight reload: unexpected argument now
  $ said kernelsight replay
  kernelsight replay: no capture given
  $ said kernelsight replay --max-keys 0 c
  kernelsight replay: --max-keys: expected a whole number from 1 to 100000000, not "0"
  $ said kernelsight replay -r empty c
  kernelsight replay: no *.json in the directory of -r
  $ said kernelsight run now
  kernelsight run: rules are named by -r; unexpected argument now
  $ said kernelsight run --cpu-budget 5
  kernelsight run: --cpu-budget: expected a share such as 5%, or off, not "5"
  $ said kernelsight run --duration 0s
  kernelsight run: --duration: expected a duration such as 90s or 1h, not "0s"
  $ said kernelsight run -r none.json
  kernelsight run: none.json: No such file or directory
  $ said kernelsight run $(yes -- '-r empty' | head -n 65)
  kernelsight run: --rules: more than 64 of them, at empty
  $ said kernelsight schema io
  kernelsight schema: no argument expected, not io
  $ said kernelsight silence
  kernelsight silence: say which alerts: rule=NAME, comm=postgres
  $ said kernelsight silence rule=a
  kernelsight silence: say for how long: --for 2h
  $ said kernelsight silence rule=a --for 1h
  kernelsight silence: say why: --comment TEXT
  $ said kernelsight silence rule=a --for soon
  kernelsight silence: --for: expected a duration such as 90s or 1h, not "soon"
  $ said kernelsight silences now
  kernelsight silences: unexpected argument now
  $ said kernelsight unsilence
  kernelsight unsilence: name one silence by its number
  $ said kernelsight status now
  kernelsight status: unexpected argument now
  $ said kernelsight test
  kernelsight test: no test file given
  $ said kernelsight test empty
  kernelsight test: no *.json in the directory
  $ said kernelsight test none.json
  kernelsight test: none.json: No such file or directory

A daemon that is not there:

  $ said kernelsight status --socket here.sock
  kernelsight status: here.sock: no daemon is running there
  $ said kernelsight reload --socket here.sock
  kernelsight reload: here.sock: no daemon is running there
  $ said kernelsight explain --socket here.sock rule
  kernelsight explain: here.sock: no daemon is running there
