"""Where submissions run: in bubblewrap where it is installed, else in a process with limits and a warning.

In bubblewrap a submission sees the system's programs, this Python and its packages, and the few files of the course
that calls need: no solutions, no judgement, no other submission, no network, nothing it could write to.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gencourse.paths import PACKAGE

OFFERED = (  # the files of the course that a submission may see; none of them holds an answer
    *("__init__.py", "modes.py", "runtime.py", "training/*.py", "networks/__init__.py", "networks/dcgan.py"),
    *("homework/ch*/__init__.py", "homework/ch*/calls.py", "homework/checking/__init__.py"),
    *("homework/checking/calls.py", "homework/checking/attempt.py"),
    *("homework/grading/__init__.py", "homework/grading/inside/*.py"),
)
NEEDED = ("torch", "numpy", "tqdm")
FIRST_USER = 54_321  # user ids that no account has, where we are root
LIBRARIES = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
START = "import sys; sys.path[:0] = sys.argv[1:]; from gencourse.homework.grading.inside.worker import main; main()"
VARIABLES = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
VARIABLES["CUDA_VISIBLE_DEVICES"] = ""  # grades are computed on the CPU, on every machine
NO_NETWORK = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")


class NoSandbox(RuntimeError):
    """Submissions cannot be run on this machine."""


@dataclass(frozen=True)
class Place:
    """How a worker is started here. kind: "bubblewrap" or "limits only"; desk: the folder with what is offered."""

    kind: str
    desk: Path
    hidden: tuple[Path, ...] = ()
    trouble: str = ""  # why it is not bubblewrap

    @property
    def walled(self) -> bool:
        return self.kind == "bubblewrap"

    def start(self, request: int, errors: int, slot: int = 0) -> subprocess.Popen:
        """Start a worker that reads its request from a file descriptor and answers on its standard output."""
        python = [sys.executable, "-s", "-B", "-c", START, str(self.desk), *map(str, packages())]
        command = [*bubblewrap(self.desk, self.hidden), *python] if self.walled else python
        places = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nowhere"}
        places["TORCHINDUCTOR_CACHE_DIR"] = str(self.desk / "empty")
        return subprocess.Popen(
            command,
            stdin=request,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=self.desk,
            env={**VARIABLES, **places},
            start_new_session=True,
        )


def user(slot: int) -> int | None:
    """Return the user that a submission runs as where we are root and must choose, one for each slot."""
    return FIRST_USER + slot if os.name == "posix" and os.getuid() == 0 else None


@contextmanager
def place(*hidden: Path, bubble: bool = True) -> Iterator[Place]:
    """Lay out what submissions may see in a temporary folder, and find out how they can be run.

    hidden: folders that must not be seen even if they lie among the packages. Raises NoSandbox on systems without
    limits (Windows): there the Linux subsystem (WSL) does; and where we are root without bubblewrap and submissions,
    which run as another user then, could not import what they need.
    """
    if importlib.util.find_spec("resource") is None:
        raise NoSandbox("submissions cannot be run on this system, which sets no limits: use Linux, WSL or macOS")
    with tempfile.TemporaryDirectory(prefix="gencourse-") as folder:
        desk = Path(folder)
        lay_out(desk)
        hidden = (PACKAGE, *(path.resolve() for path in hidden))
        trouble = refused(desk, hidden) if bubble else "it was not asked for"
        if trouble and (problem := unreadable()):
            advice = "install bubblewrap, or grade as an ordinary user"
            raise NoSandbox(
                f"submissions would run as another user, who cannot import packages here ({problem}): {advice}"
            )
        yield Place("limits only" if trouble else "bubblewrap", desk, hidden, trouble)


def lay_out(desk: Path) -> None:
    """Copy what submissions may see."""
    os.chmod(desk, 0o755)  # the user they run as must be able to read it
    for source in (path for pattern in OFFERED for path in PACKAGE.glob(pattern)):
        target = desk / "gencourse" / source.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    (desk / "gencourse/homework/__init__.py").touch()
    (desk / "empty").mkdir()


def refused(desk: Path, hidden: tuple[Path, ...]) -> str:
    """Return why bubblewrap cannot be used here, or nothing if it can."""
    if sys.platform != "linux" or shutil.which("bwrap") is None:
        return "it is not installed"
    command = [*bubblewrap(desk, hidden), sys.executable, "-s", "-c", "print('in')"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it does not start ({error})"
    return "" if done.stdout == "in\n" else f"it does not start ({done.stderr.strip()[:200]})"


def unreadable() -> str:
    """Return why the user that submissions run as cannot use this Python and its packages, or nothing if it can.

    Right answers would then fail at their first late import. A private home folder is enough for that.
    """
    if user(0) is None:
        return ""
    command = [sys.executable, "-s", "-B", "-c", "import sys; sys.path[:0] = sys.argv[1:]; import numpy"]
    options = {"user": user(0), "group": user(0), "extra_groups": [], "cwd": "/", "stdin": subprocess.DEVNULL}
    try:
        done = subprocess.run([*command, *map(str, packages())], capture_output=True, text=True, timeout=120, **options)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return done.stderr.strip().split("\n")[-1][:200] if done.returncode else ""


def packages() -> list[Path]:
    """Return the folders that torch and what else is needed are imported from."""
    origins = [importlib.util.find_spec(name).origin for name in NEEDED]
    return list(dict.fromkeys(Path(origin).resolve().parents[1] for origin in origins))


def bubblewrap(desk: Path, hidden: tuple[Path, ...]) -> list[str]:
    """Return the command line of bubblewrap up to the program that it runs.

    As root, who may do anything even inside, three capabilities stay: enough to become another user, none more; the
    number of processes is limited for that user only. Everybody else is already another user inside.
    """
    root = os.getuid() == 0
    line = ["bwrap", "--die-with-parent", "--new-session"]
    line += [*NO_NETWORK, "--cap-drop", "ALL"] if root else ["--unshare-all", "--uid", "1000", "--gid", "1000"]
    for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_KILL") if root else ():
        line += ["--cap-add", capability]
    folders = [Path(p).resolve() for p in ("/usr", sys.prefix, sys.base_prefix, desk)] + packages()
    for folder in sorted(set(folders)):
        if not any(other in folder.parents for other in folders):
            line += [*parents(folder), "--ro-bind", str(folder), str(folder)]
    for library in map(Path, LIBRARIES):
        if library.is_symlink():
            line += ["--symlink", os.readlink(library), str(library)]
        elif library.is_dir():
            line += ["--ro-bind", str(library), str(library)]
    for file in ("/etc/ld.so.cache", "/etc/alternatives"):
        line += ["--ro-bind-try", file, file]
    for path in dict.fromkeys(hidden):
        if path.is_dir() and any(folder in path.parents and folder != desk for folder in folders):
            line += ["--tmpfs", str(path)]
    return [*line, "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]


def parents(folder: Path) -> list[str]:
    """Return arguments that make the folders above one, readable for all."""
    above = [path for path in reversed(folder.parents) if path != Path("/")]
    return [part for path in above for part in ("--perms", "0755", "--dir", str(path))]
