"""The cards of the sets that `load_scenes` loads."""

from __future__ import annotations

from .base import Card
from .real_scenes import COCO_CLASSES, COCO_PICTURES
from .shape_painting import CLASSES

_LETTERBOX = (
    "3×128×128 (or any size asked for), red, green and blue 0 to 1; resized with its proportions "
    "kept, in the upper left corner of a grey square"
)

SCENE_CARDS = {
    card.name: card
    for card in (
        Card(
            name="shapes",
            title="Scenes of shapes",
            description="Coloured shapes over photographed textures, with a box, a mask and a "
            "class for each and a caption for all.",
            shape="3×64×64 (or any size asked for), red, green and blue 0 to 1",
            classes=CLASSES,
            sizes={"small": {"train": 1200, "test": 300}, "full": {"train": 20000, "test": 2000}},
            origin="d2lcourse, generated; the textures are parts of scikit-image's brick, grass, "
            "gravel, coffee and chelsea, https://github.com/scikit-image/scikit-image",
            licence="CC0 1.0, the photographs as well",
            made="Drawn by d2lcourse/data/shapes.py; neither colour nor size tells the class, and "
            "lines and blotches in the same colours belong to no object. Training shows the left "
            "halves of the photographs, the test split the right halves. Knobs set the number and "
            "size of the objects, their overlap, the clutter and the domain (day, night, fog, "
            "sketch).",
            full="More scenes, at 128×128, from the same generator: nothing is downloaded.",
        ),
        Card(
            name="penn_fudan",
            title="Penn-Fudan pedestrians",
            description="Photographs of two campuses with 345 pedestrians, each with a mask.",
            shape=_LETTERBOX,
            classes=("pedestrian",),
            sizes={"full": {"train": 136, "test": 34}},
            origin="L. Wang, J. Shi, G. Song and I. Shen (2007), "
            "https://www.cis.upenn.edu/~jshi/ped_html",
            licence="None stated by the authors",
            made="Boxes are drawn around the masks; split 80/20 here in a fixed order.",
            full="All 170 pictures, 53 MB, from "
            "https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip. No hash of the archive is "
            "published: its own checksums and the number of pictures are checked instead.",
        ),
        Card(
            name="coco",
            title="MS-COCO 2017",
            description="Photographs of everyday scenes with the objects of 80 classes, each with "
            "a mask, and captions.",
            shape=_LETTERBOX,
            classes=COCO_CLASSES,
            sizes={"full": {"train": COCO_PICTURES, "test": 5000}},
            origin="T.-Y. Lin and others (2014), https://cocodataset.org",
            licence="Annotations CC BY 4.0; the photographs under their owners' Flickr licences",
            made="The test split is val2017, whose annotations are public; the caption is the "
            "first of five. Boxes are drawn around the resized masks; an object that is lost in "
            "resizing is left out. A crowd is no object, but its pixels count in the semantic "
            "mask.",
            full="19 GB for train2017 and 1 GB for val2017, which you fetch by hand from "
            "https://cocodataset.org/#download and unpack into the folder coco of the data "
            "folder. Of the 118,287 training pictures the first 20,000, in a fixed shuffled "
            "order, unless n asks for more: they are held in memory.",
        ),
    )
}
