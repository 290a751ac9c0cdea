"""The table that a benchmark ends with."""


def show(rows: list[dict], title: str = "") -> None:
    """Print rows with the same keys as a table of Markdown, below a title where one is given."""
    print(f"\n{title}\n" if title else "")
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
