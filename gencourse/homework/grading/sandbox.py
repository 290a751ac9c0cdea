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
    *("__init__.py", "batches.py", "expect.py", "modes.py", "runtime.py", "training/*.py"),
    *("networks/__init__.py", "networks/dcgan.py"),
    *("homework/ch*/__init__.py", "homework/ch*/calls.py", "homework/checking/__init__.py"),
    *("homework/checking/calls.py", "homework/checking/attempt.py"),
    *("homework/grading/__init__.py", "homework/grading/inside/*.py"),
)
NEEDED = ("torch", "numpy", "safetensors", "tqdm", "IPython")
FIRST_USER_ID = 54_321  # user ids that no account has, where we are root
LIBRARY_DIRS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
WORKER_CODE = (
    "import sys; sys.path[:0] = sys.argv[1:]; from gencourse.homework.grading.inside.worker import main; main()"
)
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
ENVIRONMENT["CUDA_VISIBLE_DEVICES"] = ""  # grades are computed on the CPU, on every machine
ENVIRONMENT["TORCHDYNAMO_DISABLE"] = "1"  # torch.compile would want a compiler: what it gives is the function itself
NO_NETWORK = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")


class NoSandbox(RuntimeError):
    """Submissions cannot be run on this machine."""


@dataclass(frozen=True)
class Sandbox:
    """How a worker is started here.

    Args:
        kind: "bubblewrap" or "limits only".
        root_dir: the folder with what is offered.
        hidden: folders that must not be seen.
        problem: why it is not bubblewrap; empty where it is.
    """

    kind: str
    root_dir: Path
    hidden: tuple[Path, ...] = ()
    problem: str = ""

    @property
    def isolated(self) -> bool:
        """Whether a submission sees nothing but what is offered, and no network."""
        return self.kind == "bubblewrap"

    def start(self, request: int, errors: int) -> subprocess.Popen:
        """Start a worker that answers on its standard output.

        Args:
            request: descriptor of the file that it reads its request from.
            errors: descriptor of the file for its standard error.
        """
        python = [sys.executable, "-s", "-B", "-c", WORKER_CODE, str(self.root_dir), *map(str, package_dirs())]
        command = [*bubblewrap_command(self.root_dir, self.hidden), *python] if self.isolated else python
        paths = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nowhere"}
        paths["TORCHINDUCTOR_CACHE_DIR"] = str(self.root_dir / "empty")
        return subprocess.Popen(
            command,
            stdin=request,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=self.root_dir,
            env={**ENVIRONMENT, **paths},
            start_new_session=True,
        )


def user_id(slot: int) -> int | None:
    """Return the user that a submission runs as where we are root and must choose, one for each slot."""
    return FIRST_USER_ID + slot if os.name == "posix" and os.getuid() == 0 else None


@contextmanager
def open_sandbox(*hidden: Path, bubblewrap: bool = True) -> Iterator[Sandbox]:
    """Copy what submissions may see into a temporary folder, and find out how they can be run.

    Args:
        hidden: folders that must not be seen even if they lie among the packages.
        bubblewrap: whether it may be used.

    Raises:
        NoSandbox: the system sets no limits (Windows; its Linux subsystem, WSL, does), or we are root without
            bubblewrap, and the user that submissions then run as could not import what they need.
    """
    if importlib.util.find_spec("resource") is None:
        raise NoSandbox("submissions cannot be run on this system, which sets no limits: use Linux, WSL or macOS")
    with tempfile.TemporaryDirectory(prefix="gencourse-") as folder:
        root_dir = Path(folder)
        copy_offered_files(root_dir)
        hidden = (PACKAGE, *(path.resolve() for path in hidden))
        problem = bubblewrap_problem(root_dir, hidden) if bubblewrap else "it was not asked for"
        if problem and (unusable := packages_problem()):
            advice = "install bubblewrap, or grade as an ordinary user"
            raise NoSandbox(
                f"submissions would run as another user, who cannot import packages here ({unusable}): {advice}"
            )
        yield Sandbox("limits only" if problem else "bubblewrap", root_dir, hidden, problem)


