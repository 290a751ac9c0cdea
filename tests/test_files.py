"""Files that appear whole or not at all."""

import os
import stat

import pytest

from gencourse import files


def written(path, data: bytes = b"new") -> None:
    with files.atomic_write(path) as file:
        file.write(data)


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_are_made_and_nothing_is_left_beside(tmp_path):
    written(tmp_path / "a" / "b" / "x.bin")
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == ["x.bin"]
    assert (tmp_path / "a" / "b" / "x.bin").read_bytes() == b"new"


def test_an_error_leaves_what_was_there(tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), files.atomic_write(path) as file:
        file.write(b"ne")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_permissions_are_those_of_the_old_file_or_of_new_files(tmp_path):
    before = os.umask(0o077)
    try:
        written(tmp_path / "private")
        os.umask(0o022)
        written(tmp_path / "open")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "private"), mode(tmp_path / "open")) == (0o600, 0o644)
    (tmp_path / "open").chmod(0o640)
    written(tmp_path / "open")
    assert mode(tmp_path / "open") == 0o640


@pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link, target = tmp_path / "link", tmp_path / "real" / "x"
    target.write_bytes(b"old")
    link.symlink_to(target)
    written(link)
    assert link.is_symlink() and target.read_bytes() == b"new"


def test_the_longest_name(tmp_path):
    written(tmp_path / ("x" * 250))
    assert len(list(tmp_path.iterdir())) == 1


def test_where_nothing_can_be_written_the_asked_for_path_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        written(tmp_path / "file" / "x.png")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="folder"):
        written(folder)
    assert list(folder.iterdir()) == []
