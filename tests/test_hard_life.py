"""A disk that is full, files cut off anywhere, caches that are shared, read-only or oddly named, and no home at all."""

import ast
import gzip
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from server import Server
from torch import nn
from training import Training, same

from gencourse import checkpoints, images
from gencourse.chapters import pages
from gencourse.data import archive, cache
from gencourse.data.catalogue import CATALOGUE
from gencourse.training.checkpoint_file import CheckpointFile

pytestmark = pytest.mark.timeout(3600)
WAIT = 1500  # seconds, for machines that have other things to do; no test measures time
HERE = Path(__file__).resolve().parent
ODD = "cache with spaces/naïve Ordner/数据 🐈"


# A full disk


FULL_DISK = """
import sys, warnings
from pathlib import Path
import torch
from training import Training, same
from gencourse import checkpoints, images
from gencourse.chapters import pages
from gencourse.data import archive
from nbformat.v4 import new_notebook

warnings.simplefilter("always")
disk = Path(sys.argv[1])
whole = Training("a shuffling loader", 0).run(12)
Training("a shuffling loader", 0).run(4, disk / "run.pt")

x = torch.rand(1, 3, 64, 64)
record = dict.fromkeys(checkpoints.NEEDED)
writers = {
    "a.png": lambda path, x: images.save(x, path),
    "a.npz": lambda path, x: archive.write(path, x),
    "a.safetensors": lambda path, x: checkpoints.save(path, torch.nn.Linear(64, 64), record),
    "a.ipynb": lambda path, x: pages.write(new_notebook(metadata={"x": str(x.tolist())[:9000]}), path),
}
before = {}
for name, write in writers.items():
    write(disk / name, x)
    before[name] = (disk / name).read_bytes()

filler = open(disk / "filler", "wb", buffering=0)
try:
    while True:
        filler.write(bytes(512))
except OSError as error:
    print("full:", error.errno)
filler.close()

for name, write in writers.items():
    try:
        write(disk / name, torch.rand(1, 3, 64, 64))
        print(name, "was written on a full disk")
    except Exception as error:
        print(name, "refused:", type(error).__name__)
    print(name, "as before:", (disk / name).read_bytes() == before[name])

same_steps = Training("a shuffling loader", 0).run(8)
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    print("trained on:", same(same_steps, Training("a shuffling loader", 5).run(8, disk / "run.pt")))
print("told:", {str(w.message) for w in told})
print("left:", sorted(path.name for path in disk.iterdir()))
(disk / "filler").unlink()
print("resumed:", same(whole, Training("a shuffling loader", 7).run(12, disk / "run.pt")))
"""


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory) -> str:
    """What a program told that met a full disk of 300 kB, mounted for it alone."""
    folder = tmp_path_factory.mktemp("disk")
    unshare = shutil.which("unshare")
    mount = 'mount -t tmpfs -o size=300k none "$1" && exec "$2" -c "$3" "$1"'
    apart = [unshare or "unshare", "--mount", "--map-root-user", "sh", "-c"]
    if unshare is None or subprocess.run([*apart, mount, "-", str(folder), "true", ""], capture_output=True).returncode:
        pytest.skip("this system lets nobody mount a small disk: it needs Linux, and unshare with user namespaces")
    path = os.pathsep.join([str(HERE), str(HERE.parent)])
    surroundings = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "TMPDIR": str(folder.parent)}
    command = [*apart, mount, "-", str(folder), sys.executable, FULL_DISK]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=WAIT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "full: 28" in done.stdout
    return done.stdout


def test_a_training_goes_on_with_a_full_disk_and_later_from_the_last_good_save(full_disk):
    assert "trained on: True" in full_disk and "resumed: True" in full_disk
    told = re.search(r"^told: (.*)$", full_disk, re.MULTILINE)[1]
    assert "could not save to" in told and "No space left on device" in told and "training goes on" in told
    assert "going on after step 4" in full_disk


@pytest.mark.parametrize("name", ["a.png", "a.npz", "a.safetensors", "a.ipynb"])
def test_a_full_disk_leaves_files_as_they_were(name, full_disk):
    assert f"{name} refused:" in full_disk and f"{name} as before: True" in full_disk


def test_a_full_disk_is_not_littered(full_disk):
    left = re.search(r"^left: (.*)$", full_disk, re.MULTILINE)[1]
    assert left == str(["a.ipynb", "a.npz", "a.png", "a.safetensors", "filler", "run.pt", "run.pt.previous"])


# Cut off anywhere


