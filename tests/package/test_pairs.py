"""Sentences to translate: the grammar's French, the promises of its splits, the real files."""

from __future__ import annotations

import gzip
import hashlib
from collections import Counter, defaultdict
from itertools import pairwise
from random import Random

import pytest
import sacrebleu

from d2lcourse.data import card, load, load_pairs
from d2lcourse.data.grammar import ADJECTIVES, DETERMINERS, NOUNS, VERBS, Grammar, held_out
from d2lcourse.data.pairs import PAIR_SPLITS, tidy
from tools import package_pages

HASHES = {
    "train": "a1fa234fce402e6e505ac0e2ac87c656565878fe575ac55a3605986cef6c1278",
    "test": "b71855e2ac69eb376f739102f822b18f28ff3e1e9c39034910b9d24b2a867f2d",
    "combinations": "f13e2863d9edbd0669eaeaea417ffbf8dea364988548afac55c49866cd3be7ee",
}


@pytest.fixture(autouse=True)
def data_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("D2LCOURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("D2LCOURSE_SCALE", raising=False)
    folder = tmp_path / "data" / "translation"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
def splits():
    return {split: load_pairs("translation", split, scale="small") for split in PAIR_SPLITS}


def lines(pairs):
    return [f"{s}\t{t}" for s, t in zip(pairs.source, pairs.target, strict=True)]


def adjective_pairs(sentence):
    """Every (noun, adjective) that one English sentence joins, found from its words alone."""
    nouns = {form: noun for noun in NOUNS for form in noun[:2]}
    adjectives = {adjective[0]: adjective for adjective in ADJECTIVES}
    words, found = sentence.split(), []
    for i, word in enumerate(words):
        j = i + 1
        while word in adjectives and j < len(words) and words[j] in adjectives:
            j += 1
        if word in adjectives and j < len(words) and words[j] in nouns:
            found.append((nouns[words[j]], adjectives[word]))
    return found


@pytest.mark.parametrize("split", PAIR_SPLITS)
def test_the_splits_are_what_the_card_says_and_the_same_everywhere(splits, split):
    pairs = splits[split]
    assert len(pairs) == len(pairs.target) == card("translation").sizes["small"][split]
    assert len(set(pairs.source)) == len(pairs)
    assert (pairs.split, pairs.scale, pairs.card) == (split, "small", card("translation"))
    found = hashlib.sha256("\n".join(lines(pairs)).encode()).hexdigest()
    assert found == HASHES[split], "the grammar changed: a new hash is a new data set"


def test_no_sentence_and_no_held_out_pair_crosses_the_splits(splits):
    train, test, new = (set(splits[split].source) for split in PAIR_SPLITS)
    for seed in (1, 2):
        train |= set(load_pairs("translation", seed=seed).source)
    assert not train & test
    assert not (train | test) & new
    assert not any(held_out(*pair) for s in train | test for pair in adjective_pairs(s))
    # The others join their held-out pair by "is", which `adjective_pairs` does not see.
    direct = sum(any(held_out(*pair) for pair in adjective_pairs(s)) for s in new)
    assert direct >= 0.8 * len(new)
    copula = [s for s in new if not any(held_out(*pair) for pair in adjective_pairs(s))]
    assert all({"is", "are", "was", "were"} & set(s.split()) for s in copula)


@pytest.mark.parametrize("split", ["test", "combinations"])
@pytest.mark.parametrize("side", ["source", "target"])
def test_every_word_occurs_in_training(splits, split, side):
    known = {word for s in getattr(splits["train"], side) for word in s.split()}
    assert {word for s in getattr(splits[split], side) for word in s.split()} <= known


def test_n_and_seed():
    assert lines(load_pairs("translation", n=7)) == lines(load_pairs("translation"))[:7]
    assert lines(load_pairs("translation", n=7, seed=1)) != lines(load_pairs("translation", n=7))
    assert "7 pairs" in repr(load_pairs("translation", n=7))


def translate(english):
    """The grammar's French for a sentence that it draws within the first 60,000."""
    if not translate.known:
        grammar = Grammar(Random(5))
        drawn = (grammar.sentence() for _ in range(60_000))
        translate.known = {s.english: s.french for s in drawn}
    return translate.known.get(english)


translate.known = {}


def test_french_is_french():
    """Hand-written translations of short sentences, most of which the grammar draws."""
    by_hand = {
        "the bird is old": "l' oiseau est vieux",
        "the birds are old": "les oiseaux sont vieux",
        "the star is white": "l' étoile est blanche",
        "the flowers are old": "les fleurs sont vieilles",
        "she is tired": "elle est fatiguée",
        "they are happy": "ils sont heureux",
        "he is not tired": "il n' est pas fatigué",
        "she was never happy": "elle n' était jamais heureuse",
        "he loves her": "il l' aime",
        "they saw her": "ils l' ont vue",
        "he followed them": "il les a suivis",
        "she does not see him": "elle ne le voit pas",
        "they did not hear him": "ils ne l' ont pas entendu",
        "she often sang": "elle a souvent chanté",
        "they never fell": "ils ne sont jamais tombés",
        "she arrived": "elle est arrivée",
        "he waits": "il attend",
        "he works near the garden": "il travaille près du jardin",
        "she works near the trees": "elle travaille près des arbres",
        "they sleep near a tree": "ils dorment près d' un arbre",
        "the bee sleeps": "l' abeille dort",
        "this child sings": "cet enfant chante",
        "my bee arrived": "mon abeille est arrivée",
        "her king sleeps": "son roi dort",
    }
    drawn = {english: translate(english) for english in by_hand}
    assert sum(french is not None for french in drawn.values()) >= 16
    assert {e: f for e, f in drawn.items() if f is not None and f != by_hand[e]} == {}


def test_elision_and_agreement_hold_in_every_sentence(splits):
    female = {form for noun in NOUNS if noun[4] == "f" for form in noun[2:4]}
    male = {form for noun in NOUNS if noun[4] == "m" for form in noun[2:4]} - female
    nouns = female | male
    for pairs in splits.values():
        for french in pairs.target:
            words = french.split()
            for left, right in pairwise(words):
                vowel = right[0] in "aeiouâéèêîôû"
                assert not (
                    vowel and left in {"le", "la", "je", "ne", "de", "que", "ce", "ma", "sa"}
                )
                assert vowel or not left.endswith("'"), french
                assert (left, right) not in {("de", "le"), ("de", "les"), ("de", "des")}, french
                if right in nouns and left in {"le", "un", "ce", "cet"}:
                    assert right in male, french
                if right in nouns and left in {"la", "une", "cette", "ma", "sa"}:
                    assert right in female, french


def test_the_tables_are_whole():
    assert {len(row) for row in NOUNS} == {6}
    assert {len(row) for row in ADJECTIVES} == {8}
    assert {len(row) for row in VERBS} == {8}
    assert {len(row) for row in DETERMINERS} == {5}
    for noun in NOUNS:
        fits = [a for a in ADJECTIVES if noun[5] in a[7]]
        assert sum(not held_out(noun, a) for a in fits) >= 6


def score(guesses, pairs):
    """(share of exact matches, BLEU)."""
    exact = sum(g == t for g, t in zip(guesses, pairs.target, strict=True)) / len(pairs)
    return exact, sacrebleu.corpus_bleu(guesses, [pairs.target], tokenize="none", force=True).score


def likeliest_words(pairs, rounds=5):
    """English word -> its likeliest French one, by IBM's first model of word translation."""
    data = [(s.split(), t.split()) for s, t in zip(pairs.source, pairs.target, strict=True)]
    chance = defaultdict(lambda: 1.0)
    for _ in range(rounds):
        counts, totals = defaultdict(float), defaultdict(float)
        for english, french in data:
            for f in french:
                norm = sum(chance[f, e] for e in english)
                for e in english:
                    counts[f, e] += chance[f, e] / norm
                    totals[e] += chance[f, e] / norm
        chance = defaultdict(float, {(f, e): c / totals[e] for (f, e), c in counts.items()})
    best = {}
    for (f, e), p in chance.items():
        best[e] = max(best.get(e, (0.0, "")), (p, f))
    return {e: f for e, (_, f) in best.items()}


def test_trivial_translators_fail(splits):
    train, test = splits["train"], splits["test"]
    assert score(test.source, test)[0] == 0
    dictionary = likeliest_words(train)
    exact, bleu = score([" ".join(dictionary[w] for w in s.split()) for s in test.source], test)
    assert exact <= 0.15
    assert 10 <= bleu <= 40
    bags = [Counter(s.split()) for s in train.source]

    def nearest(sentence):
        bag = Counter(sentence.split())
        return max(
            range(len(bags)), key=lambda i: (bag & bags[i]).total() / (bag | bags[i]).total()
        )

    some = load_pairs("translation", "test", n=100)
    exact, bleu = score([train.target[nearest(s)] for s in some.source], some)
    assert exact <= 0.05
    assert bleu <= 30


TATOEBA = """\
Go.\tVa !\tCC-BY 2.0 (France) Attribution: tatoeba.org #2877272 (CM) & #1158250 (Wittydev)
Go.\tMarche.\tCC-BY 2.0 (France) Attribution: tatoeba.org #2877272 (CM) & #8090732 (Micsmithel)
I don't know.\tJe ne sais pas.\tCC-BY 2.0 (France) Attribution
The tree is old.\tL\u2019arbre est vieux.\tCC-BY 2.0 (France) Attribution
"""


def everything(**options):
    found = {}
    for split in PAIR_SPLITS:
        pairs = load_pairs("translation", split, scale="full", **options)
        found |= dict.fromkeys(zip(pairs.source, pairs.target, strict=True), split)
    return found


@pytest.mark.parametrize("packed", [False, True])
def test_tatoeba(data_dir, packed):
    body = TATOEBA.encode()
    name = "fra.txt.gz" if packed else "fra.txt"
    (data_dir / name).write_bytes(gzip.compress(body) if packed else body)
    found = everything()
    assert set(found) == {
        ("go .", "va !"),
        ("go .", "marche ."),
        ("i don't know .", "je ne sais pas ."),
        ("the tree is old .", "l' arbre est vieux ."),
    }
    assert found["go .", "va !"] == found["go .", "marche ."], "one source, one split"


@pytest.mark.parametrize("packed", [False, True])
def test_multi30k(data_dir, packed):
    sides = {
        "train.en": "Two young men are outside.\nA dog runs on the grass.\n",
        "train.fr": "Deux jeunes hommes sont dehors.\nUn chien court sur l'herbe.\n",
    }
    for name, text in sides.items():
        body = text.encode()
        path = data_dir / (name + ".gz" * packed)
        path.write_bytes(gzip.compress(body) if packed else body)
    assert set(everything()) == {
        ("two young men are outside .", "deux jeunes hommes sont dehors ."),
        ("a dog runs on the grass .", "un chien court sur l' herbe ."),
    }
    (data_dir / path.name).write_bytes(gzip.compress(b"Un.\n") if packed else b"Un.\n")
    with pytest.raises(ValueError, match=r"train.en.* has 2 lines, .*train.fr.* has 1"):
        load_pairs("translation", scale="full")


def test_real_splits_do_not_depend_on_the_file_and_keep_neighbours_apart(data_dir):
    rng = Random(0)
    words = [f"word{chr(97 + i)}{chr(97 + j)}" for i in range(8) for j in range(8)]
    body = [f"{' '.join(rng.choices(words, k=5))}.\tphrase {i}.\tby me" for i in range(3000)]
    (data_dir / "fra.txt").write_text("\n".join(body), encoding="utf-8")
    before = everything()
    (data_dir / "fra.txt").write_text("\n".join(reversed(body[500:])), encoding="utf-8")
    after = everything()
    assert after == {pair: before[pair] for pair in after}
    shares = Counter(before.values())
    assert all(shares[split] >= 20 for split in PAIR_SPLITS), shares
    seen = defaultdict(set)
    for (source, _), split in before.items():
        longer = [word for word in source.split() if len(word) > 3]
        seen[split] |= set(pairwise(longer))
    assert seen["combinations"] - seen["train"] - seen["test"]
    first = load_pairs("translation", scale="full", n=5)
    assert lines(first) == lines(load_pairs("translation", scale="full"))[:5]
    with pytest.raises(ValueError, match=r"n=99999 pairs.*its test split has"):
        load_pairs("translation", "test", scale="full", n=99_999)


def test_what_is_wrong_with_a_real_file_is_said(data_dir):
    with pytest.raises(FileNotFoundError, match=r"fra.txt.*manythings.org.*train.en.gz.*multi30k"):
        load_pairs("translation", scale="full")
    file = data_dir / "fra.txt"
    file.write_text("Go.\tVa !\nbroken line\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"fra.txt, line 2 is not English<TAB>French: 'broken"):
        load_pairs("translation", scale="full")
    file.write_bytes("Go.\tArr\u00eate.\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"fra.txt is damaged"):
        load_pairs("translation", scale="full")
    file.unlink()
    (data_dir / "fra.txt.gz").write_bytes(gzip.compress(TATOEBA.encode())[:-20])
    with pytest.raises(ValueError, match=r"fra.txt.gz is damaged"):
        load_pairs("translation", scale="full")


def test_long_and_empty_sentences_are_left_out(data_dir):
    long = " ".join(["a"] * 41)
    (data_dir / "fra.txt").write_text(f"{long}\tb\n \tc\nGo.\tVa !\n", encoding="utf-8")
    assert list(everything()) == [("go .", "va !")]


def test_tidy_composes_letters_and_splits_marks():
    assert tidy("Pre\u0301nom :\u00a0«\u202fC'est-à-dire\u202f»?", french=True) == (
        "prénom : « c' est-à-dire » ?"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "translations"}, "Did you mean 'translation'"),
        ({"split": "combination"}, "Did you mean 'combinations'"),
        ({"scale": "big"}, "unknown scale 'big'"),
        ({"n": 0}, "n=0 is not a whole number of pairs"),
        ({"n": True}, "n=True is not"),
        ({"seed": -1}, "seed=-1 is not"),
    ],
)
def test_bad_requests(options, message):
    with pytest.raises(ValueError, match=message):
        load_pairs(**({"name": "translation"} | options))


def test_load_points_to_load_pairs():
    with pytest.raises(ValueError, match=r"ask for load_pairs\('translation'\)"):
        load("translation")


def test_the_data_cards_show_examples(splits):
    page = package_pages.data_cards()
    assert 'd2l.data.load_pairs("translation")' in page
    train = splits["train"]
    assert train.source[0] in page
    assert train.target[0] in page
