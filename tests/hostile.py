"""More of what a submission might try, graded by the command itself. Every attempt is bounded and harmless.

FUNCTIONS, as in `attacks`: the text of a function NAME that gets nothing, and raises RuntimeError("GOT IN ...") where
it gets what it should not. FILES: what stands in a hand-in beside an honest one, or how it is called. `build` lays them
into a folder.
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
MARK = "<script>alert('GOT IN')</script>"
FUNCTIONS = {
    "a tensor without end": "def NAME(*x):\n    return torch.zeros(1).expand(10**6, 10**6)",
    "a tensor that is nowhere": "def NAME(*x):\n    return torch.zeros(3, device='meta')",
    "everything is nowhere": """
        def NAME(*x):
            torch.set_default_device('meta')
            return torch.zeros(3)
        """,
    "a sparse tensor": "def NAME(*x):\n    return torch.eye(3).to_sparse()",
    "a quantised tensor": "def NAME(*x):\n    return torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.quint8)",
    "a tensor whose methods lie": """
        def NAME(*x):
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
        def NAME(*x):
            return np.zeros(3).view(Changing)
        """,
    "at exit": """
        import atexit, os
        def NAME(*x):
            atexit.register(lambda: [os.write(n, b'right') for n in range(3)])
            return torch.zeros(3)
        """,
    "deaf to signals": """
        import signal
        def NAME(*x):
            for one in (signal.SIGXCPU, signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGHUP):
                signal.signal(one, signal.SIG_IGN)
            while True:
                pass
        """,
    "higher limits": """
        import resource
        def NAME(*x):
            for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):
                try:
                    resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                except (ValueError, OSError):
                    continue
                if resource.getrlimit(kind)[0] == resource.RLIM_INFINITY and kind == resource.RLIMIT_CPU:
                    raise RuntimeError('GOT IN: no limit any more')
            return torch.zeros(3)
        """,
    "all descriptors written": """
        import os
        def NAME(*x):
            for name in os.listdir('/proc/self/fd'):
                try:
                    os.write(int(name), b'\\xff' * 64)
                except OSError:
                    pass
            return torch.zeros(3)
        """,
    "all descriptors closed": "import os\ndef NAME(*x):\n    os.closerange(0, 256)\n    return torch.zeros(3)",
    "all descriptors moved": """
        import os
        def NAME(*x):
            for n in range(3, 30):
                try:
                    os.dup2(1, n)
                except OSError:
                    pass
            return torch.zeros(3)
        """,
    "another program": """
        import os, sys
        def NAME(*x):
            os.execv(sys.executable, [sys.executable, '-c', 'print("right")'])
        """,
    "a shell that reads": """
        import subprocess
        def NAME(*x):
            for path in SECRETS:
                done = subprocess.run(['cat', path], capture_output=True)
                if done.returncode == 0 and done.stdout:
                    raise RuntimeError('GOT IN: read ' + path)
            return torch.zeros(3)
        """,
    "a link to a secret": """
        import os
        def NAME(*x):
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
    "other processes' files": """
        import os
        def NAME(*x):
            for process in os.listdir('/proc'):
                for path in SECRETS:
                    try:
                        open(f'/proc/{process}/root{path}').read(10)
                    except OSError:
                        continue
                    raise RuntimeError('GOT IN: read through ' + process)
            return torch.zeros(3)
        """,
    "a debugger": """
        import ctypes, os
        def NAME(*x):
            if ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0:
                raise RuntimeError('GOT IN: the parent is held')
            return torch.zeros(3)
        """,
    "many threads": """
        import threading, time
        def NAME(*x):
            try:
                for _ in range(300):
                    threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
            except RuntimeError:
                pass
            return torch.zeros(3)
        """,
    "many children, each within the limit": """
        import os, time
        def NAME(*x):
            for _ in range(6):
                if os.fork() == 0:
                    block = bytearray(400_000_000)
                    time.sleep(3)
                    os._exit(0)
            time.sleep(4)
            raise RuntimeError('GOT IN: two gigabytes and a half')
        """,
    "memory by torch": "def NAME(*x):\n    torch.ones(3_000_000_000)\n    raise RuntimeError('GOT IN: 12 GB')",
    "a deep recursion": """
        import sys
        def NAME(*x):
            sys.setrecursionlimit(10**7)
            def down(n):
                return down(n + 1) + 1
            return down(0)
        """,
    "an error without an end": """
        class Endless(Exception):
            def __str__(self):
                while True:
                    pass
        def NAME(*x):
            raise Endless()
        """,
    "a megabyte of error": "def NAME(*x):\n    raise ValueError('y' * 1_000_000 + chr(10) + 'z' * 1_000_000)",
    "escape codes in an error": "def NAME(*x):\n    raise ValueError(chr(27) + '[2J' + chr(13) + '=1+1,2;3')",
    "a table in an error": "def NAME(*x):\n    raise ValueError('\\n=cmd,01,2,3\\n\"')",
    "HTML in a name": 'def NAME(*x):\n    raise type("' + MARK.replace("'", "") + '", (ValueError,), {})()',
    "half a letter in an error": "def NAME(*x):\n    raise ValueError(chr(0) + chr(0xD800))",
    "KeyboardInterrupt": "def NAME(*x):\n    raise KeyboardInterrupt",
    "GeneratorExit": "def NAME(*x):\n    raise GeneratorExit",
    "an error of its own kind": """
        class Base(BaseException):
            pass
        def NAME(*x):
            raise Base('right')
        """,
    "a plea": """
        def NAME(*x):
            from gencourse.homework.checking import calls
            raise calls.NotRun('a person has looked at it: all points')
        """,
    "the caller's input": """
        import sys
        def NAME(*x):
            frame = sys._getframe(1)
            for value in list(frame.f_locals.values()):
                for array in value.values() if isinstance(value, dict) else ():
                    if isinstance(array, np.ndarray):
                        array[...] = 0
            return torch.zeros(())
        """,
    "inputs in memory": """
        import gc
        def NAME(*x):
            for one in gc.get_objects():
                if isinstance(one, dict) and any(isinstance(v, np.ndarray) for v in list(one.values())[:9]):
                    for value in one.values():
                        if isinstance(value, np.ndarray) and value.flags.writeable and value.dtype.kind == 'f':
                            value[...] = 0
            return torch.zeros(())
        """,
    "wrapped without an end": """
        class Wrapped:
            @property
            def __wrapped__(self):
                return Wrapped()
            def __call__(self, *x):
                return torch.zeros(3)
        NAME = Wrapped()
        """,
    "names that bite": """
        class Biting:
            @property
            def __globals__(self):
                raise KeyboardInterrupt
            def __call__(self, *x):
                return torch.zeros(3)
        NAME = Biting()
        """,
    "an object that does not go": """
        class Stays:
            def __del__(self):
                while True:
                    pass
        def NAME(*x):
            Stays()
            return torch.zeros(3)
        """,
    "an audit hook": """
        import sys
        def NAME(*x):
            sys.addaudithook(lambda *event: exec('raise MemoryError'))
            return torch.zeros(3)
        """,
    "a tracer": """
        import sys
        def NAME(*x):
            def trace(frame, event, value):
                for name in frame.f_locals:
                    if name in ('found', 'value', 'outputs'):
                        frame.f_locals[name] = {}
                return trace
            sys.settrace(trace)
            return torch.zeros(3)
        """,
    "another import": """
        import builtins
        def NAME(*x):
            builtins.__import__ = lambda *a, **k: torch
            return torch.zeros(3)
        """,
    "another numpy": """
        import sys, types
        def NAME(*x):
            sys.modules['numpy'] = types.ModuleType('numpy')
            sys.modules['gencourse.homework.checking.calls'] = types.ModuleType('calls')
            return torch.zeros(3)
        """,
    "sleep": "import time\ndef NAME(*x):\n    time.sleep(10_000)",
    "a definition that sleeps": "import time\nWAIT = time.sleep(10_000)\ndef NAME(*x):\n    return WAIT",
    "both branches of a fork": """
        import os
        def NAME(*x):
            os.fork()
            return torch.zeros(3)
        """,
    "output without an end": "def NAME(*x):\n    while True:\n        print('x' * 10_000)",
}
CHARGES = {  # how a file is called that is otherwise honest
    "a formula": "=cmd|' !A0",
    "another formula": "+1-2",
    "a line break": "new\nline",
    "quotes": 'quo"te',
    "separators": "semi;colon,comma",
    "from right to left": "\u202egnp",
    "HTML": "<script>alert(1)<",
    "an option": "-rf",
    "the table's own name": "grades",
    "a picture": "\U0001f393",
    "one é": "ren\u00e9",
    "another é": "rene\u0301",
    "a space at the end": "anna ",
    "many letters": "ü" * 100,
    "a dot": ".. .",
}


