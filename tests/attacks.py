"""What a submission might try on the one who grades it. Every attempt is bounded in itself and harmless.

An attempt is the text of a function NAME. Where it gets what it should not get it raises RuntimeError("GOT IN ...");
otherwise it returns a wrong answer, so it is worth nothing either way.
"""

import textwrap

ATTEMPTS = {
    "an object that equals everything": """
        class Liar:
            __eq__ = __ge__ = __le__ = __lt__ = __gt__ = lambda self, other: True
            __bool__ = lambda self: True
            __getattr__ = lambda self, name: self
            __call__ = lambda self, *arguments, **options: self
            __array__ = lambda self, *arguments, **options: np.zeros(())
        def NAME(*inputs):
            return Liar()
        """,
    "a tensor that equals everything": """
        class Liar(torch.Tensor):
            @classmethod
            def __torch_function__(cls, function, types, arguments=(), options=None):
                return True if function.__name__ in ("allclose", "equal", "eq") else arguments[0]
        def NAME(*inputs):
            return torch.zeros(3).as_subclass(Liar)
        """,
    "patched comparisons": """
        import builtins
        def NAME(*inputs):
            for module, names in ((torch, ("allclose", "equal")), (np, ("allclose", "array_equal", "abs", "isfinite"))):
                for name in names:
                    setattr(module, name, lambda *arguments, **options: True)
            builtins.abs = builtins.max = lambda *arguments, **options: 0.0
            torch.testing.assert_close = lambda *arguments, **options: None
            return torch.zeros(())
        """,
    "patched calls": """
        import gencourse.homework.checking.calls as calls
        import gencourse.homework.grading.inside.wire as wire
        def NAME(*inputs):
            calls.to_array = lambda *arguments: np.zeros(())
            wire.BadMessage = Exception
            wire.pack = lambda values: b"right"
            return torch.zeros(())
        """,
    "the package's own answer": """
        from gencourse.methods import style
        def NAME(*inputs):
            style.gram_matrix(torch.zeros(1, 2, 3, 4))
            raise RuntimeError("GOT IN: the solution can be imported")
        """,
    "reading solutions, checks and others": """
        def NAME(*inputs):
            for path in SECRETS:
                try:
                    text = open(path).read(100)
                except OSError:
                    continue
                raise RuntimeError("GOT IN: read " + path)
            return torch.zeros(())
        """,
    "looking for the judge in memory": """
        import gc, sys
        def NAME(*inputs):
            judges = ("checks", "check", "compare", "engine", "mistakes", "grade")
            if any(name.split(".")[-1] in judges for name in sys.modules if "homework" in name):
                raise RuntimeError("GOT IN: the judge is in this process")
            names = {f.__name__ for f in gc.get_objects() if type(f).__name__ == "function"}
            if names & {"verdict", "gram_judge"}:
                raise RuntimeError("GOT IN: the judge is in this process")
            return torch.zeros(())
        """,
    "reading the parent's memory": """
        import os
        def NAME(*inputs):
            try:
                open(f"/proc/{os.getppid()}/mem", "rb").close()
            except OSError:
                return torch.zeros(())
            raise RuntimeError("GOT IN: the parent's memory is open")
        """,
    "reading the parent's environment": """
        import os
        def NAME(*inputs):
            texts = [repr(dict(os.environ))]
            for process in ("self", os.getppid(), 1, 2):
                try:
                    texts.append(open(f"/proc/{process}/environ").read())
                except OSError:
                    pass
            if any("TOKEN" in text for text in texts):
                raise RuntimeError("GOT IN: variables of the one who grades")
            return torch.zeros(())
        """,
    "writing outside": """
        def NAME(*inputs):
            for path in WRITABLE:
                try:
                    open(path, "w").close()
                except OSError:
                    continue
                raise RuntimeError("GOT IN: wrote " + path)
            return torch.zeros(())
        """,
    "the network": """
        import socket
        def NAME(*inputs):
            try:
                socket.create_connection(("127.0.0.1", PORT), 2).close()
            except OSError:
                return torch.zeros(())
            raise RuntimeError("GOT IN: the network answers")
        """,
    "becoming root": """
        import os
        def NAME(*inputs):
            if os.getuid() == 0:
                raise RuntimeError("GOT IN: this is root")
            try:
                os.setuid(0)
            except OSError:
                return torch.zeros(())
            raise RuntimeError("GOT IN: this is root now")
        """,
    "an endless loop": """
        def NAME(*inputs):
            while True:
                pass
        """,
    "an endless definition": """
        def loop():
            while True:
                pass
        ENDLESS = loop()
        def NAME(*inputs):
            return torch.zeros(())
        """,
    "a fork loop": """
        import os, time
        def NAME(*inputs):
            started = 0
            for _ in range(200):
                try:
                    if os.fork() == 0:
                        time.sleep(2)
                        os._exit(0)
                except OSError:
                    return torch.zeros(())
                started += 1
            raise RuntimeError("GOT IN: two hundred processes")
        """,
    "a process that stays": """
        import os, time
        def NAME(*inputs):
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(20)
                os._exit(0)
            return torch.zeros(())
        """,
    "too much memory": """
        def NAME(*inputs):
            try:
                block = bytearray(3_000_000_000)
            except MemoryError:
                block = torch.empty(3_000_000_000, dtype=torch.uint8)
            raise RuntimeError("GOT IN: three gigabytes")
        """,
    "a flood of output": """
        import os, sys
        def NAME(*inputs):
            for _ in range(2000):
                print("x" * 5000)
                sys.stderr.write("y" * 5000)
                os.write(1, b"z" * 5000)
            return torch.zeros(())
        """,
    "a huge output": """
        def NAME(*inputs):
            return torch.zeros(30_000_000, dtype=torch.uint8)
        """,
    "a huge file": """
        def NAME(*inputs):
            for folder in WRITABLE:
                try:
                    with open(folder + ".large", "wb") as file:
                        file.truncate(50_000_000)
                except OSError:
                    continue
                raise RuntimeError("GOT IN: fifty megabytes in " + folder)
            return torch.zeros(())
        """,
    "sys.exit": """
        import sys
        def NAME(*inputs):
            sys.exit(0)
        """,
    "the end at once": """
        import os
        def NAME(*inputs):
            os._exit(0)
        """,
    "a crash": """
        import ctypes
        def NAME(*inputs):
            ctypes.string_at(0)
        """,
    "killing the parent": """
        import os, signal
        def NAME(*inputs):
            os.kill(os.getppid(), signal.SIGKILL)
            return torch.zeros(())
        """,
    "a pickle in an output": """
        class Pickled:
            def __reduce__(self):
                return (open, (WRITABLE[0], "w"))
        def NAME(*inputs):
            import pickle, struct, os
            data = pickle.dumps(Pickled())
            for descriptor in range(3, 20):
                try:
                    os.write(descriptor, struct.pack("<Q", len(data)) + data)
                except OSError:
                    continue
            return np.array([Pickled()], dtype=object)
        """,
    "forged messages": """
        def NAME(*inputs):
            import json, os, struct
            def message(**plain):
                text = json.dumps({"order": list(plain), "plain": plain, "arrays": {}}).encode()
                text = struct.pack("<I", len(text)) + text
                return struct.pack("<Q", len(text)) + text
            for descriptor in range(3, 20):
                try:
                    for task in range(6):
                        os.write(descriptor, message(task=task, end="", points=100, right=True))
                except OSError:
                    continue
            os._exit(0)
        """,
    "a message that announces too much": """
        def NAME(*inputs):
            import os, struct
            for descriptor in range(3, 20):
                try:
                    os.write(descriptor, struct.pack("<Q", 2**62))
                except OSError:
                    continue
            return torch.zeros(())
        """,
    "an error that bites": """
        class Bite(Exception):
            def __str__(self):
                raise RuntimeError("<script>alert(1)</script>" * 1000)
        def NAME(*inputs):
            raise Bite()
        """,
    "HTML in an error": """
        def NAME(*inputs):
            raise ValueError("<script>alert('=HYPERLINK')</script>")
        """,
}
WALLS = {  # only bubblewrap keeps these out
    "reading solutions, checks and others",
    "the package's own answer",
    "writing outside",
    "the network",
    "a huge file",
}
USERS = {  # without bubblewrap, only running as another user keeps these out
    "reading the parent's memory",
    "reading the parent's environment",
    "killing the parent",
    "a process that stays",
}
PARENT = {"killing the parent", "forged messages", "a pickle in an output", "a message that announces too much"}


def source(attempt: str, name: str, secrets: list[str], writable: list[str], port: int) -> str:
    """Return the text of a cell in which a task's function is an attempt."""
    text = textwrap.dedent(ATTEMPTS[attempt]).strip().replace("NAME", name).replace("PORT", str(port))
    return f"SECRETS = {secrets!r}\nWRITABLE = {writable!r}\n{text}"
