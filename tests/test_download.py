"""Downloads from a server that misbehaves: a right file or a clear error, never a bad file in the cache."""

import errno
import gzip
import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
import pytest
import server as web
from platformdirs.macos import MacOS
from platformdirs.unix import Unix
from platformdirs.windows import Windows
from server import Server

import gencourse.data.cache
import gencourse.data.download
from gencourse.data.cache import DownloadError, cache_dir, unpack
from gencourse.data.catalogue import CATALOGUE
from gencourse.data.download import fetch_file, fetch_unpacked
from gencourse.data.file import File

BODY = random.Random(0).randbytes(200_000)
HALF = len(BODY) // 2
FOLDER = "sub folder/naïve 数据"
SILENT = (web.silent, web.stalls_halfway)  # only these need a short timeout, which a busy machine can exceed


def behaviour_id(value: object) -> str | None:
    return getattr(value, "__name__", None)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def server():
    with Server(BODY) as running:
        yield running


def file_at(server: Server, *paths: str, body: bytes = BODY) -> File:
    return File("raw/a.bin", len(body), hashlib.sha256(body).hexdigest(), tuple(server.url(p) for p in paths))


def fetch(file: File, folder: Path, timeout: float = 10) -> Path:
    return fetch_file(file, folder, timeout=timeout, pause=0, hint="Without a connection use something else.")


def names(folder: Path) -> set[str]:
    """What lies in the cache, apart from locks and unfinished parts."""
    return {p.name for p in folder.rglob("*") if p.is_file() and p.suffix not in (".lock", ".part")}


@pytest.mark.parametrize(
    "script",
    [
        [web.good],
        [web.ignores_range],
        [web.without_length],
        [web.redirects("/elsewhere")],
        [web.status(500), web.good],
        [web.status(503), web.status(503), web.good],
        [web.dies_halfway, web.good],
        [web.dies_halfway, web.dies_halfway, web.good],
        [web.resets_halfway, web.good],
        [web.truncates_without_length, web.good],
        [web.stalls_halfway, web.good],
        [web.silent, web.good],
        [web.speaks_nonsense, web.good],
        [web.dies_halfway, web.ignores_range],
        [web.dies_halfway, web.wrong_place, web.good],
        [web.login_page, web.good],
    ],
    ids=lambda script: "-".join(map(behaviour_id, script)),
)
def test_a_file_arrives_in_the_end(server, tmp_path, script):
    server.script["/a"] = script
    path = fetch(file_at(server, "/a"), tmp_path / FOLDER, timeout=0.5 if script[0] in SILENT else 10)
    assert path == tmp_path / FOLDER / "raw" / "a.bin"
    assert path.read_bytes() == BODY
    assert names(tmp_path) == {"a.bin"}
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize(
    ("behaviour", "reason", "requests"),
    [
        (web.status(403), "HTTP 403", 1),
        (web.status(404), "HTTP 404", 1),
        (web.status(500), "HTTP 500", 3),
        (web.redirects("/a"), "infinite loop", None),
        (web.truncates, f"announces {HALF} bytes instead of {len(BODY)}", 1),
        (web.announces_too_much, f"announces {len(BODY) + 100} bytes", 1),
        (web.truncates_without_length, f"ended after {HALF:,} of {len(BODY):,}", 3),
        (web.corrupts, "wrong size or sha256", 1),
        (web.endless, "wrong size or sha256", 1),
        (web.login_page, "ended after 42 of", 3),
        (web.silent, "silent for 0.2 s", 3),
        (web.stalls_halfway, "silent for 0.2 s", 3),
        (web.speaks_nonsense, "BadStatusLine", 3),
    ],
    ids=behaviour_id,
)
def test_a_bad_mirror_gives_a_clear_error(server, tmp_path, behaviour, reason, requests):
    server.script["/a"] = [behaviour]
    file = file_at(server, "/a")
    with pytest.raises(DownloadError, match=reason) as caught:
        fetch(file, tmp_path, timeout=0.2 if behaviour in SILENT else 10)
    message = str(caught.value)
    assert file.mirrors[0] in message
    assert str(tmp_path / "raw" / "a.bin") in message  # where to put it by hand
    assert file.sha256 in message
    assert message.endswith("Without a connection use something else.")
    assert names(tmp_path) == set()
    if requests is not None:
        assert len(server.requests) == requests