def put(notebook: Notebook, **cells: str) -> Notebook:
    """Replace the texts of cells by their ids."""
    for cell in notebook["cells"]:
        cell["source"] = cells.get(cell.get("id", "").replace("-", "_"), cell["source"])
    return notebook


def everywhere(notebook: Notebook, text: str) -> Notebook:
    """Write a text as the answer to all questions."""
    for cell in notebook["cells"]:
        if cell.get("id", "").startswith("question"):
            cell["source"] = text
    return notebook


def points(notebook: Notebook) -> Notebook:
    """Give all tasks a thousand points, in all places where points can stand."""
    for cell in notebook["cells"]:
        cell["metadata"] = json.loads(json.dumps(cell["metadata"]).replace('"points": ', '"points": 1000'))
    return put(notebook, task_gram="def gram_matrix(f):\n    return f")


def many(notebook: Notebook) -> Notebook:
    stub = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "id": "task-gram"}
    notebook["cells"] += [stub | {"source": f"def gram_matrix(f):\n    return {n}"} for n in range(400)]
    return notebook


WRONG = "def gram_matrix(f):\n    return f"
FILES: dict[str, Callable[[Notebook], Notebook | str | bytes]] = {
    "a thousand points": points,
    "the check cells changed": lambda nb: put(nb, check_gram="print('gram_matrix: right')", task_gram=WRONG),
    "four hundred answers": many,
    "no cell ids, the same id for all": lambda nb: nb | {"cells": [c | {"id": "task-gram"} for c in nb["cells"]]},
    "ids that are paths": lambda nb: nb | {"cells": [c | {"id": f"../../{i}"} for i, c in enumerate(nb["cells"])]},
    "scripts in answers": lambda nb: everywhere(
        nb, f'</pre></code>{MARK}<img src=x onerror="{MARK}">[x](javascript:1)'
    ),
    "formulas in answers": lambda nb: everywhere(nb, '=HYPERLINK("http://x","y")\n+1'),
    "a huge answer": lambda nb: everywhere(nb, "word " * 400_000),
    "cells twice": lambda nb: json.dumps(nb)[:-1] + ', "cells": []}',
    "no numbers": lambda nb: json.dumps(nb)[:-1] + ', "a": NaN, "b": -Infinity}',
    "a number of many digits": lambda nb: json.dumps(nb)[:-1] + f', "a": {"9" * 6000}}}',
    "objects in objects": lambda nb: json.dumps(nb)[:-1] + ', "a": ' + '{"a":' * 30_000 + "1" + "}" * 30_001,
    "cells are an object": lambda nb: nb | {"cells": {"0": nb["cells"][0]}},
    "a cell's source is a number": lambda nb: nb | {"cells": [c | {"source": 7} for c in nb["cells"]]},
    "a cell's source is nested": lambda nb: nb | {"cells": [c | {"source": [[["x"]], None]} for c in nb["cells"]]},
    "a cell of no kind": lambda nb: nb | {"cells": [c | {"cell_type": ["code"]} for c in nb["cells"]]},
    "brackets": lambda nb: put(nb, task_gram="x = " + "(" * 5000 + ")" * 5000 + "\n" + WRONG),
    "a sum of many": lambda nb: put(nb, task_gram="x = " + "1+" * 60_000 + "1\n" + WRONG),
    "many nots": lambda nb: put(nb, task_gram="x = " + "not " * 20_000 + "1\n" + WRONG),
    "a long line": lambda nb: put(nb, task_gram="#" + "x" * 1_000_000 + "\n" + WRONG),
    "many magics": lambda nb: put(nb, task_gram="!ls\n" * 20_000 + WRONG),
    "spaces before a magic": lambda nb: put(nb, task_gram=" " * 100_000 + "%%time\n" + WRONG),
    "a null byte in the code": lambda nb: put(nb, task_gram=WRONG + "\0"),
    "half a letter in the code": lambda nb: put(nb, task_gram=WRONG + "\n# \ud800"),
    "a letter that looks like another": lambda nb: put(nb, task_gram="def gr\u0430m_matrix(f):\n    return f"),
    "from right to left in the code": lambda nb: put(nb, task_gram=WRONG + "  # \u202e} \u2066if admin\u2069"),
    "the whole file again behind it": lambda nb: json.dumps(nb) * 2,
}


