"""Neighbours of word vectors, held against scikit-learn's exact search and against sorted products."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from repro.errors import ReproError
from repro.metrics.words import BLOCK, nearest


@pytest.mark.parametrize("offset", [0, 30, 3000])  # of all words, whose digits are lost to |a|² + |b|² − 2 a·b
def test_neighbours_are_those_of_an_exact_search(offset: float) -> None:
    rng = np.random.default_rng(0)
    table = (rng.normal(size=(700, 8)) + offset).astype(np.float32)
    table[7] = table[8] + np.float32(1e-3)  # near each other, and far from the rest
    table[5] = table[6]  # of two equal words each is the other's neighbour, at distance 0
    asked = rng.permutation(700)[: BLOCK + 30]
    distances, products = nearest(table, asked, 7)
    centred = table.astype(np.float64) - offset
    search = NearestNeighbors(algorithm="kd_tree").fit(centred)  # of differences, as `brute` is not
    theirs = search.kneighbors(centred[asked], 8)[0][:, 1:]  # the first is the word itself, or as near
    np.testing.assert_allclose(distances, theirs, rtol=1e-6)
    for word, ours in zip(asked, products, strict=True):
        others = np.delete(table, word, axis=0).astype(np.float64) @ table[word]
        np.testing.assert_allclose(ours, np.sort(others)[:-8:-1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [1e-25, 1e20])
def test_tables_of_any_size_have_the_same_neighbours(scale: float) -> None:
    table = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    asked = np.arange(20)
    plain, scaled = nearest(table, asked, 3), nearest(table * np.float32(scale), asked, 3)
    np.testing.assert_allclose(scaled[0], plain[0] * scale, rtol=1e-5)
    np.testing.assert_allclose(scaled[1], plain[1] * scale**2, rtol=1e-5)


@pytest.mark.parametrize("apart", [1e3, 1e5])
def test_a_word_far_from_the_others_costs_these_no_digits(apart: float) -> None:
    """Two clusters on either side of the origin: no common offset is theirs."""
    table = np.random.default_rng(0).normal(size=(600, 8)).astype(np.float32)
    table[:300] += np.float32(apart)
    table[300:] -= np.float32(apart)
    asked = np.arange(0, 600, 7)
    search = NearestNeighbors(algorithm="kd_tree").fit(table.astype(np.float64))
    theirs = search.kneighbors(table[asked].astype(np.float64), 8)[0][:, 1:]
    np.testing.assert_allclose(nearest(table, asked, 7)[0], theirs, rtol=1e-9)


def test_the_largest_product_is_not_with_the_nearest() -> None:
    """Closed form: 1 is nearest to 2, and has its largest product with 9."""
    distances, products = nearest(np.array([[1.0], [2.0], [9.0]], np.float32), np.array([0]), 2)
    assert distances.tolist() == [[1, 8]]
    assert products.tolist() == [[9, 2]]


def test_fewer_words_than_neighbours_are_refused() -> None:
    with pytest.raises(ReproError, match="a vocabulary of 3 has no 3 neighbours"):
        nearest(np.eye(3, dtype=np.float32), np.array([0]), 3)