def test_a_save_cut_off_anywhere_costs_the_steps_since_the_previous_one(tmp_path, capsys):
    whole = Training("Batches", 0).run(9)
    Training("Batches", 0).run(3, tmp_path / "good", save_seconds=60)
    Training("Batches", 0).run(6, tmp_path / "new", save_seconds=60)
    content, rng = (tmp_path / "new").read_bytes(), random.Random(4)
    for place in [0, 1, len(content) - 1, *(rng.randrange(len(content)) for _ in range(12))]:
        (tmp_path / "run").write_bytes(content[:place])
        shutil.copy(tmp_path / "good", tmp_path / "run.previous")
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("ignore")  # what another test's garbage says when it is collected here
            warnings.simplefilter("always", UserWarning)
            pieces = Training("Batches", place).run(9, tmp_path / "run", save_seconds=60)
        assert same(whole, pieces), f"differs when cut off at byte {place}"
        assert [str(w.message).count("\n") for w in told] == [0], "one line says so"
        assert "kept as run.damaged, looking for an older save" in str(told[0].message)
        assert "going on after step 3" in capsys.readouterr().out


def test_weights_cut_off_anywhere_are_refused(tmp_path):
    record = dict.fromkeys(checkpoints.NEEDED) | {"arguments": {"in_features": 9, "out_features": 9}}
    content = checkpoints.save(tmp_path / "w.safetensors", nn.Linear(9, 9), record).read_bytes()
    rng = random.Random(5)
    for place in [0, 7, 8, len(content) - 1, *(rng.randrange(len(content)) for _ in range(40))]:
        (tmp_path / "w.safetensors").write_bytes(content[:place])
        with pytest.raises(ValueError, match="not a checkpoint of this course, or is damaged"):
            checkpoints.read(tmp_path / "w.safetensors", nn.Linear)


# Where downloads lie


FETCH = """
import dataclasses, json, sys, time
from gencourse import data
from gencourse.data import catalogue
facts = json.loads(sys.argv[1])
files = tuple(dataclasses.replace(file, size=size, sha256=sha, unpacked=inside, mirrors=(url,))
              for file, (size, sha, inside, url) in zip(data.CATALOGUE["mnist"].files, facts))
data.CATALOGUE["mnist"] = dataclasses.replace(data.CATALOGUE["mnist"], files=files)
print("in", data.fetch("mnist"), flush=True)
"""


