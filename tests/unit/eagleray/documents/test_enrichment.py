from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from eagleray.contracts.documents import DeadLetter, Document
from eagleray.contracts.enrichment import RefusedDocument, WorkerResources
from eagleray.documents.enrichment import (
    MAX_BATCH_CHARACTERS,
    cut_batches,
    describe_enrichers,
    digest_preparation,
    enrich_batch,
    open_enricher,
)
from eagleray.errors import InputError


class Toy:
    name, digest, batch_size, resources = "toy", "1", 3, WorkerResources()

    def __init__(self, change=lambda document: document):
        self._change = change
        self.seen = []

    def enrich(self, documents):
        self.seen.append([document.doc_id for document in documents])
        return [self._change(document) for document in documents]


class Nameless(Toy):
    name = "No Name"


class Broken:
    def __init__(self):
        raise OSError("no model")


def document(number, text="A bond.", **more):
    return Document(doc_id=f"d{number}", title="", text=text, known_from=1, source="desk/a.jsonl", **more)


DOCUMENTS = [document(number, attributes={"year": 2000 + number}) for number in range(7)]


def path_of(kind):
    return f"{__name__}:{kind.__name__}"


def add(**attributes):
    return lambda document: replace(document, attributes={**document.attributes, **attributes})


def test_attributes_are_added_sorted_and_typed():
    change = add(topics=["rates", "fx"], area="desk", rank=0.5, flag=True, ten=10)
    (found,) = enrich_batch(Toy(change), DOCUMENTS[:1])
    expected = {"area": "desk", "flag": True, "rank": 0.5, "ten": 10, "topics": ("rates", "fx"), "year": 2000}
    assert found == replace(DOCUMENTS[0], attributes=expected)
    assert list(found.attributes) == sorted(expected)
    assert [type(value) for value in found.attributes.values()] == [str, bool, float, int, tuple, int]


@pytest.mark.parametrize(
    "change",
    [
        lambda document: replace(document, groups=("everybody",)),
        lambda document: replace(document, text="other"),
        lambda document: replace(document, known_from=0),
        lambda document: replace(document, doc_id="another"),
        lambda document: replace(document, zone="tokyo"),
        lambda document: None,
        lambda document: {"text": "other"},
    ],
)
def test_nothing_but_attributes_may_change(change):
    (letter,) = enrich_batch(Toy(change), DOCUMENTS[:1])
    assert (letter.doc_id, letter.source, letter.reason) == ("d0", "desk/a.jsonl", "enricher_failed")
    assert "something else than the document" in letter.detail


@pytest.mark.parametrize(
    ("attributes", "reason", "part"),
    [
        ({"x": float("nan")}, "wrong_type", "finite number"),
        ({"x": 2**64}, "wrong_type", "64-bit integer"),
        ({"x": {"y": 1}}, "wrong_type", "expected text, a number"),
        ({"": 1}, "wrong_type", "name of an attribute"),
        ({"x": "\ud800"}, "invalid_encoding", "attribute: "),
        ({f"a{number}": 1 for number in range(1_100)}, "wrong_type", "at most 1024 attributes"),
    ],
)
def test_attributes_that_cannot_be_stored_are_a_dead_letter(attributes, reason, part):
    (letter,) = enrich_batch(Toy(add(**attributes)), DOCUMENTS[:1])
    assert (letter.reason, part in letter.detail) == (reason, True), letter


def test_a_refusal_is_a_dead_letter_with_its_sentence_alone():
    items = enrich_batch(
        Toy(lambda given: RefusedDocument(detail="a draft") if given.doc_id == "d1" else given), DOCUMENTS
    )
    letters = [item for item in items if isinstance(item, DeadLetter)]
    assert [(letter.doc_id, letter.reason, letter.detail) for letter in letters] == [
        ("d1", "refused", "toy: a draft")
    ]


