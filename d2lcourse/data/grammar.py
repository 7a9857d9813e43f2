"""A small English-French grammar: sentences with agreement, reordering and elision.

Every sentence is built in both languages at once from one tree, so its translation is exact. French
asks for more than words: articles and adjectives agree with the noun, most adjectives follow it,
pronoun objects precede the verb, negation goes around it, and a past participle agrees with a
pronoun that stands before it. The word list and the rules are the book's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import NamedTuple, TypeVar

T = TypeVar("T")

# english, plural, french, plural, gender, kind: 0 for a thing, 1 for an animal, 2 for a person
_NOUNS = """
cat cats chat chats m 1|dog dogs chien chiens m 1|bird birds oiseau oiseaux m 1
horse horses cheval chevaux m 1|child children enfant enfants m 2|king kings roi rois m 2
cow cows vache vaches f 1|mouse mice souris souris f 1|bee bees abeille abeilles f 1
girl girls fille filles f 2|aunt aunts tante tantes f 2|queen queens reine reines f 2
book books livre livres m 0|tree trees arbre arbres m 0|hat hats chapeau chapeaux m 0
garden gardens jardin jardins m 0|apple apples pomme pommes f 0|house houses maison maisons f 0
flower flowers fleur fleurs f 0|star stars étoile étoiles f 0
"""
# english, french for m, f, m plural, f plural, m before a vowel; goes before the noun; kinds
_ADJECTIVES = """
small petit petite petits petites petit 1 012|big grand grande grands grandes grand 1 012
beautiful beau belle beaux belles bel 1 012|old vieux vieille vieux vieilles vieil 1 012
new nouveau nouvelle nouveaux nouvelles nouvel 1 0|pretty joli jolie jolis jolies joli 1 012
young jeune jeune jeunes jeunes jeune 1 12|red rouge rouge rouges rouges rouge 0 01
green vert verte verts vertes vert 0 01|black noir noire noirs noires noir 0 01
white blanc blanche blancs blanches blanc 0 01|heavy lourd lourde lourds lourdes lourd 0 01
dirty sale sale sales sales sale 0 01|happy heureux heureuse heureux heureuses heureux 0 12
tired fatigué fatiguée fatigués fatiguées fatigué 0 12
"""
# english: base, with he, past; french: with il, ils, participle; takes an object; être
_VERBS = """
see sees saw voit voient vu 1 0|love loves loved aime aiment aimé 1 0
find finds found trouve trouvent trouvé 1 0|draw draws drew dessine dessinent dessiné 1 0
wash washes washed lave lavent lavé 1 0|avoid avoids avoided évite évitent évité 1 0
hear hears heard entend entendent entendu 1 0|follow follows followed suit suivent suivi 1 0
sleep sleeps slept dort dorment dormi 0 0|sing sings sang chante chantent chanté 0 0
work works worked travaille travaillent travaillé 0 0|wait waits waited attend attendent attendu 0 0
fall falls fell tombe tombent tombé 0 1|arrive arrives arrived arrive arrivent arrivé 0 1
"""
# english for one and for several; french for m, f, and both in the plural ("-": no such form)
_DETERMINERS = """
the the le la les|a some un une des|this these ce cette ces|my my mon ma mes|his his son sa ses
her her son sa ses|- two - - deux|- three - - trois
"""
_PLACES = "near/près de|behind/derrière"
_ADVERBS = {"not": "pas", "never": "jamais", "often": "souvent", "always": "toujours"}
_AVOIR, _ETRE, _ETAIT = ("a", "ont"), ("est", "sont"), ("était", "étaient")
_JOINTS = {"and": "et", "but": "mais", "because": "parce que"}
_VOWELS = "aeiouâéèêîôû"
# Words that change before a vowel.
_ELISION = {"le": "l'", "la": "l'", "ne": "n'", "de": "d'", "que": "qu'"}
_ELISION |= {"ce": "cet", "ma": "mon", "sa": "son"}
_CONTRACTION = {"le": "du", "les": "des", "des": "de", "de": "de"}  # after "de"


def _table(text: str) -> list[list[str]]:
    return [entry.split() for line in text.strip().split("\n") for entry in line.split("|")]


NOUNS, ADJECTIVES, VERBS = _table(_NOUNS), _table(_ADJECTIVES), _table(_VERBS)
DETERMINERS = _table(_DETERMINERS)
TRANSITIVE = [verb for verb in VERBS if verb[6] == "1"]
INTRANSITIVE = [verb for verb in VERBS if verb[6] == "0"]
LIVING = [noun for noun in NOUNS if noun[5] != "0"]
THINGS = [noun for noun in NOUNS if noun[5] == "0"]


def held_out(noun: list[str], adjective: list[str]) -> bool:
    """Say whether this noun and this adjective never meet in training: one pair in seven."""
    return (NOUNS.index(noun) + 3 * ADJECTIVES.index(adjective)) % 7 == 0


@dataclass(frozen=True)
class Sentence:
    """One sentence in both languages; `novel` if it joins a held-out noun and adjective."""

    english: str
    french: str
    novel: bool


class _Phrase(NamedTuple):
    """A piece of a sentence in both languages, with what the rest must agree with."""

    english: list[str]
    french: list[str]
    female: bool = False
    plural: bool = False
    noun: list[str] | None = None


_SUBJECTS = [
    _Phrase(["he"], ["il"]),
    _Phrase(["she"], ["elle"], female=True),
    _Phrase(["they"], ["ils"], plural=True),
]
_OBJECTS = [
    _Phrase(["him"], ["le"]),
    _Phrase(["her"], ["la"], female=True),
    _Phrase(["them"], ["les"], plural=True),
]


class Grammar:
    """Draws sentences; the same generator gives the same sentences everywhere."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.novel = False  # a held-out pair was drawn
        self.plain = (
            False  # of two clauses neither has adjectives by its nouns, or a relative clause
        )

    def sentence(self) -> Sentence:
        """Return a new sentence of one clause or two."""
        self.novel, self.plain = False, self._chance(0.1)
        english, french = self._clause()
        if self.plain:
            joint = self._pick(list(_JOINTS))
            more = self._clause()
            english, french = english + [joint] + more[0], french + _JOINTS[joint].split() + more[1]
        return Sentence(" ".join(english), " ".join(_spell(french)), self.novel)

    # Only random() is drawn from: Python promises its stream for ever.
    def _chance(self, share: float) -> bool:
        return self.rng.random() < share

    def _pick(self, options: Sequence[T]) -> T:
        return options[int(self.rng.random() * len(options))]

    def _clause(self) -> tuple[list[str], list[str]]:
        pronoun, kind = self._chance(0.25), self.rng.random()
        if kind < 0.2:  # "the cat is black"
            subject = self._pick(_SUBJECTS) if pronoun else self._noun_phrase(NOUNS, True)
            return self._is(subject)
        subject = self._pick(_SUBJECTS) if pronoun else self._noun_phrase(LIVING, True)
        if kind < 0.45:
            english, french = self._acts(subject, self._pick(INTRANSITIVE), adverb=self._adverb())
            if self._chance(0.7):
                place = self._pick(_PLACES.split("|")).split("/")
                where = self._noun_phrase(THINGS)
                english += place[0].split() + where.english
                french += place[1].split() + where.french
            return english, french
        verb = self._pick(TRANSITIVE)
        takes = "pronoun" if self._chance(0.25) else "noun"
        return self._acts(subject, verb, takes, self._adverb(), True)

    def _noun_phrase(
        self, nouns: list[list[str]], relative: bool = False, none: bool = False
    ) -> _Phrase:
        """Return a determiner, a noun and its adjectives, and at times a relative clause.

        With `none` the phrase is the object of a negated verb: "un chat" becomes "de chat".
        """
        noun = self._pick(nouns)
        words = self._pick([d for d in DETERMINERS if not (none and d[1] == "some")])
        if self._chance(0.25):
            words = DETERMINERS[0]
        if none and self._chance(0.25):
            words = ["a", "-", "de", "de", "-"]
        forms = [number for number in (0, 1) if words[number] != "-"]
        plural, female = bool(self._pick(forms)), noun[4] == "f"
        before = None if self.plain or self._chance(0.7) else self._adjective(noun, True)
        after = None if self.plain or self._chance(0.75) else self._adjective(noun, False)
        described = [adjective for adjective in (before, after) if adjective]
        english = [words[plural], *(adjective[0] for adjective in described), noun[plural]]
        if english[0] == "a" and english[1][0] in _VOWELS:
            english[0] = "an"
        article = words[4] if plural else words[2 + female]
        french = ["de" if article == "des" and before else article]
        french += [_agree(before, female, plural, noun[2])] if before else []
        french += [noun[2 + plural]]
        french += [_agree(after, female, plural)] if after else []
        phrase = _Phrase(english, french, female, plural, noun)
        return (
            self._relative(phrase) if relative and not self.plain and self._chance(0.12) else phrase
        )

    def _adjective(self, noun: list[str], before: bool) -> list[str]:
        fitting = [a for a in ADJECTIVES if a[6] == "01"[before] and noun[5] in a[7]]
        adjective = self._pick(fitting)
        self.novel |= held_out(noun, adjective)
        return adjective

    def _relative(self, head: _Phrase) -> _Phrase:
        """Add "that sees the dog" (a living head only) or "that the dog sees"."""
        if head.noun in LIVING and self._chance(0.5):
            silent = _Phrase([], [], head.female, head.plural, head.noun)
            verb = self._pick(VERBS)
            more = self._acts(silent, verb, "noun" if verb in TRANSITIVE else "")
            link = "qui"
        else:
            subject = self._pick(_SUBJECTS) if self._chance(0.4) else self._noun_phrase(LIVING)
            verb = self._pick(TRANSITIVE)
            more = (
                [*subject.english, verb[not subject.plural]],
                [*subject.french, verb[3 + subject.plural]],
            )
            link = "que"
        return head._replace(
            english=[*head.english, "that", *more[0]], french=[*head.french, link, *more[1]]
        )

    def _adverb(self) -> str:
        return self._pick(["not"] * 5 + ["never", "often", "always"] * 2 + [""] * 14)

    def _is(self, subject: _Phrase) -> tuple[list[str], list[str]]:
        past, adverb = self._chance(0.35), self._adverb()
        if subject.noun:
            adjective = self._adjective(subject.noun, self._chance(0.4))
        else:
            adjective = self._pick([a for a in ADJECTIVES if "2" in a[7]])
        copula = (("is", "are"), ("was", "were"))[past][subject.plural]
        est = (_ETAIT if past else _ETRE)[subject.plural]
        english = [*subject.english, copula, *([adverb] if adverb else []), adjective[0]]
        french = [*subject.french, *_around([], est, adverb)]
        return english, [*french, _agree(adjective, subject.female, subject.plural)]

    def _acts(
        self,
        subject: _Phrase,
        verb: list[str],
        takes: str = "",
        adverb: str = "",
        relative: bool = False,
    ) -> tuple[list[str], list[str]]:
        """Return subject, verb and object; the object may have a relative clause if `relative`."""
        past = self._chance(0.35)
        clitic = self._pick(_OBJECTS) if takes == "pronoun" else None
        what = None
        if takes == "noun":
            what = self._noun_phrase(NOUNS, relative, none=adverb in ("not", "never"))

        if adverb == "not":
            english = ["did" if past else "do" if subject.plural else "does", "not", verb[0]]
        else:
            english = [adverb] if adverb else []
            english += [verb[2] if past else verb[0] if subject.plural else verb[1]]
        finite, tail = verb[3 + subject.plural], []
        if past:
            etre = verb[7] == "1"
            finite = (_ETRE if etre else _AVOIR)[subject.plural]
            tail = [_participle(verb[5], subject if etre else clitic)]
        french = [*_around(clitic.french if clitic else [], finite, adverb), *tail]

        given = what or clitic
        english = [*subject.english, *english, *(given.english if given else [])]
        return english, [*subject.french, *french, *(what.french if what else [])]


