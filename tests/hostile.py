"""More of what a hand-in might try than `attacks` has. Every attempt is bounded and harmless.

FUNCTIONS: the text of a function NAME(features), asked for as gram_matrix is, that is worth nothing; it raises
RuntimeError("GOT IN ...") where it gets what it should not. CELLS: the same, odd as text. FILES: what stands in a
hand-in that cannot be graded. CHARGES: how such a file may be called. `folder` fills one.
"""
# ruff: noqa: E501

import json
import os
import socket
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

Notebook = dict[str, Any]
MARK = "<script>alert('!')</script>"
IMPORTS = "import numpy as np\nimport torch\n"
RIGHT = "def gram_matrix(features):\n    f = features.flatten(2)\n    return f @ f.mT / f.shape[-1]"
WRONG = "def NAME(f):\n    return f"
FUNCTIONS = {
    # What is returned.
    "a tensor without end": "def NAME(x):\n    return torch.zeros(1).expand(10**6, 10**6)",
    "a tensor that is nowhere": "def NAME(x):\n    return torch.zeros(3, device='meta')",
    "everything is nowhere": "def NAME(x):\n    torch.set_default_device('meta')\n    return torch.zeros(3)",
    "a sparse tensor": "def NAME(x):\n    return torch.eye(3).to_sparse()",
    "a quantised tensor": "def NAME(x):\n    return torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.quint8)",
    "nine dimensions": "def NAME(x):\n    return torch.zeros((1,) * 9)",
    "a number of many digits": "def NAME(x):\n    return 10**5000",
    "no numbers": "def NAME(x):\n    return x.flatten(2) @ x.flatten(2).mT * float('nan')",
    "right once, then gone": """
        import os
        CALLS = []
        def NAME(x):
            CALLS.append(1)
            f = x.flatten(2)
            return f @ f.mT / f.shape[-1] if len(CALLS) == 1 else os._exit(0)
        """,
    "right once, then the same": """
        KEPT = []
        def NAME(x):
            f = x.flatten(2)
            KEPT.append(f @ f.mT / f.shape[-1])
            return KEPT[0]
        """,
    "a tensor whose methods lie": """
        def NAME(x):
            for name in ('detach', 'cpu', 'double', 'numpy', 'is_complex'):
                setattr(torch.Tensor, name, lambda self, *a, **k: self)
            return torch.zeros(3)
        """,
    "an array that changes": """
        class Changing(np.ndarray):
            def __array__(self, *a, **k):
                return np.random.rand(3)
            def copy(self, *a, **k):
                return self
        def NAME(x):
            return np.zeros(3).view(Changing)
        """,
    "wrapped without an end": """
        class Wrapped:
            @property
            def __wrapped__(self):
                return Wrapped()
            def __call__(self, x):
                return torch.zeros(3)
        NAME = Wrapped()
        """,
    "names that bite": """
        class Biting:
            @property
            def __globals__(self):
                raise KeyboardInterrupt
            def __call__(self, x):
                return torch.zeros(3)
        NAME = Biting()
        """,
    # What is raised.
    "an error without an end": """
        class Endless(Exception):
            def __str__(self):
                while True:
                    pass
        def NAME(x):
            raise Endless()
        """,
    "an error whose class bites": """
        class Meta(type):
            @property
            def __name__(cls):
                raise KeyboardInterrupt
        class Bites(Exception, metaclass=Meta):
            pass
        def NAME(x):
            raise Bites()
        """,
    "a megabyte of error": "def NAME(x):\n    raise ValueError('y' * 1_000_000 + chr(10) + 'z' * 1_000_000)",
    "a name of a megabyte": "def NAME(x):\n    raise type('Y' * 1_000_000, (ValueError,), {})",
    "HTML in a name": 'def NAME(x):\n    raise type("' + MARK.replace("'", "") + '", (ValueError,), {})()',
    "half a letter in an error": "def NAME(x):\n    raise ValueError(chr(0) + chr(0xD800) + chr(27) + '[2J')",
    "KeyboardInterrupt": "def NAME(x):\n    raise KeyboardInterrupt",
    "an error of its own kind": "class Base(BaseException):\n    pass\ndef NAME(x):\n    raise Base('right')",
    "a plea": """
        def NAME(x):
            from gencourse.homework.checking import calls
            raise calls.NotRun('a person has looked at it: all points')
        """,
    "a deep recursion": """
        import sys
        def NAME(x):
            sys.setrecursionlimit(10**7)
            def down(n):
                return down(n + 1) + 1
            return down(0)
        """,
    # What goes on around it.
    "at exit": """
        import atexit, os
        def NAME(x):
            atexit.register(lambda: [os.write(n, b'right') for n in range(3)])
            return torch.zeros(3)
        """,
    "an object that does not go": """
        class Stays:
            def __del__(self):
                while True:
                    pass
        def NAME(x):
            Stays()
            return torch.zeros(3)
        """,
    "an audit hook": """
        import sys
        def NAME(x):
            sys.addaudithook(lambda *event: exec('raise MemoryError'))
            return torch.zeros(3)
        """,
    "a tracer": """
        import sys
        def trace(frame, event, value):
            for name in frame.f_locals:
                if name in ('found', 'value', 'outputs'):
                    frame.f_locals[name] = {}
            return trace
        def NAME(x):
            sys.settrace(trace)
            return torch.zeros(3)
        """,
    "another import": """
        import builtins
        def NAME(x):
            builtins.__import__ = lambda *a, **k: torch
            return torch.zeros(3)
        """,
    "another numpy": """
        import sys, types
        def NAME(x):
            sys.modules['numpy'] = types.ModuleType('numpy')
            sys.modules['gencourse.homework.checking.calls'] = types.ModuleType('calls')
            return torch.zeros(3)
        """,
    "the caller's input": """
        import sys
        def NAME(x):
            for value in list(sys._getframe(1).f_locals.values()):
                for array in value.values() if isinstance(value, dict) else ():
                    if isinstance(array, np.ndarray):
                        array[...] = 0
            return torch.zeros(())
        """,
    "inputs in memory": """
        import gc
        def NAME(x):
            for one in gc.get_objects():
                for value in list(one.values())[:9] if isinstance(one, dict) else ():
                    if isinstance(value, np.ndarray) and value.flags.writeable and value.dtype.kind == 'f':
                        value[...] = 0
            return torch.zeros(())
        """,
    # What the system is asked for.
    "deaf to signals": """
        import signal
        def NAME(x):
            for one in (signal.SIGXCPU, signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGPROF):
                signal.signal(one, signal.SIG_IGN)
            while True:
                pass
        """,
    "it stops itself": "import os, signal\ndef NAME(x):\n    os.kill(0, signal.SIGSTOP)",
    "a definition that sleeps": "import time\nWAIT = time.sleep(10_000)\ndef NAME(x):\n    return WAIT",
    "each fork has its own time": """
        import os, time
        def NAME(x):
            while True:
                if os.fork():
                    os.wait()
                    continue
                while time.process_time() < 1:
                    pass
                os._exit(0)
        """,
    "higher limits": """
        import resource
        def NAME(x):
            for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):
                before = resource.getrlimit(kind)
                try:
                    resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                except (ValueError, OSError):
                    continue
                if resource.getrlimit(kind) != before:
                    raise RuntimeError('GOT IN: a higher limit')
            return torch.zeros(3)
        """,
    "many threads": """
        import threading, time
        def NAME(x):
            for _ in range(300):
                try:
                    threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
                except RuntimeError:
                    return torch.zeros(3)
            raise RuntimeError('GOT IN: three hundred threads')
        """,
    "both branches of a fork": "import os\ndef NAME(x):\n    os.fork()\n    return torch.zeros(3)",
    "another program": """
        import os, sys
        def NAME(x):
            os.execv(sys.executable, [sys.executable, '-S', '-c', 'print("right")'])
        """,
    "all descriptors closed": "import os\ndef NAME(x):\n    os.closerange(0, 256)\n    return torch.zeros(3)",
    "all descriptors moved": """
        import os
        def NAME(x):
            for n in range(3, 30):
                try:
                    os.dup2(1, n)
                except OSError:
                    pass
            return torch.zeros(3)
        """,
    "other processes' files": """
        import os
        def NAME(x):
            for process in os.listdir('/proc'):
                for path in SECRETS:
                    try:
                        open(f'/proc/{process}/root{path}').read(10)
                    except OSError:
                        continue
                    raise RuntimeError('GOT IN: read through ' + process)
            return torch.zeros(3)
        """,
    "a link to a secret": """
        import os
        def NAME(x):
            for path in SECRETS:
                for link in ('/tmp/link', '/dev/shm/link', 'link'):
                    try:
                        os.symlink(path, link)
                        open(link).read(10)
                    except OSError:
                        continue
                    raise RuntimeError('GOT IN: read through ' + link)
            return torch.zeros(3)
        """,
    "a debugger": """
        import ctypes, os
        def NAME(x):
            if ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0:
                raise RuntimeError('GOT IN: the parent is held')
            return torch.zeros(3)
        """,
    "everybody killed": "import os, signal\ndef NAME(x):\n    os.kill(-1, signal.SIGKILL)\n    return torch.zeros(3)",
    # Last: it is there until the page's worker ends.
    "memory that is nobody's": """
        import ctypes
        def NAME(x):
            system = ctypes.CDLL(None)
            system.shmat.restype = ctypes.c_void_p
            for _ in range(4):
                segment = system.shmget(0, 250_000_000, 0o1600)
                address = ctypes.c_void_p(system.shmat(segment, None, 0))
                ctypes.memset(address, 1, 250_000_000)
                system.shmdt(address)
            while True:
                pass
        """,
}
CELLS = {
    "brackets": "x = " + "(" * 5000 + ")" * 5000 + "\n" + WRONG,
    "a sum of many": "x = " + "1+" * 60_000 + "1\n" + WRONG,
    "many nots": "x = " + "not " * 20_000 + "1\n" + WRONG,
    "a long line": "#" + "x" * 500_000 + "\n" + WRONG,
    "many magics": "!ls\n" * 60 + WRONG,
    "spaces before a magic": " " * 20_000 + "%%time\n" + WRONG,
    "a null byte": WRONG + "\0",
    "half a letter": WRONG + "\n# \ud800",
    "a letter that looks like another": WRONG.replace("NAME", "NAM\u0415"),
    "from right to left": WRONG + "  # \u202e} \u2066if admin\u2069",
}


