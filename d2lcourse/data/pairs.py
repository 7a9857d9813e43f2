"""Pairs of sentences for translation: our grammar's, or the real files of Tatoeba or Multi30k."""

from __future__ import annotations

import gzip
import re
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

from ..errors import unknown
from ..session import data_dir
from .base import Card, valid_scale
from .grammar import Grammar

PAIR_SPLITS = ("train", "test", "combinations")
Pair = tuple[str, str]
LONGEST = 40  # words; a real pair with a longer side is left out

TRANSLATION = Card(
    name="translation",
    title="English and French sentences",
    description="Pairs of an English sentence and its French translation, lower-case words "
    "separated by spaces.",
    shape="two strings: 2 to about 20 words at small scale, at most 40 at full scale",
    classes=(),
    sizes={"small": {"train": 5000, "test": 500, "combinations": 500}},
    origin="Small: d2lcourse, generated. Full: sentences of Tatoeba's volunteers as paired by "
    "C. Kelly, https://www.manythings.org/anki, or Multi30k by D. Elliott and others (2016), "
    "https://github.com/multi30k/dataset",
    licence="Small: CC0 1.0. Full: Tatoeba CC BY 2.0 France; Multi30k as its page states",
    made="Small: drawn by d2lcourse/data/grammar.py from 20 nouns, 15 adjectives and 14 verbs, "
    "both languages from one tree. No sentence of one split is in another. The split combinations "
    "joins nouns and adjectives that never meet in train, though each of these words occurs there.",
    full="Put fra.txt, or train.en and train.fr, into the folder translation of the data folder by "
    "hand (the reader takes .gz too): neither page offers a file that keeps its hash. Here "
    "combinations holds the sentences with one of the pairs of longer words, one after the other, "
    "that train never shows; one in fifty of the others goes to test. A hash chooses both, so a "
    "newer file moves no sentence from one split to another.",
)


@dataclass(frozen=True, eq=False, repr=False)
class Pairs:
    """Sentences and their translations, with the card that describes them.

    Attributes:
        source: English sentences, lower-case words separated by spaces.
        target: their French translations, likewise; an article that lost its vowel is a word of
            its own ("l' arbre").
        card: what the data are.
        split: ``"train"``, ``"test"`` or ``"combinations"``.
        scale: ``"small"`` or ``"full"``.
    """

    source: list[str]
    target: list[str]
    card: Card
    split: str
    scale: str

    def __len__(self) -> int:
        return len(self.source)

    def __repr__(self) -> str:
        words = [len({w for s in side for w in s.split()}) for side in (self.source, self.target)]
        return (
            f"{self.card.name}/{self.split} ({self.scale}): {len(self)} pairs, "
            f"{words[0]} English and {words[1]} French words"
        )


def load_pairs(
    name: str,
    split: str = "train",
    *,
    scale: str | None = None,
    n: int | None = None,
    seed: int = 0,
) -> Pairs:
    """Load pairs of sentences for translation into memory.

    Args:
        name: ``"translation"``, English to French.
        split: ``"train"``, ``"test"`` (unseen sentences) or ``"combinations"`` (unseen sentences
            that join words which never stand together in training, though each of them occurs).
        scale: ``"small"`` (our own grammar, generated) or ``"full"`` (a real corpus, whose files
            you put into the data folder); by default what `setup` chose.
        n: how many pairs; the grammar makes exactly n, a real corpus gives its first n in a fixed
            shuffled order.
        seed: which sample of the grammar; a real corpus ignores it.

    Returns:
        `Pairs` with ``source`` and ``target``, two lists of one length.

    Raises:
        ValueError: a name, split, scale, n or seed that does not exist, or a damaged file.
        FileNotFoundError: the real corpus is not there; the message says which file goes where.

    >>> pairs = load_pairs("translation", "test", scale="small")
    >>> pairs.target[0]
    'des tantes trouvent les chiens mais ces chats suivent cet arbre'
    """
    if name != TRANSLATION.name:
        raise unknown("set of pairs", name, (TRANSLATION.name,))
    scale = valid_scale(split, scale, n, seed, "pairs", PAIR_SPLITS)
    if scale == "small":
        pairs = _draw(split, TRANSLATION.sizes["small"][split] if n is None else int(n), int(seed))
    else:
        pairs = _shuffled(pair for pair in _read_corpus() if _side(pair[0]) == split)
        if n is not None and n > len(pairs):
            raise ValueError(
                f"n={n} pairs of {name!r}, but its {split} split has {len(pairs)} at scale 'full'"
            )
        pairs = pairs[:n]
    return Pairs([s for s, _ in pairs], [t for _, t in pairs], TRANSLATION, split, scale)


