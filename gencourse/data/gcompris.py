"""The embedded photographs and textures: free pictures to train on, and samples of brick, grass and gravel.

The photographs show 46 monuments and 24 animals. In the order of their names every sixth is held out, to test with.
"""

from torch import Tensor

from gencourse import images, paths
from gencourse.data.file import File, Origin
from gencourse.data.imageset import check_split
from gencourse.data.pictures import SCIKIT_IMAGE, read

PUBLIC, CC0 = "public domain", "CC0 1.0"
_COMMONS = "Debian package `gcompris-qt-data` 3.1 (there from Wikimedia Commons)"
_WORKS = (  # name, author: title at Wikimedia Commons, licence
    ("ajanta_cave", "Jonathanawhite: Aurangabad - Ajanta Caves (32)", PUBLIC),
    ("arles_amphitheater", "(WT-fr) OT Arles: Arenes arles", PUBLIC),
    ("aula_palatina", "Berthold Werner: Trier Konstantinbasilika BW 1", PUBLIC),
    ("bent_pyramid", "Neithsabes: Pyramide rhomboidale 01", PUBLIC),
    ("berlin_cathedral", "Gary Todd: Berlin Cathedral (28668994926)", CC0),
    ("bison", "Kurt Kaiser: American Bison 9", CC0),
    ("brandenburg_gate", "Evans1551: Brandenburg Gate (summer 2005)", PUBLIC),
    ("cabrillo", "allyndon: Cabrillo National Monument. California Historical Landmark ^56 - Flickr - allyndon", CC0),
    ("canyon_de_chelly", "Nikater: Canyon de chelly09", PUBLIC),
    ("castillo_de_san_marcos", "National Park Service: Castillo de San Marcos", PUBLIC),
    (
        "castle_clinton",
        "Jack E. Boucher, National Park Service: Castle Clinton National Monument",
        PUBLIC,
    ),
    ("cat", "Loliloli: Spielendes Kätzchen", PUBLIC),
    ("chameleon", "Nilesh1104: GARDEN CHAMELEON", PUBLIC),
    ("charminar", "Goutamkhandelwal: Charminar 1", PUBLIC),
    ("chateau_de_chambord", "BjörnT: Chambord Frontansicht", PUBLIC),
    ("chateau_de_chenonceau", "Alf van Beem: Château de Chenonceau photo 1", PUBLIC),
    ("chicken", "Tranquilles: Chickens at Tranquilles B&B", PUBLIC),
    ("cite_de_carcassonne", "Petitemontagnedujura: Carcassonne - la Cité", PUBLIC),
    ("colosseum", "Urse Ovidiu: Colosseum Roma 2009", PUBLIC),
    ("cow", "Dohduhdah: Cow-IMG 2050", PUBLIC),
    ("crocodile", "Djambalawa: Saltwater Crocodile on a river bank (cropped)", PUBLIC),
    ("dog", "Hans Kemperman: German-shepherd-4040871920. (2)", PUBLIC),
    ("dragon", "TimVickers: Varanus komodoensis (5)", PUBLIC),
    ("duck", "Bernard Spragg: Aylesbury Duck. (9373723157)", CC0),
    ("eiffel_tower", "Tognopop: Eiffel Tower 20051010", PUBLIC),
    ("fort_sumter", "Gary Todd: Fort Sumter, South Carolina (12583090893)", CC0),
    ("gateway_of_india", "Simon Steinberger: Gateway-of-India", CC0),
    (
        "george_washington_birthplace",
        "National Park Service: George Washington Birthplace National Monument, Virginia",
        PUBLIC,
    ),
    ("giraffe", "Mike and Lara Wolfe: Giraffe courtship (25657342808)", CC0),
    ("golden_temple", "Jasdeep Singh: Golden Temple", CC0),
    ("great_pyramid_of_giza", "Gary Todd: Giza Great Pyramid of Khufu (9793952173)", CC0),
    ("great_stupa", "ArnoldBetten: Sanchi Stupa 1 (1999)", PUBLIC),
    ("great_wall_of_china", "Nicolas Perrault III: Great Wall of China July 2006", CC0),
    ("hawa_mahal", "Janwiki: Hawa Mahal, Jaipur, India", PUBLIC),
    ("hedgehog", "George Chernilevsky: Erinaceus roumanicus 2020 G2", PUBLIC),
    ("horse", "Seth Zeigler: Nokota Horse Stud Band", CC0),
    ("jaguar", "Frieda Bredesen: Two Jaguar Sisters", CC0),
    ("kangaroo", "Vicki Nunn: Eastern Grey Kangaroo & Joey2", PUBLIC),
    ("koala", "BurningWell: Koala Perth Zoo", PUBLIC),
    ("konark_sun_temple", "Tetraktys: Konark Sun Temple Front view", PUBLIC),
    ("lemur", "Mathias Appel: Lemur (37122852696)", CC0),
    ("lincoln_memorial", "Brylie Christopher Oxley: US-WashingtonDC-LincolnMemorial-20140312 014138 HDR v1", CC0),
    ("machu_picchu", "Guillaume Pascal: Yet another pic of machu picchu", CC0),
    ("meidum_pyramid", "Neithsabes: Meidoum pyramide 006", PUBLIC),
    ("mont_st_michel", "Ali Sabbagh: Mont Saint-Michel IMG 5109 (48875955288)", CC0),
    ("moose", "Ryan Hagerty: Male Moose", PUBLIC),
    ("mount_rushmore", "Eekim: Mount Rushmore, Keystone, South Dakota", CC0),
    ("mysore_palace", "Shiva sg: Mysore Palace 2006", PUBLIC),
    ("narwhal", "Dr Kristin Laidre: Pod Monodon monoceros", PUBLIC),
    ("navajo", "Jon Sullivan: Betatakin Cliff Dwellings", PUBLIC),
    ("neuschwanstein_castle", "cameralends: Neuschwanstein Castle (532850)", CC0),
    ("owl", "Lepale: Owl The Nightbird", CC0),
    ("palais_des_papes", "Tognopop: Main entrance of the Palais des Papes - 20050823", CC0),
    ("panda", "Jeff Kubina: Giant Panda 2004-03-2", PUBLIC),
    ("petra", "Berthold Werner: Petra Jordan BW 36", PUBLIC),
    ("pig", "Teinesavaii: Pig 1, Savaii, Samoa", PUBLIC),
    ("polar_bear", "anonymous: Churchill Wildlife Management Area polar bear30", PUBLIC),
    ("pont_du_gard", "Mimova: Pontdugard", PUBLIC),
    ("qutub_minar", "pramadas: Qutubmin", CC0),
    ("rang_ghar", "Porikolpok Oxom: Rangghar Assam", PUBLIC),
    ("red_pyramid", "Chipdawes: RedPyramid", PUBLIC),
    ("reims_cathedral", "Mattana: Reims Cathedrale Notre Dame 002 chevet", PUBLIC),
    ("rocamadour", "François Darras: Rocamadour fda", PUBLIC),
    ("scarlet_macaw", "Dcoetzee: Scarlet macaw at Cougar Mountain Zoological Park", CC0),
    ("schwerin_palace", "Hermann Luyken: 2012.02.26.121724 Schloss Schwerin", CC0),
    ("sheep", "Rob Mitchell: Sheep (33625876592)", CC0),
    ("statue_of_liberty", "(WT-shared) Ypsilonatshared: Liberty enlightening the world", PUBLIC),
    ("trier_imperial_baths", "Berthold Werner: Trier Kaiserthermen BW 1", PUBLIC),
    ("victoria_memorial", "Anourag: Victoria Memorial Calcutta", CC0),
    ("worms_cathedral", "Immanuel Giel: Dommodell Worms 04", PUBLIC),
)
PHOTOGRAPHS = tuple(
    File(f"photographs/{name}.webp", origin=Origin("photograph", work, _COMMONS, licence))
    for name, work, licence in _WORKS
)
TEXTURES = tuple(
    File(f"textures/{name}.webp", origin=Origin("texture, grey, 192 x 192", work, SCIKIT_IMAGE, CC0))
    for name, work in (
        ("brick", "CC0Textures: Bricks25"),
        ("grass", "linolafett: Grass 01, DeviantArt"),
        ("gravel", "CC0Textures: Gravel04"),
    )
)


