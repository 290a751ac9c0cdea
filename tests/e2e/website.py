"""Reading built pages without a browser: their pictures, their links, and what these lead to."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ADDRESSES = {"img": "src", "script": "src", "source": "src", "a": "href", "link": "href"}


class Page(HTMLParser):
    """The addresses on a page, by tag, and the names that a link can lead to."""

    def __init__(self, path: Path):
        super().__init__()
        self.path, self.names, self.addresses = path, set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.names |= {values[key] for key in ("id", "name") if values.get(key)}
        if address := values.get(ADDRESSES.get(tag, "")):
            self.addresses.append((tag, address))


def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if "_static" not in path.parts}


def broken(site: Path) -> Iterator[str]:
    """Tell what is referred to inside the site and is not there."""
    known = pages(site)
    for path, page in known.items():
        for tag, address in page.addresses:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            where = f"{path.relative_to(site)}: <{tag}> {address}"
            if not target.is_file():
                yield f"{where} is not there"
            elif parts.fragment and target in known and unquote(parts.fragment) not in known[target].names:
                yield f"{where} leads to no place on that page"


def from_elsewhere(site: Path) -> Iterator[str]:
    """Tell which pictures and scripts a page would fetch from the web."""
    for path, page in pages(site).items():
        for tag, address in page.addresses:
            if tag in ("img", "script", "source") and urlsplit(address).netloc:
                yield f"{path.relative_to(site)}: <{tag}> {address}"