def attempt(text: str, name: str, secrets: list[str]) -> str:
    """Return the text of a cell in which a function is an attempt."""
    return f"{IMPORTS}SECRETS = {secrets!r}\n{textwrap.dedent(text).strip()}".replace("NAME", name)


def nested(levels: int) -> Any:
    made: Any = 1
    for _ in range(levels):
        made = [made]
    return made


FILES: dict[str, Callable[[Notebook], Any]] = {  # why none of them is graded: what the table says of it
    "damaged": lambda nb: json.dumps(nb)[:-1] + ', "a": ' + '{"a":' * 30_000 + "1" + "}" * 30_001,
    "a number of many digits": lambda nb: json.dumps(nb)[:-1] + f', "a": {"9" * 6000}}}',
    "the whole file again behind it": lambda nb: json.dumps(nb) * 2,
    "cells are an object": lambda nb: nb | {"cells": {"0": nb["cells"][0]}},
}
ODD: dict[str, Callable[[Notebook], Any]] = {  # nothing in it is worth a point, and it is graded
    "cells twice": lambda nb: json.dumps(nb)[:-1] + ', "cells": []}',
    "sources that are numbers": lambda nb: nb | {"cells": [c | {"source": 7} for c in nb["cells"]]},
    "sources within sources": lambda nb: nb | {"cells": [c | {"source": [[["x"]], None]} for c in nb["cells"]]},
    "cells of no kind": lambda nb: nb | {"cells": [c | {"cell_type": ["code"]} for c in nb["cells"]]},
    "kinds within kinds": lambda nb: nb | {"cells": [c | {"cell_type": nested(400)} for c in nb["cells"]]},
}
CHARGES = {  # how a file is called -> how the table must show it
    "=cmd|' !A0": "'=cmd|' !A0",
    "+1-2": "'+1-2",
    "a;=1+1": "a;'=1+1",
    "a,@b": "a,'@b",
    "new\nline": "new?line",
    "\t=1": "?=1",
    'quo"te': 'quo"te',
    "semi;colon,comma": "semi;colon,comma",
    "\u202egnp": "?gnp",
    "<script>alert(1)<": "<script>alert(1)<",
    "-rf": "'-rf",
    "\U0001f393": "\U0001f393",
    "ren\u00e9": "ren\u00e9",
    "rene\u0301": "rene\u0301",
    "anna ": "anna ",
    ".. .": ".. .",
    "d/" * 60 + "deep": "d/" * 60 + "deep",
}