def photographs(split: str = "all") -> dict[str, Tensor]:
    """Return embedded photographs by name: monuments and animals, the shorter side 288 pixels.

    Args:
        split: "train" (58 of them), "test" (12) or "all".

    Returns:
        {name: (1, 3, H, W) in [0, 1]}; sizes differ.

    Raises:
        UnknownName: for another split.
    """
    check_split(split)
    chosen = [file for i, file in enumerate(PHOTOGRAPHS) if split == "all" or (i % 6 == 0) == (split == "test")]
    return {file.stem: images.load(paths.root() / file.name) for file in chosen}


def photograph(name: str, size: int | None = None) -> Tensor:
    """Return one of the embedded photographs that `photographs` returns.

    Args:
        name: such as "jaguar" or "hawa_mahal".
        size: pixels of the longer side, None for those of the file.

    Returns:
        (1, 3, H, W) in [0, 1].

    Raises:
        UnknownName: for another name.
    """
    return read("photograph", name, PHOTOGRAPHS, size)


def texture(name: str, size: int | None = None) -> Tensor:
    """Return an embedded texture, grey: "brick", "grass" or "gravel".

    Args:
        name: of the texture.
        size: pixels a side, None for 192.

    Returns:
        (1, 3, size, size) in [0, 1], three equal channels.

    Raises:
        UnknownName: for another name.
    """
    return read("texture", name, TEXTURES, size)


def textures() -> list[str]:
    """Return the names of the embedded textures."""
    return [file.stem for file in TEXTURES]
