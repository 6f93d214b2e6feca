"""Tokens, keys and passwords, each in a file of its own."""

from pathlib import Path

from hub.errors import BadSettings


def read_secret(path: Path, *, setting: str) -> str:
    """The file's only line. `setting` names where the path was written.

    Raises:
        BadSettings: the file cannot be read, is empty, or holds more than one line.
    """
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as e:
        raise BadSettings(setting, f"{path} cannot be read / ファイルを読めません") from e
    if not secret or not secret.isprintable():
        raise BadSettings(setting, f"{path} must hold one line / 1行だけ書いてください")
    return secret
