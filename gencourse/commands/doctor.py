"""gencourse doctor: what is here, what is missing, and what to do about it."""

import argparse
import os
from pathlib import Path

from gencourse import __version__, paths

ORDER = 80
ABOUT = "versions, device, profile, and which data and weights are here"
EXAMPLES = "gencourse doctor"
PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "matplotlib",
    "pillow",
    "ipywidgets",
    "ipykernel",
    "nbclient",
    "jupyterlab",
)


class Report:
    """Lines under headings, and what is to be done, told at the end."""

    def __init__(self) -> None:
        self.todo: list[str] = []

    def line(self, name: str, text: str, todo: str | None = None) -> None:
        print(f"  {name:<15} {text}")
        if todo:
            self.todo.append(todo)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the report is always the whole one."""


def main(args: argparse.Namespace) -> int:
    """Print the report; missing things are told, they are not a failure."""
    report = Report()
    for heading, part in (("versions", versions), ("machine", machine), ("data", data_sets), ("weights", weights)):
        print(heading)
        part(report)
    print("notebooks")
    notebooks(report)
    print("to do" if report.todo else "nothing to do: everything that works offline is here")
    for item in report.todo:
        print(f"  - {item}")
    return 0


def versions(report: Report) -> None:
    import importlib.metadata
    import platform

    report.line("gencourse", f"{__version__} in {paths.CHECKOUT}")
    report.line("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in PACKAGES:
        try:
            report.line(package, importlib.metadata.version(package))
        except importlib.metadata.PackageNotFoundError:
            what = 'pip install -e ".[lab]"' if package == "jupyterlab" else f"pip install {package}"
            report.line(package, f"not installed; to have it: {what}")


def machine(report: Report) -> None:
    import torch

    from gencourse.chapters.speed import convolution_rate
    from gencourse.runtime import accelerator, choose_profile

    found = accelerator()
    report.line("cores", f"{os.cpu_count()}, of which torch uses {torch.get_num_threads()}")
    report.line(
        "speed", f"{convolution_rate()} GFLOP/s of float32 convolution: minutes of chapters stand beside theirs"
    )
    report.line("accelerator", str(found) if found else "none: everything runs on the CPU")
    asked = os.environ.get("GENCOURSE_PROFILE")
    try:
        profile = choose_profile()
    except ValueError as error:
        report.line("profile", str(error), "unset GENCOURSE_PROFILE, or set it to smoke, cpu or gpu")
        return
    hardware = "an accelerator is here" if found else "there is no accelerator"
    reason = "GENCOURSE_PROFILE says so" if asked else f"{hardware}; GENCOURSE_PROFILE overrides it"
    report.line("profile", f"{profile}: {reason}")
    report.line("device", str(found) if profile == "gpu" and found else "cpu")


def data_sets(report: Report) -> None:
    from gencourse.data.cache import DownloadError, cache_dir
    from gencourse.data.catalogue import CATALOGUE

    try:
        report.line("embedded in", str(paths.root()))
    except FileNotFoundError as error:
        return report.line("embedded in", "nowhere", str(error))
    try:
        report.line("downloads to", f"{cache_dir()} (GENCOURSE_CACHE changes it)")
    except DownloadError as error:
        report.line("downloads to", "nowhere", str(error))
    for name, entry in CATALOGUE.items():
        status = entry.status()
        todo = f"the embedded {name} are incomplete: install the package, or check out the repository, again"
        hint = f"; to have it: gencourse data fetch {name}" if status == "not downloaded" else ""
        report.line(name, status + hint, todo if status == "missing" else None)


def weights(report: Report) -> None:
    import torch
    from torchvision import models

    from gencourse import checkpoints

    for name in checkpoints.MODELS:
        try:
            file = checkpoints.folder() / f"{name}.safetensors"
            minutes = checkpoints.record(name)["minutes"]
            report.line(name, f"present, {file.stat().st_size / 1e6:.1f} MB, trained in {minutes:.3g} minutes")
        except FileNotFoundError:
            report.line(name, "missing", f"the weights of {name!r} are missing: check out, or install, gencourse again")
        except ValueError as error:
            report.line(name, "damaged", str(error))
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    for name, enum in (("vgg19", models.VGG19_Weights), ("squeezenet", models.SqueezeNet1_0_Weights)):
        cached = (folder / enum.IMAGENET1K_V1.url.rsplit("/", 1)[-1]).is_file()
        size = enum.IMAGENET1K_V1.meta["_file_size"]
        absent = f"not downloaded ({size:.0f} MB, fetched when asked for: gencourse stylize --encoder {name})"
        report.line(name, "in torchvision's cache" if cached else absent)


def notebooks(report: Report) -> None:
    from gencourse.chapters import run as execute

    try:
        names = [path.stem for path in execute.chapters()]
    except FileNotFoundError as error:
        return report.line("chapters", "none here", str(error))
    report.line("chapters", ", ".join(names))
    report.line("in", str(execute.folder()))
