"""Programs that answer JSON lines, and do whatever they should not.

Each is Python source after BEGINNING, with the exit status that `refsgm check --command` owes: 0 it
is right all the same, 1 it is wrong or gives no answer in time, 2 it cannot be judged.
"""

BEGINNING = '''
import json, os, signal, subprocess, sys, threading, time
import numpy as np

def answer(line):
    """The number of a question, and the right answer."""
    q = json.loads(line)
    x, mean, sigma = (np.array(q["args"][n]) for n in ("x", "mean", "sigma"))
    return q["id"], ((mean - x) / sigma**2).tolist()

def say(text, end="\\n"):
    sys.stdout.write(text + end)
    sys.stdout.flush()

def reply(line, **more):
    n, a = answer(line)
    say(json.dumps({"id": n, "result": a, **more}))
'''

EACH = "for line in sys.stdin: "
PROGRAMS = {                                     # what it does: (exit status, source)
    # right all the same
    "answers": (0, EACH + "reply(line)"),
    "prints between its answers": (0, EACH + "print('thinking'); reply(line)"),
    "answers with more": (0, EACH + "reply(line, seconds=1.0, note=[1, {}])"),
    "answers beside a null error": (0, EACH + "reply(line, error=None)"),
    "ends its lines as Windows does": (0, EACH + '''
    n, a = answer(line)
    say(json.dumps({"id": n, "result": a}), "\\r\\n")'''),
    "writes one byte at a time": (0, EACH + '''
    n, a = answer(line)
    [say(c, "") for c in json.dumps({"id": n, "result": a}) + "\\n"]'''),
    "writes in two halves": (0, EACH + '''
    n, a = answer(line)
    text = json.dumps({"id": n, "result": a})
    say(text[:9], ""); time.sleep(0.01); say(text[9:])'''),
    "answers old questions first": (0, EACH + '''
    say('{"id": 0, "result": 1}'); reply(line)'''),
    "answers twice": (0, EACH + "reply(line); reply(line)"),
    "writes ten megabytes first": (0, EACH + "say('y' * 10**7 if answer(line)[0] == 1 else ''); "
                                   "reply(line)"),
    "writes bytes that are no text": (0, EACH + '''
    sys.stdout.buffer.write(b"\\xff\\xfe\\x00\\n"); sys.stdout.buffer.flush(); reply(line)'''),
    "writes JSON that is no answer": (0, EACH + "say('[1, 2]'); say('null'); reply(line)"),
    "leaves a sleeper": (0, "subprocess.Popen(['sleep', '1000'])\n" + EACH + "reply(line)"),
    "leaves grandchildren": (0, '''
subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 1000 & sleep 1000"])
''' + EACH + "reply(line)"),
    "complains much": (0, EACH + "sys.stderr.write('y' * 10**6); reply(line)"),
    "ignores the polite signals": (0, '''
for n in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(n, signal.SIG_IGN)
''' + EACH + "reply(line)"),
    "lives on when its input ends": (0, EACH + "reply(line)\ntime.sleep(1000)"),
    "answers with numbers as floats of any form": (0, EACH + '''
    n, a = answer(line)
    say('{"result":%s,"id":%d}' % (json.dumps(a).replace(" ", ""), n))'''),
    # wrong
    "answers with the wrong sign": (1, EACH + '''
    n, a = answer(line)
    say(json.dumps({"id": n, "result": (-np.array(a)).tolist()}))'''),
    "answers NaN": (1, EACH + '''say('{"id": %d, "result": NaN}' % answer(line)[0])'''),
    "answers Infinity": (1, EACH + '''
    say('{"id": %d, "result": [[Infinity]]}' % answer(line)[0])'''),
    "answers null": (1, EACH + '''say('{"id": %d, "result": null}' % answer(line)[0])'''),
    "answers true": (1, EACH + '''say('{"id": %d, "result": true}' % answer(line)[0])'''),
    "answers text": (1, EACH + '''say('{"id": %d, "result": "1.0"}' % answer(line)[0])'''),
    "answers an object": (1, EACH + '''say('{"id": %d, "result": {"a": 1}}' % answer(line)[0])'''),
    "answers a huge integer": (1, EACH + '''
    say('{"id": %d, "result": 1%s}' % (answer(line)[0], "0" * 5000))'''),
    "answers a deep list": (1, EACH + '''
    say('{"id": %d, "result": %s1%s}' % (answer(line)[0], "[" * 10**5, "]" * 10**5))'''),
    "answers a long list": (1, EACH + '''
    say('{"id": %d, "result": [%s1]}' % (answer(line)[0], "1," * 10**5))'''),
    "answers an error": (1, EACH + '''say('{"id": %d, "error": "no"}' % answer(line)[0])'''),
    "answers an endless error": (1, EACH + '''
    say('{"id": %d, "error": "%s"}' % (answer(line)[0], "y" * 10**6))'''),
    "answers neither": (1, EACH + '''say('{"id": %d}' % answer(line)[0])'''),
    "answers after the third question no more": (1, '''
for k, line in enumerate(sys.stdin):
    if k < 3: reply(line)'''),
    "ends after its third answer": (1, '''
for k, line in enumerate(sys.stdin):
    if k == 3: sys.exit(5)
    reply(line)'''),
    "ends within an answer": (1, '''
for k, line in enumerate(sys.stdin):
    if k == 3: say('{"id": 4, "res', ""); os._exit(0)
    reply(line)'''),
    "is killed after its third answer": (1, '''
for k, line in enumerate(sys.stdin):
    if k == 3: os.kill(os.getpid(), signal.SIGKILL)
    reply(line)'''),
    "stops itself": (1, '''
for k, line in enumerate(sys.stdin):
    if k == 3: os.kill(os.getpid(), signal.SIGSTOP)
    reply(line)'''),
    "takes up memory": (1, '''
for k, line in enumerate(sys.stdin):
    kept = []
    while k == 3: kept.append(b"x" * 10**8)
    reply(line)'''),
    # no answer at all: time runs out twice, or it ends three times
    "says nothing": (1, "time.sleep(1000)"),
    "does not read": (1, "while True: time.sleep(1)"),
    "writes lines without an end": (1, "while True: say('y')"),
    "writes a line without an end": (1, "while True: say('y' * 9999, '')"),
    "writes errors without an end": (1, "while True: sys.stderr.write('y' * 9999)"),
    "answers other questions": (1, EACH + "say('{\"id\": 10000, \"result\": 1}')"),
    "answers with the number as text": (1, EACH + '''
    n, a = answer(line)
    say(json.dumps({"id": str(n), "result": a}))'''),
    "begins with a mark of byte order": (1, EACH + '''
    n, a = answer(line)
    say("\\ufeff" + json.dumps({"id": n, "result": a}))'''),
    "writes another encoding": (1, EACH + '''
    n, a = answer(line)
    sys.stdout.buffer.write((json.dumps({"id": n, "result": a}) + "\\n").encode("utf-16"))
    sys.stdout.buffer.flush()'''),
    "writes JSON with an error": (1, EACH + '''
    n, a = answer(line)
    say(json.dumps({"id": n, "result": a})[:-1])'''),
    "answers over several lines": (1, EACH + '''
    n, a = answer(line)
    say(json.dumps({"id": n, "result": a}, indent=1))'''),
    "never flushes": (1, '''
''' + EACH + '''sys.stdout.write("y")'''),
    "closes its output and lives": (2, "os.close(1); time.sleep(1000)"),
    "closes its input and lives": (1, "os.close(0); time.sleep(1000)"),
    "hands its output to a sleeper": (1, "subprocess.Popen(['sleep', '1000']); time.sleep(1000)"),
    "ends at once": (2, ""),
    "ends with an error": (2, "raise ValueError('no')"),
    "is killed at once": (2, "os.kill(os.getpid(), signal.SIGKILL)"),
    # processes, threads and memory of its own
    "leaves a daemon": (0, '''
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(1000)
    os._exit(0)
''' + EACH + "reply(line)"),
    "answers from a child whose parent has ended": (0, '''
if os.fork() > 0: os._exit(0)
''' + EACH + "reply(line)"),
    "answers from a session of its own": (0, '''
if os.fork() > 0: os._exit(0)
os.setsid()
''' + EACH + "reply(line)\ntime.sleep(1000)"),
    "leaves a child for every answer": (0, EACH + '''
    if os.fork() == 0: os._exit(0)
    reply(line)'''),
    "lets a child take up memory": (1, '''
for k, line in enumerate(sys.stdin):
    if k == 3 and os.fork() == 0:
        kept = []
        while True: kept.append(b"x" * 10**8)
    if k == 3: time.sleep(1000)
    reply(line)'''),
    "keeps much of every answer": (1, "kept = []\n" + EACH + '''
    kept.append(np.ones(10**7)); reply(line)'''),
    "has threads without an end": (0, '''
threading.Thread(target=time.sleep, args=(1000,)).start()
''' + EACH + "reply(line)"),
    "sleeps at its exit": (0, '''
import atexit; atexit.register(time.sleep, 1000)
''' + EACH + "reply(line)"),
    "leaves in a thread": (1, '''
for k, line in enumerate(sys.stdin):
    if k == 3: threading.Thread(target=os._exit, args=(0,)).start(); time.sleep(1000)
    reply(line)'''),
    "stops its group": (1, '''
for k, line in enumerate(sys.stdin):
    if k == 3: os.killpg(0, signal.SIGSTOP)
    reply(line)'''),
    "becomes another program": (1, '''
for k, line in enumerate(sys.stdin):
    if k == 3: os.execv("/bin/sleep", ["sleep", "1000"])
    reply(line)'''),
    # what is written, and where
    "answers on its error stream": (1, EACH + "sys.stderr.write(line)"),
    "ends its lines as old Macs did": (1, EACH + '''
    n, a = answer(line)
    say(json.dumps({"id": n, "result": a}), "\\r")'''),
    "writes 100 MB without an end of line": (1, EACH + "say('y' * 10**8, ''); reply(line)"),
    "answers with more behind": (1, EACH + '''
    n, a = answer(line)
    say(json.dumps({"id": n, "result": a}) + " and more")'''),
    "answers with a number as a fraction": (0, EACH + '''
    n, a = answer(line)
    say('{"id": %d.0, "result": %s}' % (n, a))'''),
    "answers with numbers beyond all": (1, EACH + '''
    say('{"id": %d, "result": [[1e999]]}' % answer(line)[0])'''),
    "answers in lists of different lengths": (1, EACH + '''
    say('{"id": %d, "result": [[1, 2], [3]]}' % answer(line)[0])'''),
    "answers with nothing": (1, EACH + '''say('{"id": %d, "result": []}' % answer(line)[0])'''),
    "closes its output after its third answer": (1, '''
for k, line in enumerate(sys.stdin):
    reply(line)
    if k == 3: os.close(1); time.sleep(1000)'''),
    "asks the terminal": (2, "open('/dev/tty').readline()"),
    "complains in one line and ends": (2, "sys.stderr.write('y' * 10**7); sys.exit(1)"),
    "answers beside another that chatters": (0, '''
if os.fork() == 0:
    while True: os.write(1, b"chatter\\n"); time.sleep(0.01)
''' + EACH + "reply(line)"),
}
# commands that are no such program: (exit status, command)
COMMANDS = {"nothing of that name": (2, "no-such-program-here"), "an empty one": (2, ""),
            "true": (2, "true"), "false": (2, "false"), "yes": (1, "yes"), "cat": (1, "cat"),
            "a folder": (2, "/"), "a sleeping shell": (1, "sh -c 'sleep 1000; true'"),
            "an unfinished quote": (2, "sh -c 'sleep")}
