"""Blobs that only their maker knows again."""

import base64

from rotom.simulator.seal import BareSeal, Seal


def test_only_its_own_and_unchanged():
    seal = Seal(lambda: 1_795_330_000.0)
    blob = seal.make()
    assert blob.startswith("gAAAAA")
    assert blob != seal.make()
    assert seal.good(blob)
    assert not Seal(lambda: 1_795_330_000.0).good(blob)
    for other in ("", "gAAAA", blob[:-5] + "AAAA=", "A" + blob[1:], blob + "\u1234"):
        assert not seal.good(other)
    assert seal.good(seal.make("one"), "one")
    assert not seal.good(seal.make("one"), "another")


def test_the_other_form_has_no_padding_and_no_mark():
    seal = BareSeal(lambda: 0.0)
    blob = seal.make()
    assert seal.good(blob)
    assert "=" not in blob
    assert len(base64.b64decode(blob + "=" * (-len(blob) % 4), validate=True)) > 43
    another = ("B" if blob.startswith("A") else "A") + blob[1:]
    for other in ("", "gAAAA", blob[:-5] + "AAAA", another, blob + "\u1234", Seal(lambda: 0.0).make()):
        assert not seal.good(other)