def copy_offered_files(root_dir: Path) -> None:
    """Copy the files of the course that submissions may see."""
    os.chmod(root_dir, 0o755)  # the user they run as must be able to read it
    for source in (path for pattern in OFFERED for path in PACKAGE.glob(pattern)):
        target = root_dir / "gencourse" / source.relative_to(PACKAGE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    (root_dir / "gencourse/homework/__init__.py").touch()
    (root_dir / "empty").mkdir()


def bubblewrap_problem(root_dir: Path, hidden: tuple[Path, ...]) -> str:
    """Return why bubblewrap cannot be used here, or nothing if it can."""
    if sys.platform != "linux" or shutil.which("bwrap") is None:
        return "it is not installed"
    command = [*bubblewrap_command(root_dir, hidden), sys.executable, "-s", "-c", "print('in')"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"it does not start ({error})"
    return "" if done.stdout == "in\n" else f"it does not start ({done.stderr.strip()[:200]})"


def packages_problem() -> str:
    """Return why the user that submissions run as cannot use this Python and its packages, or nothing if it can.

    Right answers would then fail at their first late import. A private home folder is enough for that.
    """
    if user_id(0) is None:
        return ""
    command = [sys.executable, "-s", "-B", "-c", "import sys; sys.path[:0] = sys.argv[1:]; import numpy, safetensors"]
    options = {"user": user_id(0), "group": user_id(0), "extra_groups": [], "cwd": "/", "stdin": subprocess.DEVNULL}
    try:
        done = subprocess.run(
            [*command, *map(str, package_dirs())], capture_output=True, text=True, timeout=120, **options
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return done.stderr.strip().split("\n")[-1][:200] if done.returncode else ""


def package_dirs() -> list[Path]:
    """Return the folders that torch and what else is needed are imported from."""
    specs = [importlib.util.find_spec(name) for name in NEEDED]
    return list(dict.fromkeys(Path(spec.origin).resolve().parents[1] for spec in specs if spec and spec.origin))


def bubblewrap_command(root_dir: Path, hidden: tuple[Path, ...]) -> list[str]:
    """Return the command line of bubblewrap up to the program that it runs.

    As root, who may do anything even inside, three capabilities stay: enough to become another user, none more; the
    number of processes is limited for that user only. Everybody else is already another user inside.
    """
    root = os.getuid() == 0
    line = ["bwrap", "--die-with-parent", "--new-session"]
    line += [*NO_NETWORK, "--cap-drop", "ALL"] if root else ["--unshare-all", "--uid", "1000", "--gid", "1000"]
    for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_KILL") if root else ():
        line += ["--cap-add", capability]
    folders = [Path(p).resolve() for p in ("/usr", sys.prefix, sys.base_prefix, root_dir)] + package_dirs()
    for folder in sorted(set(folders)):
        if not any(other in folder.parents for other in folders):
            line += [*parent_dir_options(folder), "--ro-bind", str(folder), str(folder)]
    for library in map(Path, LIBRARY_DIRS):
        if library.is_symlink():
            line += ["--symlink", os.readlink(library), str(library)]
        elif library.is_dir():
            line += ["--ro-bind", str(library), str(library)]
    for file in ("/etc/ld.so.cache", "/etc/alternatives"):
        line += ["--ro-bind-try", file, file]
    for path in dict.fromkeys(hidden):
        if path.is_dir() and any(folder in path.parents and folder != root_dir for folder in folders):
            line += ["--tmpfs", str(path)]
    return [*line, "--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]


def parent_dir_options(folder: Path) -> list[str]:
    """Return arguments that make the folders above one, readable for all."""
    above = [path for path in reversed(folder.parents) if path != Path("/")]
    return [part for path in above for part in ("--perms", "0755", "--dir", str(path))]
