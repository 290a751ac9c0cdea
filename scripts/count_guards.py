"""How much of the code is guards: lines that check and refuse, as a share of all code lines, for each file.

    python scripts/count_guards.py gencourse/methods gencourse/networks

A code line holds something that is run: no blank, comment, docstring or import. A guard is
  - an `if` whose branches do nothing but raise (a message may be put together first), with its test,
  - a statement that only calls a check: check_*, _check*, same_shape, at_least, or anything of `expect`,
  - a function named check_* or _check*, all of it,
  - an assert,
  - the `try:` and `except` of a try whose handlers only raise another error; what is tried is not a guard.
A check whose answer is used, as in `check_range(x, 0, 1) * 2 - 1`, counts as formula.
"""

import argparse
import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

FOLDERS = [Path("gencourse/methods"), Path("gencourse/networks")]
CHECK = re.compile(r"_{0,2}check(_\w+)?|same_shape|_?at_least")
SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def count(path: Path) -> tuple[int, int]:
    """Return the numbers of guards and of code lines of a file."""
    tree = ast.parse(path.read_bytes())
    with tokenize.open(path) as file:
        tokens = [token for token in tokenize.generate_tokens(file.readline) if token.type not in SILENT]
    code = {line for token in tokens for line in range(token.start[0], token.end[0] + 1)}
    code -= {line for node in ast.walk(tree) if is_no_code(node) for line in lines(node)}
    return len(code & set(guards(tree))), len(code)


def guards(tree: ast.AST) -> Iterator[int]:
    """Yield the numbers of all lines that are guards, some of them more than once."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert) or is_check(node) or is_refusal(node):
            yield from lines(node)
        elif isinstance(node, ast.Try) and node.handlers and all(only_raises(each.body) for each in node.handlers):
            yield node.lineno
            for handler in node.handlers:
                yield from lines(handler)


def is_check(node: ast.AST) -> bool:
    """Whether a statement does nothing but call a check, or defines one."""
    if isinstance(node, ast.FunctionDef):
        return bool(CHECK.fullmatch(node.name))
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    called = node.value.func
    if isinstance(called, ast.Attribute):
        of_expect = isinstance(called.value, ast.Name) and called.value.id == "expect"
        return of_expect or bool(CHECK.fullmatch(called.attr))
    return isinstance(called, ast.Name) and bool(CHECK.fullmatch(called.id))


def is_refusal(node: ast.AST) -> bool:
    """Whether it is an `if` whose branches do nothing but raise."""
    return isinstance(node, ast.If) and only_raises(node.body) and (not node.orelse or only_raises(node.orelse))


def only_raises(body: list[ast.stmt]) -> bool:
    """Whether a block raises and does nothing before it but name things, or hold an `if` that only raises as well."""
    *before, last = body
    if is_refusal(last):
        return not before
    return isinstance(last, ast.Raise) and all(isinstance(each, ast.Assign) for each in before)


def is_no_code(node: ast.AST) -> bool:
    """Whether it is an import, or a text that stands alone, as a docstring does."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.Import | ast.ImportFrom)


def lines(node: ast.stmt | ast.ExceptHandler) -> range:
    """Return the numbers of the lines that a piece of code stands on."""
    return range(node.lineno, node.end_lineno + 1)


def main() -> None:
    """Print the share of guards for each file and folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=FOLDERS)
    for folder in parser.parse_args().folders:
        found = {path: count(path) for path in sorted(folder.rglob("*.py"))}
        total = tuple(sum(numbers) for numbers in zip(*found.values(), strict=True)) or (0, 0)
        for name, (few, all_of_it) in [*found.items(), (f"{folder} in all", total)]:
            print(f"{few:5} of {all_of_it:5} code lines  {few / max(1, all_of_it):5.1%}  {name}")


if __name__ == "__main__":
    main()
