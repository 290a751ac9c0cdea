"""Take the README's pictures out of the notebooks' committed outputs, so that they show what the course makes.

python scripts/readme_pictures.py
"""

import base64
import io
from pathlib import Path

import nbformat
from PIL import Image

ROOT = Path(__file__).parents[1]
# picture -> id of the cell that draws it
CELLS = {"01": "hero", "01b": "ratio", "02": "compare-crops", "03": "hero", "04": "hero", "05": "hero", "06": "hero"}


def picture_of(path: Path, cell_id: str) -> Image.Image:
    """The first picture among a cell's outputs. Raises ValueError where there is none."""
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []) if cell.id == cell_id else []:
            for kind in ("image/png", "image/jpeg"):
                if kind in output.get("data", {}):
                    return Image.open(io.BytesIO(base64.b64decode(output["data"][kind]))).convert("RGB")
    raise ValueError(f"{path.name} has no picture in a cell {cell_id!r}: run it with --save first")


def main() -> None:
    folder = ROOT / "docs" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    for name, cell_id in CELLS.items():
        notebook = next((ROOT / "notebooks").glob(f"{name[:2]}_*.ipynb"))
        picture = picture_of(notebook, cell_id)
        picture.thumbnail((900, 900))
        picture.save(folder / f"{name}.jpg", quality=88)
        print(folder / f"{name}.jpg", picture.size)


if __name__ == "__main__":
    main()