@pytest.mark.parametrize(
    "first", [web.status(403), web.status(500), web.corrupts, web.truncates, web.login_page], ids=behaviour_id
)
def test_the_next_mirror_helps(server, tmp_path, first):
    server.script["/bad"] = [first]
    assert fetch(file_at(server, "/bad", "/good"), tmp_path).read_bytes() == BODY
    assert server.requests[-1][0] == "/good"


def test_every_mirror_and_its_reason_is_named(server, tmp_path):
    server.script = {"/a": [web.status(403)], "/b": [web.status(500), web.corrupts]}
    file = file_at(server, "/a", "/b")
    file = File(file.name, file.size, file.sha256, (*file.mirrors, "http://127.0.0.1:1/closed"))
    with pytest.raises(DownloadError) as caught:
        fetch(file, tmp_path)
    message = str(caught.value)
    for url, reason in zip(file.mirrors, ("403", "500", "refused"), strict=True):
        assert re.search(f"{re.escape(url)}: .*{reason}", message)
    assert re.search(r"/b: sent something else", message)


def test_it_goes_on_where_it_was_cut_off(server, tmp_path):
    server.script["/a"] = [web.dies_halfway, web.dies_halfway, web.good]
    fetch(file_at(server, "/a"), tmp_path)
    assert server.requests == [("/a", None), ("/a", f"bytes={HALF}-"), ("/a", f"bytes={HALF + HALF // 2}-")]


def test_a_server_without_ranges_is_asked_no_third_time(server, tmp_path):
    server.script["/a"] = [web.dies_halfway, web.ignores_range]
    assert fetch(file_at(server, "/a"), tmp_path).read_bytes() == BODY
    assert len(server.requests) == 2


def test_a_later_call_goes_on_at_another_mirror(server, tmp_path):
    server.script["/a"] = [web.truncates_without_length, web.status(403)]
    with pytest.raises(DownloadError):
        fetch(file_at(server, "/a"), tmp_path)
    assert fetch(file_at(server, "/b"), tmp_path).read_bytes() == BODY
    assert server.requests[-1] == ("/b", f"bytes={HALF}-")


@pytest.mark.parametrize(
    "part",
    [b"x" * 1000, b"x" * len(BODY), b"x" * (len(BODY) + 5), BODY + b"x"],
    ids=["short", "full size", "long", "right and more"],
)
def test_a_spoiled_part_is_thrown_away(server, tmp_path, part):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.bin.part").write_bytes(part)
    assert fetch(file_at(server, "/a"), tmp_path).read_bytes() == BODY
    assert server.requests[-1] == ("/a", None)