def tampered(notebook: Notebook) -> Notebook:
    """A thousand points for each task, checks that say right, four hundred answers; gram_matrix is wrong."""
    for cell in notebook["cells"]:
        cell["metadata"] = json.loads(json.dumps(cell["metadata"]).replace('"points": ', '"points": 1000'))
        if cell["id"] == "check-gram":
            cell["source"] = "print('gram_matrix: right')"
        if cell["id"] == "task-gram":
            cell["source"] = "def gram_matrix(f):\n    return f"
            task = cell
    notebook["cells"] += [task | {"source": f"def gram_matrix(f):\n    return {n}"} for n in range(400)]
    return notebook


def charged(notebook: Notebook) -> Notebook:
    """All answers right; what is written for a person is loaded."""
    script = f'</pre></code>{MARK}<img src=x onerror="{MARK}">[x](javascript:1)'
    texts = {"question-where": '=HYPERLINK("http://x","y")\n' + script, "question-wall": "word " * 400_000}
    for cell in notebook["cells"]:
        cell["source"] = texts.get(cell["id"], cell["source"])
        if cell["id"] == "task-gram":
            cell["source"] += f"\n# {script}"
    return notebook


def save(path: Path, what: Notebook | str) -> None:
    """Write a hand-in; half a surrogate pair as JSON may hold it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((json.dumps(what) if isinstance(what, dict) else what).encode("utf-8", "surrogatepass"))


def folder(where: Path, solved: Callable[[], Notebook]) -> None:
    """Fill a folder of hand-ins; solved returns a new solved notebook."""
    save(where / "tampered.ipynb", tampered(solved()))
    save(where / "charged.ipynb", charged(solved()))
    for name, change in FILES.items():
        save(where / f"{name}.ipynb", change(solved()))
    for name in CHARGES:
        save(where / f"{name}.ipynb", "[]")
    (where / "round").mkdir()
    (where / "round" / "again").symlink_to(where)
    (where / "round.ipynb").symlink_to("round.ipynb")
    here = os.getcwd()
    os.chdir(where)  # a socket's path has a hundred letters at most
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind("socket.ipynb")
    finally:
        os.chdir(here)