@pytest.fixture
def mnist(monkeypatch):
    """A server with small files in the place of MNIST's, and what the catalogue must say of them."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server(b"") as server:
        facts = []
        for number, file in enumerate(CATALOGUE["mnist"].files):
            name, inside = file.name, random.Random(number).randbytes(5000)
            packed = gzip.compress(inside, mtime=0)
            server.bodies["/" + name] = packed
            digests = [hashlib.sha256(x).hexdigest() for x in (packed, inside)]
            facts.append([len(packed), *digests, server.url("/" + name)])
        yield server, json.dumps(facts)


def fetching(facts: str, before: tuple[str, ...] = (), **variables: str | None) -> subprocess.Popen:
    """Start a process that fetches that data set; `before` stands before its command."""
    surroundings = {**os.environ, "PYTHONPATH": str(HERE.parent), "OMP_NUM_THREADS": "1", **variables}
    surroundings = {name: value for name, value in surroundings.items() if value is not None}
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([*before, sys.executable, "-c", FETCH, facts], env=surroundings, **options)


def read_only(folder: Path) -> tuple[str, ...]:
    """What to put before a command so that it finds a folder mounted read-only; nothing where that is not permitted."""
    mount = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    before = ("unshare", "--mount", "--map-root-user", "sh", "-c", mount, "-", str(folder))
    works = shutil.which("unshare") and subprocess.run([*before, "true"], capture_output=True).returncode == 0
    return before if works else ()


def test_two_processes_fetch_one_data_set_into_an_oddly_named_cache(mnist, tmp_path):
    server, facts = mnist
    both = [fetching(facts, GENCOURSE_CACHE=str(tmp_path / ODD)) for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=WAIT)
        assert process.returncode == 0 and f"in {tmp_path / ODD / 'MNIST' / 'raw'}" in out, err
    for file, (_, _, inside, _) in zip(CATALOGUE["mnist"].files, json.loads(facts), strict=True):
        assert cache.is_right((tmp_path / ODD / file.name).with_suffix(""), inside)
    asked = [path for path, _ in server.requests]
    assert sorted(asked) == sorted(set(asked)), "each file is downloaded once"
    assert not [path for path in (tmp_path / ODD).rglob("*") if path.suffix == ".part"]


def test_a_read_only_cache_is_read_and_never_written(mnist, tmp_path):
    """Where this system lets us, on a disk that is mounted to be read only: root may write anywhere else."""
    server, facts = mnist
    filled = fetching(facts, GENCOURSE_CACHE=str(tmp_path / "cache"))
    assert filled.wait(WAIT) == 0, filled.stderr.read()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")}
    count = len(server.requests)
    frozen = list((tmp_path / "cache").rglob("*")) + [tmp_path / "cache"]
    for path in frozen:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        again = fetching(facts, read_only(tmp_path / "cache"), GENCOURSE_CACHE=str(tmp_path / "cache"))
        out, err = again.communicate(timeout=WAIT)
        assert again.returncode == 0 and f"in {tmp_path / 'cache' / 'MNIST' / 'raw'}" in out, err
    finally:
        for path in frozen:
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert len(server.requests) == count
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*")} == before


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid"), reason="needs a system with users")
def test_without_a_home_the_embedded_data_is_there_and_a_download_says_what_to_set(mnist):
    _, facts = mnist
    nowhere = {"HOME": None, "XDG_CACHE_HOME": None, "GENCOURSE_CACHE": None}
    code = "import os, pwd\npwd.getpwuid = lambda _: (_ for _ in ()).throw(KeyError('no such user'))\n"
    use = "from gencourse import data; print(len(data.digits()), data.CATALOGUE['mnist'].status())\n"
    surroundings = {name: value for name, value in os.environ.items() if name not in nowhere}
    surroundings |= {"PYTHONPATH": str(HERE.parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code + use + FETCH, facts]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=WAIT)
    assert "10000 not downloaded" in done.stdout, done.stderr
    assert "no home folder is known here: set GENCOURSE_CACHE to a folder for downloads" in done.stderr


@pytest.mark.parametrize(
    "name",
    [
        r"C:\Users\Zoë Müller\AppData\Local\gencourse",
        "CON",
        "a:b",
        "trailing dot.",
        "percent %20 and #",
        "'quotes\" $HOME",
    ],
)
def test_paths_that_other_systems_write(name, tmp_path, monkeypatch):
    """Whatever a path means here, it is one folder below the given one, and nothing is put anywhere else."""
    if sys.platform == "win32":
        pytest.skip("this system has its own mind about such names")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENCOURSE_CACHE", name)
    place = cache.cache_dir()
    assert place == tmp_path / name
    x = torch.rand(1, 3, 4, 4)
    images.save(x, place / "a.png")
    archive.write(place / "a.npz", x)
    checkpoints.save(place / "a.safetensors", nn.Linear(2, 2), dict.fromkeys(checkpoints.NEEDED))
    pages.write_text("text", place / "a.txt")
    assert CheckpointFile(place / "run.pt").write({"done": 1}) and CheckpointFile(place / "run.pt").read()["done"] == 1
    assert images.load(place / "a.png").shape == (1, 3, 4, 4) and len(archive.read(place / "a.npz")) == 1
    assert list(tmp_path.iterdir()) == [place]


# Nothing that could run code is loaded


def reads(path: Path) -> list[tuple[str, ast.Call]]:
    """The calls of functions that could unpickle, by their dotted names, in a module or in a notebook's cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell["source"] for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        lines = [line for cell in cells for line in "".join([*cell, "\n"]).splitlines()]
        text = "\n".join(re.sub(r"^(\s*)[%!].*", r"\1pass", line) for line in lines)
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [(name, call) for call in calls if LOADS.fullmatch(name := ast.unparse(call.func))]


LOADS = re.compile(r"(pickle|dill|joblib|cloudpickle|shelve)\.\w+|(torch|np|numpy)\.load|.*\bload_state_dict_from_url")
SAFE = {"torch.load": "weights_only=True", "np.load": "allow_pickle=False"}
SOURCES = [
    path
    for folder, kind in (("gencourse", "py"), ("scripts", "py"), ("benchmarks", "py"), ("notebooks", "ipynb"))
    for path in sorted((HERE.parent / folder).rglob(f"*.{kind}"))
]


def test_no_code_of_ours_unpickles():
    found = [(path, name, call) for path in SOURCES for name, call in reads(path)]
    options = [[ast.unparse(option) for option in call.keywords] for *_, call in found]
    unsafe = [f"{p.name}: {n}" for (p, n, _), with_ in zip(found, options, strict=True) if SAFE.get(n) not in with_]
    assert unsafe == [] and any(name == "torch.load" for _, name, _ in found)