def test_a_complete_part_needs_no_server(server, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.bin.part").write_bytes(BODY)
    assert fetch(file_at(server, "/a"), tmp_path).read_bytes() == BODY
    assert server.requests == []


@pytest.mark.parametrize("damage", [b"", BODY[:HALF], BODY[:-1] + b"x"], ids=["empty", "half", "one byte"])
def test_a_damaged_file_in_the_cache_is_fetched_again(server, tmp_path, damage):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.bin").write_bytes(damage)
    assert fetch(file_at(server, "/a"), tmp_path).read_bytes() == BODY


def test_a_second_fetch_asks_nobody_and_locks_nothing(server, tmp_path, monkeypatch):
    fetch(file_at(server, "/a"), tmp_path)
    monkeypatch.setattr(gencourse.data.download, "locked", None)  # a read-only cache cannot be locked
    fetch(file_at(server, "/a"), tmp_path)
    assert len(server.requests) == 1


CHILD = """
import sys
from pathlib import Path
from gencourse.data.download import fetch_file
from gencourse.data.file import File
name, size, digest, url, folder = sys.argv[1:]
print("ready", flush=True)
fetch_file(File(name, int(size), digest, (url,)), Path(folder), timeout=30, pause=0)
"""


def child(file: File, folder: Path, log: Path) -> subprocess.Popen:
    arguments = [file.name, str(file.size), file.sha256, file.mirrors[0], str(folder)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
    with log.open("wb") as output:
        command = [sys.executable, "-c", CHILD, *arguments]
        return subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)


def wait_until(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_two_processes_at_once_download_once(server, tmp_path):
    server.script["/a"] = [web.waits]
    file, logs = file_at(server, "/a"), [tmp_path / "1.log", tmp_path / "2.log"]
    processes = [child(file, tmp_path / "cache", log) for log in logs]
    try:
        wait_until(lambda: any(b"another process" in log.read_bytes() for log in logs))
        server.gate.set()
        assert [p.wait(30) for p in processes] == [0, 0], [log.read_text() for log in logs]
    finally:
        for process in processes:
            process.kill()
    assert (tmp_path / "cache" / "raw" / "a.bin").read_bytes() == BODY
    assert len(server.requests) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_download_leaves_no_lock_and_goes_on(server, tmp_path):
    server.script["/a"] = [web.stalls_halfway, web.good]
    process = child(file_at(server, "/a"), tmp_path, tmp_path / "log")
    part = tmp_path / "raw" / "a.bin.part"
    wait_until(lambda: part.exists() and part.stat().st_size > 0)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    assert names(tmp_path) == {"log"}
    assert fetch(file_at(server, "/a"), tmp_path).read_bytes() == BODY
    assert re.fullmatch(r"bytes=[1-9]\d*-", server.requests[-1][1])


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_cache_that_cannot_be_written(server, tmp_path, below):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(DownloadError, match="GENCOURSE_CACHE"):
        fetch(file_at(server, "/a"), tmp_path / "file" / below)
    assert server.requests == []


def test_a_cache_without_permission(server, tmp_path, monkeypatch):
    def refuse(self, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(DownloadError, match="Permission denied.*GENCOURSE_CACHE"):
        fetch(file_at(server, "/a"), tmp_path / "cache")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_no_fault_of_the_mirror(server, tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.bin.part").symlink_to("/dev/full")
    with pytest.raises(DownloadError, match="No space left"):
        fetch(file_at(server, "/a", "/b"), tmp_path)
    assert [path for path, _ in server.requests] == ["/a"]


def packed(content: bytes, known: bool) -> tuple[File, bytes]:
    body = gzip.compress(content)
    digest = hashlib.sha256(content).hexdigest() if known else ""
    return File("raw/a.gz", len(body), hashlib.sha256(body).hexdigest(), (), digest), body


@pytest.mark.parametrize("known", [True, False])
def test_unpacking_repairs_and_repeats_nothing(tmp_path, monkeypatch, known):
    file, body = packed(BODY, known)
    path = tmp_path / file.name
    path.parent.mkdir()
    path.write_bytes(body)
    path.with_suffix("").write_bytes(BODY[:HALF])  # half a file, from a copy that was broken off
    assert unpack(file, tmp_path).read_bytes() == BODY
    monkeypatch.setattr(gencourse.data.cache, "locked", None)
    assert unpack(file, tmp_path).read_bytes() == BODY


@pytest.mark.parametrize(
    "body", [gzip.compress(b"other"), gzip.compress(BODY)[:-100], b"no gzip"], ids=["other", "cut off", "no gzip"]
)
def test_unpacking_refuses_what_is_not_right(tmp_path, body):
    file, _ = packed(BODY, known=True)
    path = tmp_path / file.name
    path.parent.mkdir()
    path.write_bytes(body)
    with pytest.raises(DownloadError):
        unpack(file, tmp_path)
    assert not path.with_suffix("").exists()


def test_content_put_by_hand_is_taken_when_it_is_right(server, tmp_path):
    file, body = packed(BODY, known=True)
    file = File(file.name, file.size, file.sha256, (server.url("/a"),), file.unpacked)
    server.body = body
    content = (tmp_path / file.name).with_suffix("")
    content.parent.mkdir()
    content.write_bytes(BODY)
    assert fetch_unpacked(file, tmp_path) == content
    assert server.requests == []
    content.write_bytes(BODY[::-1])
    assert fetch_unpacked(file, tmp_path).read_bytes() == BODY
    assert len(server.requests) == 1


@pytest.fixture
def system(monkeypatch, tmp_path):
    """Nothing set but a home folder; called with a class of platformdirs, that system."""
    for name in ("GENCOURSE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return lambda cls: monkeypatch.setattr(platformdirs, "PlatformDirs", cls)


def test_where_the_cache_is(system, monkeypatch, tmp_path):
    system(Unix)
    assert cache_dir() == tmp_path / ".cache" / "gencourse"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / FOLDER))
    assert cache_dir() == tmp_path / FOLDER / "gencourse"
    monkeypatch.setenv("GENCOURSE_CACHE", "")
    assert cache_dir() == tmp_path / FOLDER / "gencourse"
    monkeypatch.setenv("GENCOURSE_CACHE", "here")
    assert cache_dir() == Path.cwd() / "here"


def test_where_the_cache_of_macos_is(system, tmp_path):
    system(MacOS)
    assert cache_dir() == tmp_path / "Library" / "Caches" / "gencourse"


def test_where_the_cache_of_windows_is(system, monkeypatch, tmp_path):
    """In no folder of an author and in none called Cache."""
    local = tmp_path / "Zoë Müller" / "AppData" / "Local"
    monkeypatch.setattr("platformdirs.windows.get_win_folder", lambda name: str(local))  # asks the system itself
    system(Windows)
    assert cache_dir() == local / "gencourse"


@pytest.mark.parametrize("older", [False, True])
def test_without_a_home(system, monkeypatch, older):
    """Older versions of platformdirs return a path that begins with ~ where newer ones raise."""

    def no_home(*_, **__) -> Path:
        if older:
            return Path("~/.cache/gencourse")
        raise RuntimeError("could not determine the home directory")

    monkeypatch.setattr(platformdirs, "user_cache_path", no_home)
    with pytest.raises(DownloadError, match="GENCOURSE_CACHE"):
        cache_dir()
    assert CATALOGUE["mnist"].status() == "not downloaded"
    assert CATALOGUE["digits"].status() == "embedded"


@pytest.mark.skipif(sys.platform == "win32", reason="locks of another kind")
@pytest.mark.parametrize("reason", ["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
@pytest.mark.filterwarnings("ignore:flock not supported")
def test_a_drive_that_cannot_lock(server, tmp_path, monkeypatch, reason):
    import fcntl

    def refuse(*_) -> None:
        raise OSError(getattr(errno, reason), os.strerror(getattr(errno, reason)))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert fetch(file_at(server, "/a"), tmp_path).read_bytes() == BODY
    (tmp_path / "raw" / "a.bin").unlink()
    assert fetch(file_at(server, "/a"), tmp_path).read_bytes() == BODY  # the first left nothing in the way


def test_the_catalogue_can_be_downloaded_from_two_places():
    for entry in CATALOGUE.values():
        for file in entry.files if not entry.embedded else ():
            assert len({urlsplit(url).hostname for url in file.mirrors}) >= 2
            assert all(url.endswith("/" + Path(file.name).name) for url in file.mirrors)
            assert file.size > 1000
            assert re.fullmatch("[0-9a-f]{64}", file.sha256)


@pytest.mark.parametrize(("name", "cls"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_the_catalogue_agrees_with_torchvision(name, cls):
    datasets = pytest.importorskip("torchvision.datasets")
    theirs = getattr(datasets, cls)
    assert [file.name for file in CATALOGUE[name].files] == [f"{cls}/raw/{gz}" for gz, _ in theirs.resources]
    assert CATALOGUE[name].files[0].mirrors[0].rpartition("/")[0] + "/" in theirs.mirrors