def _draw(split: str, n: int, seed: int) -> list[Pair]:
    """Return n different sentences of the grammar that belong to this split."""
    grammar = Grammar(Random(f"translation/{split}/{seed}"))
    drawn: dict[str, str] = {}
    while len(drawn) < n:
        sentence = grammar.sentence()
        # A hash decides, so that no sentence of one sample is in another sample's test.
        home = "combinations" if sentence.novel else _part(sentence.english, 8)
        if home == split:
            drawn[sentence.english] = sentence.french
    return list(drawn.items())


def _part(sentence: str, every: int) -> str:
    return "test" if zlib.crc32(sentence.encode()) % every == 0 else "train"


def _side(source: str) -> str:
    """Return the split of a real sentence: by its pairs of neighbouring longer words, then hash."""
    words = [word for word in source.split() if len(word) > 3]
    neighbours = (f"{a} {b}" for a, b in pairwise(words))
    if any(zlib.crc32(pair.encode()) % 200 == 0 for pair in neighbours):
        return "combinations"
    return _part(source, 50)


def _shuffled(pairs: Iterator[Pair]) -> list[Pair]:
    """Return the pairs in the order of a hash, which does not depend on their order in the file."""
    return sorted(set(pairs), key=lambda pair: (zlib.crc32("\t".join(pair).encode()), pair))


def _read_corpus() -> Iterator[Pair]:
    """Yield the tidied pairs of whichever real corpus lies in the data folder."""
    folder = data_dir() / TRANSLATION.name
    tatoeba = _find(folder, "fra.txt")
    multi30k = _find(folder, "train.en"), _find(folder, "train.fr")
    if tatoeba:
        raw = _read_tatoeba(tatoeba)
    elif multi30k[0] and multi30k[1]:
        raw = _read_parallel(multi30k[0], multi30k[1])
    else:
        raise FileNotFoundError(
            f"no corpus in {folder}: put fra.txt there (unpack fra-eng.zip from "
            "https://www.manythings.org/anki), or train.en.gz and train.fr.gz (from data/task1/raw "
            "of https://github.com/multi30k/dataset). scale='small' needs no file"
        )
    for english, french in raw:
        source, target = tidy(english), tidy(french, french=True)
        if 0 < len(source.split()) <= LONGEST and 0 < len(target.split()) <= LONGEST:
            yield source, target


def _find(folder: Path, name: str) -> Path | None:
    return next((f for f in (folder / name, folder / f"{name}.gz") if f.is_file()), None)


def _read_tatoeba(path: Path) -> Iterator[Pair]:
    for number, line in enumerate(_lines(path), start=1):
        fields = line.split("\t")
        if len(fields) < 2:
            raise ValueError(
                f"{path}, line {number} is not English<TAB>French: {line[:60]!r}; fetch it again"
            )
        yield fields[0], fields[1]


def _read_parallel(english: Path, french: Path) -> Iterator[Pair]:
    sources, targets = list(_lines(english)), list(_lines(french))
    if len(sources) != len(targets):
        raise ValueError(
            f"{english} has {len(sources)} lines, {french} has {len(targets)}: they must be from "
            "the same release, line for line"
        )
    yield from zip(sources, targets, strict=True)


def _lines(path: Path) -> list[str]:
    try:
        packed = path.read_bytes()
        text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8")
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged ({error}); fetch it again") from error
    # Not splitlines(): it would also break at the odd separators that occur inside sentences.
    return text.removeprefix("\ufeff").removesuffix("\n").split("\n")


_ENGLISH = re.compile(r"\w+(?:['-]\w+)*|[^\w\s]")
_FRENCH = re.compile(r"\w+(?:-\w+)*'?|[^\w\s]")


def tidy(sentence: str, french: bool = False) -> str:
    """Return a sentence as lower-case words and marks separated by spaces.

    Args:
        sentence: as people write it.
        french: an apostrophe ends a word ("l' arbre") rather than being part of it ("don't").

    >>> tidy("I don't know."), tidy("L’arbre est là !", french=True)
    ("i don't know .", "l' arbre est là !")
    """
    plain = unicodedata.normalize("NFC", sentence).lower().replace("\u2019", "'")
    return " ".join((_FRENCH if french else _ENGLISH).findall(plain))
