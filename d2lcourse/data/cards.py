"""The data cards, from which the book makes its page about data."""

from __future__ import annotations

from . import fashion, glyphs, photos
from .base import Card

_DIGITS = tuple("0123456789")
_SCIKIT_LEARN = "Ships with scikit-learn; split 80/20 here, each class alike, in a fixed order."
_SAME = "The same rows: nothing is downloaded."
_CELLS = (
    "radius",
    "texture",
    "perimeter",
    "area",
    "smoothness",
    "compactness",
    "concavity",
    "concave points",
    "symmetry",
    "fractal dimension",
)


def _both(train: int, test: int) -> dict[str, dict[str, int]]:
    return {scale: {"train": train, "test": test} for scale in ("small", "full")}


def _toy(name: str, description: str, classes: int = 2) -> Card:
    return Card(
        name=f"toys2d/{name}",
        title=f"Points in the plane: {name}",
        description=description,
        shape="2 coordinates, no unit",
        classes=tuple(map(str, range(classes))),
        sizes={"small": {"train": 400, "test": 200}, "full": {"train": 4000, "test": 2000}},
        origin="d2lcourse, generated",
        licence="CC0 1.0",
        made="Drawn by d2lcourse/data/toys2d.py; classes have equal shares.",
        full="Ten times as many points from the same generator: nothing is downloaded.",
        features=("x1", "x2"),
    )


