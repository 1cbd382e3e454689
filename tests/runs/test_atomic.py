import errno
import os
import stat

import pytest

from mnistlab.runs import write_atomically


def test_text_and_bytes_are_written_and_replaced(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, "é")
    assert path.read_bytes() == "é".encode()
    write_atomically(path, b"\0\1")
    assert path.read_bytes() == b"\0\1"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_others_may_read_what_the_umask_allows(tmp_path):
    write_atomically(tmp_path / "file", b"")
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, step):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync" if step == "fsync" else "pathlib.Path.replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_what_killed_processes_left_is_cleared_and_nothing_else(tmp_path):
    digits = "0123456789abcdef"
    ours = [f".file.{digits}.tmp", f".file.{digits[::-1]}.tmp"]
    others = [
        ".notes.tmp",
        f".x.{digits}.tmp",
        f".file.{digits[1:]}.tmp",
        f".file.{digits}.tmp.bak",
        f"file.{digits}.tmp",
    ]
    for name in [*ours, *others]:
        (tmp_path / name).write_text("")
    write_atomically(tmp_path / "another", "")
    assert {path.name for path in tmp_path.iterdir()} == {*ours, *others, "another"}
    write_atomically(tmp_path / "file", "")
    assert {path.name for path in tmp_path.iterdir()} == {*others, "another", "file"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_a_pipe_or_a_device_is_not_replaced_and_a_link_is_not_followed(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/null")
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, kind in (("pipe", "a pipe"), ("device", "a device")):
        with pytest.raises(OSError, match=f"it is {kind}, not a file"):
            write_atomically(tmp_path / name, "x")
    with pytest.raises(NotADirectoryError):
        write_atomically(tmp_path / "pipe" / "file", "x")
    for name in ("link", "loop"):
        write_atomically(tmp_path / name, "x")
        assert (tmp_path / name).read_text() == "x"
    assert (tmp_path / "precious").read_text() == "precious"
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert (tmp_path / "device").is_symlink()


def test_the_content_is_on_disk_before_it_has_the_name(tmp_path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr("os.fsync", lambda fd: (steps.append("fsync"), fsync(fd)))
    monkeypatch.setattr(
        "pathlib.Path.replace", lambda a, b: (steps.append("rename"), replace(a, b))
    )
    write_atomically(tmp_path / "file", b"x")
    assert steps == ["fsync", "rename", "fsync"]
