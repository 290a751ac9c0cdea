"""The command line: `gencourse run | stylize | sample | ...`. Each command is a file of `gencourse.commands`."""

import argparse
import difflib
import importlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

from gencourse import __version__, commands

BAD_INPUT, INTERRUPTED, NO_READER = 2, 130, 141
VERSION = f"gencourse {__version__}"


class Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows `gencourse` in the shell, by default that of this process.

    Returns:
        The exit code: 0; 1 when a notebook's cell failed; 2 for bad input; 130 for Ctrl-C; 141, as in a shell, when
        nobody reads the output any more.
    """
    for stream in (sys.stdout, sys.stderr):
        _print_anything(stream)
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments == ["--version"]:  # needs no command
        print(VERSION)
        return 0
    parser = build()
    if arguments and not arguments[0].startswith("-") and arguments[0] not in discover():
        parser.error(unknown(arguments[0]))
    args = parser.parse_args(arguments)
    if args.command is None:
        parser.print_help()
        return BAD_INPUT
    try:
        with _warnings_in_a_line(args.command):
            code = args.main(args)  # torch and the rest load only now
        print(end="", flush=True)  # where standard output was closed there is none, which `print` knows
        return code
    except BrokenPipeError:  # whoever read our output has enough of it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still written at the end
        return NO_READER
    except commands.UserError as error:
        print(f"gencourse {args.command}: {error}", file=sys.stderr)
        return BAD_INPUT
    except (MemoryError, RuntimeError) as error:
        if not _is_lack_of_memory(error):
            raise
        print(f"gencourse {args.command}: {_less_memory(args)}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print(f"gencourse {args.command}: interrupted", file=sys.stderr)
        return INTERRUPTED


def _print_anything(stream: Any) -> None:
    """Let a stream write any letter: what its encoding has no place for, as a file's name may hold, becomes \\xfc.

    An error while the result's name is printed, after the work, would look as if the work had failed.
    """
    if getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")


@contextmanager
def _warnings_in_a_line(command: str) -> Iterator[None]:
    """Print warnings as what they say, without the place in the code, which tells a person at a shell nothing."""
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *place, **named: f"gencourse {command}: {message}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before


def _is_lack_of_memory(error: BaseException) -> bool:
    """Whether it is NumPy's or Python's MemoryError, or torch's own, which it has no class for on the CPU."""
    said = str(error)
    return (
        isinstance(error, MemoryError)
        or "allocate memory" in said
        or "out of memory" in said
        or "not enough memory" in said
    )


def _less_memory(args: argparse.Namespace) -> str:
    """Say that the memory did not do, and which of the command's arguments make it less."""
    smaller = [name for name, value in (("--size", "size"), ("-n", "n"), ("--jobs", "jobs")) if hasattr(args, value)]
    return f"this machine's memory is not enough: try a smaller {' or '.join(smaller) or 'input'}"


def discover() -> dict[str, ModuleType]:
    """Return the commands by name, in the order of the help: a file of `gencourse.commands` each, `_files` aside."""
    files = [file for folder in commands.__path__ for file in os.listdir(folder)]  # pkgutil would load `inspect` for it
    names = sorted({file[:-3] for file in files if file.endswith(".py") and not file.startswith("_")})
    found = {name: importlib.import_module(f"{commands.__name__}.{name}") for name in names}
    return dict(sorted(found.items(), key=lambda item: (getattr(item[1], "ORDER", sys.maxsize), item[0])))


def build() -> Parser:
    """Return the parser of the whole command line."""
    parser = Parser(prog="gencourse", description="A course on image generation that runs, from the command line.")
    parser.add_argument("--version", action="version", version=VERSION)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, command in discover().items():
        about: str = command.ABOUT
        lines = "\n".join(f"  {line}".rstrip() for line in command.EXAMPLES.strip().splitlines())
        child = subparsers.add_parser(
            name,
            help=about,
            description=f"{about[0].upper()}{about[1:]}.",
            epilog=f"examples:\n{lines}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.arguments(child)
        child.set_defaults(main=command.main)
    return parser


def unknown(name: str) -> str:
    """Say that there is no such command, which there are, and which is close."""
    known = list(discover())
    close = difflib.get_close_matches(name, known, n=1)
    hint = f", did you mean {close[0]!r}?" if close else "."
    return f"unknown command {name!r}{hint} Known: {', '.join(known)}"


if __name__ == "__main__":
    sys.exit(main())