_ALL = (
    Card(
        name="digits",
        title="Handwritten digits, 8×8",
        description="Handwritten digits of 43 people, reduced to 8×8 grey levels.",
        shape="1×8×8, grey level 0 to 1 in steps of 1/16, light strokes on black",
        classes=_DIGITS,
        sizes=_both(1438, 359),
        origin="E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (1998), "
        "test part, https://archive.ics.uci.edu/dataset/80",
        licence="CC BY 4.0",
        made=_SCIKIT_LEARN,
        full=_SAME,
    ),
    Card(
        name="breast_cancer",
        title="Breast cancer (Wisconsin, diagnostic)",
        description="Measurements of cell nuclei in 569 tissue samples, malignant or benign.",
        shape="30 columns: mean, standard error and worst of 10 measurements, raw units",
        classes=("malignant", "benign"),
        sizes=_both(456, 113),
        origin="W. Wolberg, O. Mangasarian, N. Street and W. Street (1993), "
        "https://archive.ics.uci.edu/dataset/17",
        licence="CC BY 4.0",
        made=_SCIKIT_LEARN,
        full=_SAME,
        features=(
            *(f"mean {cell}" for cell in _CELLS),
            *(f"{cell} error" for cell in _CELLS),
            *(f"worst {cell}" for cell in _CELLS),
        ),
    ),
    Card(
        name="wine",
        title="Wine recognition",
        description="Chemical analyses of 178 Italian wines from three cultivars.",
        shape="13 columns, raw units",
        classes=("class_0", "class_1", "class_2"),
        sizes=_both(142, 36),
        origin="S. Aeberhard and M. Forina (1991), https://archive.ics.uci.edu/dataset/109",
        licence="CC BY 4.0",
        made=_SCIKIT_LEARN,
        full=_SAME,
        features=(
            "alcohol",
            "malic_acid",
            "ash",
            "alcalinity_of_ash",
            "magnesium",
            "total_phenols",
            "flavanoids",
            "nonflavanoid_phenols",
            "proanthocyanins",
            "color_intensity",
            "hue",
            "od280/od315_of_diluted_wines",
            "proline",
        ),
    ),
    Card(
        name="iris",
        title="Iris",
        description="Sepals and petals of 150 flowers of three species of iris.",
        shape="4 columns, cm",
        classes=("setosa", "versicolor", "virginica"),
        sizes=_both(120, 30),
        origin="R. A. Fisher (1936), https://archive.ics.uci.edu/dataset/53",
        licence="CC BY 4.0",
        made=_SCIKIT_LEARN,
        full=_SAME,
        features=(
            "sepal length (cm)",
            "sepal width (cm)",
            "petal length (cm)",
            "petal width (cm)",
        ),
    ),
    Card(
        name="diabetes",
        title="Diabetes progression",
        description="Ten measurements of 442 patients and how their diabetes stood a year later.",
        shape="10 columns, raw units: years, kg/m², mmHg, mg/dl; sex is 1 or 2; "
        "the target is a score from 25 to 346",
        classes=(),
        sizes=_both(354, 88),
        origin="B. Efron, T. Hastie, I. Johnstone and R. Tibshirani, Least Angle Regression "
        "(2004), https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html",
        licence="None stated by the authors",
        made="Ships with scikit-learn, read as measured (not standardised); split 80/20 here in a "
        "fixed order.",
        full=_SAME,
        features=("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"),
    ),
    Card(
        name="fashion_mnist",
        title="Fashion-MNIST",
        description="Grey pictures of ten kinds of garment: generated at small scale, "
        "photographed at full scale.",
        shape="1×28×28, grey level 0 to 1, light on black",
        classes=fashion.CLASSES,
        sizes={"small": {"train": 6000, "test": 1000}, "full": {"train": 60000, "test": 10000}},
        origin="Small: d2lcourse, generated (synthfashion28). Full: H. Xiao, K. Rasul and "
        "R. Vollgraf (2017), https://github.com/zalandoresearch/fashion-mnist",
        licence="Small: CC0 1.0. Full: MIT",
        made="Small: drawn by d2lcourse/data/fashion.py from random cuts, lengths, patterns and "
        "light; no picture is taken from the real set, only its ten class names and their order. "
        "Accuracies on one do not carry over to the other.",
        full="The real set, 31 MB, through torchvision from "
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com, in a fixed shuffled order.",
    ),
    Card(
        name="glyphs",
        title="Digits: glyphs and MNIST",
        description="Pictures of the digits 0 to 9: printed and warped at small scale, "
        "handwritten (MNIST) at full scale.",
        shape="1×28×28, grey level 0 to 1, white on black",
        classes=_DIGITS,
        sizes={"small": {"train": 6000, "test": 1000}, "full": {"train": 60000, "test": 10000}},
        origin="Small: d2lcourse, generated (glyphs28). Full: Y. LeCun, C. Cortes and C. Burges, "
        "MNIST (1998), http://yann.lecun.com/exdb/mnist",
        licence="Small: CC0 1.0 for the pictures; the fonts are matplotlib's (DejaVu, STIX, "
        "Computer Modern). Full: none stated by the authors",
        made="Small: drawn by d2lcourse/data/glyphs.py from matplotlib's fonts with random stroke, "
        f"slant, bend and noise. Training uses {len(glyphs.TRAIN_FONTS)} fonts; the test split "
        f"uses these and {len(glyphs.UNSEEN_FONTS)} more that training never shows "
        f"({', '.join(glyphs.UNSEEN_FONTS)}).",
        full="MNIST, 12 MB, through torchvision from "
        "https://ossci-datasets.s3.amazonaws.com/mnist, in a fixed shuffled order.",
    ),
    _toy("moons", "Two interleaved half circles with noise."),
    _toy("spirals", "Two arms that wind one and a half times around the origin."),
    _toy("flower", "Six petals around the origin that belong to two classes in turn."),
    _toy("rings", "Eight Gaussians on a circle; the class is the component.", classes=8),
    _toy("blobs", "Two round clouds that a straight line separates."),
    _toy("xor", "Four square clouds; opposite ones share a class, so no line separates them."),
    Card(
        name="photos",
        title="Photographs",
        description="Ten photographed scenes (train) and three photographed textures (test).",
        shape="3×256×256, red, green and blue 0 to 1; camera, coins and the textures are grey, "
        "with three equal channels",
        classes=photos.CLASSES,
        sizes=_both(len(photos.SCENES), len(photos.TEXTURES)),
        origin="scikit-image's data folder, https://github.com/scikit-image/scikit-image; china "
        "and flower from scikit-learn, https://www.flickr.com/photos/danielbuechele and "
        "https://www.flickr.com/photos/vultilion",
        licence="china, flower: CC BY 2.0. camera, chelsea, coffee, retina, brick, grass, gravel: "
        "CC0 1.0. astronaut, hubble, rocket: public domain (NASA, SpaceX). coins: no known "
        "copyright restrictions (Brooklyn Museum)",
        made="Ship with scikit-image and scikit-learn; cropped here to the central square and "
        "resized. The splits hold different pictures, so they serve as material rather than as "
        "training and test data of one task.",
        full="The same pictures at 3×512×512 (the smaller ones are enlarged): nothing is "
        "downloaded.",
    ),
    Card(
        name="california_housing",
        title="California housing",
        description="Median house values of 20,640 districts of California in the census of 1990.",
        shape="8 columns, raw units (income in 10,000 dollars); the target in 100,000 dollars",
        classes=(),
        sizes={"full": {"train": 16512, "test": 4128}},
        origin="R. K. Pace and R. Barry (1997), StatLib, https://lib.stat.cmu.edu/datasets",
        licence="None stated by the authors",
        made="Fetched by scikit-learn; split 80/20 here in a fixed order.",
        full="All rows, 0.4 MB, through scikit-learn from "
        "https://ndownloader.figshare.com/files/5976036. Small alternative: diabetes.",
        features=(
            "MedInc",
            "HouseAge",
            "AveRooms",
            "AveBedrms",
            "Population",
            "AveOccup",
            "Latitude",
            "Longitude",
        ),
    ),
    Card(
        name="covertype",
        title="Forest cover types",
        description="Terrain of 581,012 patches of forest in Colorado and the trees on them.",
        shape="54 columns: metres, degrees, hillshade 0 to 255, and 44 indicators",
        classes=(
            "Spruce/Fir",
            "Lodgepole Pine",
            "Ponderosa Pine",
            "Cottonwood/Willow",
            "Aspen",
            "Douglas-fir",
            "Krummholz",
        ),
        sizes={"full": {"train": 464810, "test": 116202}},
        origin="J. Blackard (1998), https://archive.ics.uci.edu/dataset/31",
        licence="CC BY 4.0",
        made="Fetched by scikit-learn; split 80/20 here, each class alike, in a fixed order.",
        full="All rows, 11 MB, through scikit-learn from "
        "https://ndownloader.figshare.com/files/5976039. Small alternative: breast_cancer.",
        features=(
            "Elevation",
            "Aspect",
            "Slope",
            "Horizontal_Distance_To_Hydrology",
            "Vertical_Distance_To_Hydrology",
            "Horizontal_Distance_To_Roadways",
            "Hillshade_9am",
            "Hillshade_Noon",
            "Hillshade_3pm",
            "Horizontal_Distance_To_Fire_Points",
            *(f"Wilderness_Area_{i}" for i in range(4)),
            *(f"Soil_Type_{i}" for i in range(40)),
        ),
    ),
)
CARDS = {card.name: card for card in _ALL}
