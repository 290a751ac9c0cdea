"""Put the layer scales of the embedded network into the record of its weights, so that loading need not compute them.

    python scripts/store_scales.py [data/checkpoints/embedded.safetensors]

To be run after scripts/train_embedded.py. The weights stay as they are, bit for bit. A scale is the mean activation of
a layer over the shipped photographs. Afterwards `python scripts/build_data.py --table` gives data/README's new row.
"""

import argparse
import json
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import save

from gencourse import data, files, paths, weights
from gencourse.networks.features import embedded_extractor
from gencourse.networks.vgg import VGG


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=paths.weights() / "embedded.safetensors")
    path = parser.parse_args().file
    network = weights.read(path, VGG)
    extractor = embedded_extractor(network, network.stages).normalise(data.photo(x, size=128) for x in data.photos())
    record = weights.read_record(path) | {"scales": extractor.scale}
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    with files.atomic_write(path) as file:
        file.write(save(tensors, metadata={"record": json.dumps(record)}))
    print(f"{path}: {len(extractor.scale)} scales")


if __name__ == "__main__":
    main()
