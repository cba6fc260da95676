"""Blobs that only their maker knows again."""

from rotom.simulator.seal import Seal


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
