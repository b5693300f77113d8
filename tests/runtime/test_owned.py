"""Nothing that cfexp did not write is removed or overwritten."""

from pathlib import Path

import pytest

from cfexp.errors import ConfigError
from cfexp.runtime import owned

FIX = "choose another"


def test_own_files_are_replaced_and_no_others(tmp_path: Path) -> None:
    def write(text: str) -> None:
        with owned.writing(tmp_path, ["a/one.csv", "two.csv"], fix=FIX):
            (tmp_path / "a").mkdir(exist_ok=True)
            (tmp_path / "a/one.csv").write_text(text)

    write("first")
    write("second")
    (tmp_path / "three.csv").write_text("the user's")
    write("third")
    (tmp_path / "a/one.csv").write_text("changed by the user")
    with pytest.raises(ConfigError, match="one.csv was changed since .*; choose an"):
        write("fourth")
    assert (tmp_path / "a/one.csv").read_text() == "changed by the user"
    (tmp_path / "a/one.csv").unlink()
    (tmp_path / "two.csv").mkdir()
    with pytest.raises(ConfigError, match="two.csv was changed"):
        write("fifth")


def test_files_that_were_being_written_are_own(tmp_path: Path) -> None:
    """A process that was killed leaves a part of a file."""

    def write() -> None:
        with owned.writing(tmp_path, ["x"], fix=FIX):
            (tmp_path / "x").write_text("a part")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    owned.check(tmp_path, ["x"], fix=FIX)


def test_folders_of_the_user_stay(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/weights").write_text("w")
    owned.record_all(folder)
    (folder / "notes.txt").write_text("the user's")
    with pytest.raises(ConfigError, match="notes.txt is there and is not cfexp's"):
        owned.remove(folder, fix=FIX)
    assert (folder / "sub/weights").exists()
    (folder / "notes.txt").unlink()
    (folder / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="link is there and is not cfexp's"):
        owned.remove(folder, fix=FIX)
    (folder / "link").unlink()
    owned.remove(folder, fix=FIX)
    assert not folder.exists()
    owned.remove(folder, fix=FIX)
    folder.write_text("a file")
    with pytest.raises(ConfigError, match="is a file, not a folder"):
        owned.check_whole(folder, fix=FIX)