def test_of_a_batch_that_fails_only_those_are_set_aside_that_fail_alone():
    def fail(given):
        given.attributes["half"] = "done"
        if given.doc_id in ("d2", "d5"):
            raise ZeroDivisionError(given.text)
        return given

    toy = Toy(fail)
    items = enrich_batch(toy, DOCUMENTS)
    letters = [item for item in items if isinstance(item, DeadLetter)]
    assert [letter.doc_id for letter in letters] == ["d2", "d5"]
    assert {letter.reason for letter in letters} == {"enricher_failed"}
    assert all("ZeroDivisionError" in letter.detail for letter in letters)
    assert not any("bond" in letter.detail for letter in letters)
    assert [item.doc_id for item in items] == [f"d{number}" for number in range(7)]
    assert len(toy.seen) == 1 + len(DOCUMENTS)
    assert DOCUMENTS[0].attributes == {"year": 2000}, "what came in was changed in place"


def test_a_batch_of_another_length_is_set_aside_whole():
    toy = Toy()
    toy.enrich = lambda documents: documents[1:]
    assert [item.reason for item in enrich_batch(toy, DOCUMENTS[:3])] == ["enricher_failed"] * 3


def test_batches_are_consecutive_and_bounded_in_documents_and_characters():
    batches = list(cut_batches(iter(DOCUMENTS), size=3))
    assert [[item.doc_id for item in batch] for batch in batches] == [
        ["d0", "d1", "d2"],
        ["d3", "d4", "d5"],
        ["d6"],
    ]
    half = "x" * (MAX_BATCH_CHARACTERS // 2)
    large = [document(1, half), document(2, half), document(3, half), document(4, half * 3), document(5)]
    assert [len(batch) for batch in cut_batches(large, size=9)] == [2, 1, 1, 1]
    assert list(cut_batches([], size=3)) == []


def test_an_enricher_is_opened_by_its_name_and_must_be_the_one_that_was_planned():
    (spec,) = describe_enrichers([path_of(Toy)])
    assert (spec.name, spec.digest, spec.batch_size) == ("toy", "1", 3)
    assert open_enricher(spec).name == "toy"
    with pytest.raises(InputError, match="expected the digest other, found 1"):
        open_enricher(replace(spec, digest="other"))


@pytest.mark.parametrize(
    ("paths", "part"),
    [
        (["no.such.module:Toy"], "ModuleNotFoundError"),
        ([f"{__name__}:Missing"], "AttributeError"),
        ([__name__], "package.module:attribute"),
        ([path_of(Broken)], "OSError: no model"),
        ([path_of(Nameless)], "lower-case letters"),
        (["builtins:dict"], "has no attribute 'name'"),
        ([path_of(Toy), path_of(Toy)], "two enrichers have the name 'toy'"),
    ],
)
def test_what_is_no_enricher_is_refused_before_a_run(paths, part):
    with pytest.raises(InputError) as caught:
        describe_enrichers(paths)
    assert part in str(caught.value)


def test_without_an_enricher_the_mappings_digest_stays_and_each_of_an_enrichers_facts_changes_it():
    (spec,) = describe_enrichers([path_of(Toy)])
    digests = {
        digest_preparation("m", specs)
        for specs in (
            (),
            (spec,),
            (spec, spec),
            (replace(spec, digest="2"),),
            (replace(spec, name="b"),),
            (replace(spec, batch_size=4),),
        )
    }
    assert digest_preparation("m", ()) == "m"
    assert len(digests) == 6


def test_the_enricher_on_the_page_does_what_the_page_says():
    page = (Path(__file__).parents[4] / "docs" / "enrichment.md").read_text()
    names = {}
    exec(page.split("```python\n")[1].split("```")[0], names)  # noqa: S102 - our own page
    given = [
        document(1, "Was die Anleihe kostet."),
        replace(document(2), title="DRAFT of a note"),
        document(3),
    ]
    german, draft, english = enrich_batch(names["Languages"](), given)
    assert (german.attributes, english.attributes) == ({"language": "de"}, {"language": "en"})
    assert draft.detail == "languages: it is a draft; deliver it when it is final"
