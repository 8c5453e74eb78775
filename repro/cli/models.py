"""Commands on one model: train it, encode with it. Each reads its arguments, calls, and prints."""

from __future__ import annotations

import argparse

from repro.cli.bar import listening
from repro.cli.general import read_by, suite_of
from repro.errors import ReproError


def train(arguments: argparse.Namespace) -> int:
    """Train one model; under torchrun every process takes its share of each batch, and the first one writes."""
    import shutil
    from dataclasses import replace

    from repro.encoders.transformer import pick_device
    from repro.paths import new_folder, output_folder
    from repro.training import setups
    from repro.training.recipe import SELECTIONS, TRAINABLE
    from repro.training.train import Material, data_parallel, train
    from repro.training.trainer import Options, native_dtype

    suite = suite_of(arguments)
    if arguments.output:
        output_folder(arguments.output, new=True)
    recipe = setups.setup(arguments.recipe, arguments.base)
    if recipe.sample is not None and arguments.sample is not None:
        raise ReproError(f"{arguments.recipe} names a sample, and --sample another; leave one out")
    recipe = recipe.cut(arguments.sample)
    if arguments.pooling is not None:
        if arguments.pooling not in TRAINABLE:
            raise ReproError(
                f"pooling {arguments.pooling!r} cannot be trained and saved; choose from {', '.join(TRAINABLE)}"
            )
        if does := {"cross": "reads two sentences at once", "language": "guesses words"}.get(recipe.learner):
            raise ReproError(f"{arguments.recipe} {does} and pools nothing; leave out --pooling")
        if arguments.base and "pooling" in setups.named_settings(arguments.base):
            raise ReproError(f"{arguments.base} names a pooling, and --pooling another; leave one out")
        recipe = setups.pooled(recipe, arguments.pooling)
    dtype = native_dtype(pick_device(arguments.device)) if arguments.dtype == "auto" else arguments.dtype
    options = Options(arguments.accumulate, arguments.checkpoint_every, dtype, at_most=arguments.sample is not None)
    material = Material(suite.examples, suite.dev, suite.synonyms)
    with data_parallel() as first, listening(first):
        model = train(recipe, arguments.seed, material, arguments.device, options)
        if not first:
            return 0
    if arguments.output:
        with new_folder(arguments.output) as unfinished:
            shutil.copytree(model.folder, unfinished, dirs_exist_ok=True)
        model = replace(model, folder=arguments.output)
    dev = model.about["dev"]
    look = f", {SELECTIONS[recipe.select]}: {dev:.2f}" if dev is not None else ""
    print(f"{model.folder}: {model.about['steps']} steps{look}")
    return 0


def encode(arguments: argparse.Namespace) -> int:
    """Write the vectors of a file's sentences as an array of numpy."""
    import numpy as np

    from repro.data.lines import is_file, own_lines
    from repro.evaluation.fitting import embed
    from repro.paths import new_file, output_file

    is_file(arguments.file)  # a folder is told before what may be below it
    output_file(arguments.output, read_by(arguments))
    sentences = own_lines(arguments.file)
    with listening():
        encoded = embed(arguments.encoder, sentences, suite_of(arguments), arguments.device, arguments.dtype)
    with new_file(arguments.output) as unfinished, unfinished.open("wb") as file:
        np.save(file, encoded.vectors)
    note = f", {encoded.zero_vectors} without a known word" if encoded.zero_vectors else ""
    print(f"wrote {arguments.output}: {encoded.vectors.shape[0]} × {encoded.vectors.shape[1]} float32{note}")
    return 0