def _around(clitic: list[str], finite: str, adverb: str) -> list[str]:
    """Return "ne le voit pas": negation around the pronoun and the finite verb."""
    negated = adverb in ("not", "never")
    return [*(["ne"] if negated else []), *clitic, finite, *([_ADVERBS[adverb]] if adverb else [])]


def _agree(adjective: list[str], female: bool, plural: bool, noun: str = "") -> str:
    """Return the adjective's form; before a masculine noun with a vowel, "vieil" for "vieux"."""
    if noun and noun[0] in _VOWELS and not (female or plural):
        return adjective[5]
    return adjective[1 + female + 2 * plural]


def _participle(form: str, governor: _Phrase | None) -> str:
    return form + ("e" * governor.female + "s" * governor.plural if governor else "")


def _spell(words: list[str]) -> list[str]:
    """Apply what French does where words meet: "le arbre" is "l' arbre", "de le", "du"."""
    joined: list[str] = []
    for word, follower in pairwise([*words, "-"]):
        elided = word in _ELISION and follower[0] in _VOWELS
        if joined and joined[-1] == "de" and word in _CONTRACTION and not elided:
            joined[-1] = _CONTRACTION[word]
        else:
            joined.append(word)
    return [
        _ELISION.get(word, word) if follower[0] in _VOWELS else word
        for word, follower in pairwise([*joined, "-"])
    ]