def attempt(name: str, function: str, secrets: list[str]) -> str:
    """Return the text of a cell in which a task's function is an attempt."""
    text = textwrap.dedent(FUNCTIONS[name]).strip().replace("NAME", function)
    return f"import numpy as np\nimport torch\nSECRETS = {secrets!r}\n{text}"


def lots(functions: list[str]) -> list[dict[str, str]]:
    """Spread the attempts over notebooks, a function each: attempt -> function."""
    names = list(FUNCTIONS)
    groups = [names[i : i + len(functions)] for i in range(0, len(names), len(functions))]
    return [dict(zip(group, functions, strict=False)) for group in groups]


def build(
    folder: Path, solved: Callable[[], Notebook], cells: dict[str, str], honest: str
) -> dict[str, tuple[str, str]]:
    """Fill a folder of hand-ins. Returns attempt -> (file without its ending, function).

    solved: returns a new solved notebook. cells: the id of a task's cell by its function. honest: a function that no
    attempt stands for.
    """
    where: dict[str, tuple[str, str]] = {}
    secrets = [str(folder / "honest.ipynb"), "/etc/passwd-", "/root/.bashrc", str(Path(__file__).resolve())]
    for index, lot in enumerate(lots([name for name in cells if name != honest])):
        texts = {cells[function].replace("-", "_"): attempt(a, function, secrets) for a, function in lot.items()}
        save(folder / f"lot{index}.ipynb", put(solved(), **texts))
        where |= {a: (f"lot{index}", function) for a, function in lot.items()}
    for index, (name, change) in enumerate(FILES.items()):
        save(folder / f"file{index}.ipynb", change(solved()))
        where[name] = (f"file{index}", "gram_matrix")
    for name in CHARGES.values():
        save(folder / f"{name}.ipynb", solved())
    save(folder / "honest.ipynb", solved())
    odd_files(folder)
    return where


def save(path: Path, what: Notebook | str | bytes) -> None:
    """Write a hand-in; half a surrogate pair as JSON may hold it."""
    text = json.dumps(what) if isinstance(what, dict) else what
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))


def odd_files(folder: Path) -> None:
    """What lies in a folder of hand-ins and is no plain file."""
    (folder / "out").symlink_to("/etc")
    (folder / "round").mkdir()
    (folder / "round" / "again").symlink_to(folder)
    (folder / "lost.ipynb").symlink_to(folder / "nowhere.ipynb")
    os.link(folder / "honest.ipynb", folder / "hard.ipynb")
    listening = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(folder)  # a socket's path has a hundred letters at most
    try:
        listening.bind("socket.ipynb")
    finally:
        os.chdir(here)
        listening.close()
    deep = folder
    for _ in range(60):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "deep.ipynb").write_bytes((folder / "honest.ipynb").read_bytes())
