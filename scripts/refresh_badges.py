"""Carry the repository's address from pyproject.toml to the notebooks' badges, their set-up cells and the README.

    python scripts/refresh_badges.py

Run it after a change of [project.urls], and after a notebook was added. The outputs in the notebooks stay valid.
"""

from pathlib import Path

from gencourse.chapters.pages import read, write, write_text
from gencourse.chapters.repository import refresh, refresh_text, repository

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    print(f"repository: {repository()}")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = read(path)
        if changed := refresh(notebook, path.stem):
            write(notebook, path)
            print(f"{path.relative_to(ROOT)}: {', '.join(changed)}")
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    if (new := refresh_text(text)) != text:
        write_text(new, readme)
        print("README.md")


if __name__ == "__main__":
    main()
