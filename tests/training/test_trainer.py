"""The trainer on a two-layer BERT: what a run gives must not depend on how it was run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from repro.encoders.recipe import TransformerRecipe
from repro.errors import ReproError
from repro.training import checkpoint, models, trainer
from repro.training.contrastive import ContrastiveRecipe
from repro.training.data import Examples
from repro.training.models import Learner
from repro.training.recipe import TrainedRecipe
from repro.training.train import LEARNERS
from tests.conftest import WORDS

OBJECTIVES = ("softmax", "cosine", "triplet", "contrastive", "cross-softmax", "cross-regression")
DIVISIBLE = tuple(name for name in OBJECTIVES if name != "contrastive")  # its examples are each other's negatives


def recipe(base: Path, objective: str, **settings: object) -> TrainedRecipe:
    kind = ContrastiveRecipe if objective == "contrastive" else TrainedRecipe
    found = kind(TransformerRecipe(str(base), pooling="mean"), "stsb", objective, batch_size=8, epochs=2)
    return replace(found, **{"learning_rate": 1e-3, **settings})


def examples(objective: str, count: int = 50) -> Examples:
    """Random sentences of one to eleven words with random labels."""
    rng = np.random.default_rng(0)
    columns = tuple(
        tuple(" ".join(rng.choice(WORDS, rng.integers(1, 12))) for _ in range(count))
        for _ in range(3 if objective in ("triplet", "contrastive") else 2)
    )
    if "softmax" in objective:
        return Examples(columns, rng.integers(0, 3, count), 3)
    return Examples(columns, None if len(columns) == 3 else rng.uniform(0, 5, count).astype(np.float32))


def learner(made: TrainedRecipe, data: Examples | None = None) -> Learner:
    torch.manual_seed(0)
    assert isinstance(made.base, TransformerRecipe)
    return LEARNERS[made.learner](made.base, made, data or examples(made.objective), "cpu")


def run(made: TrainedRecipe, folder: Path, options: trainer.Options | None = None, **more: object) -> dict[str, Tensor]:
    """Weights after a training in `folder`."""
    found = learner(made)
    trainer.train(found, 50, made, seed=3, folder=folder, identity="x", options=options, **more)  # type: ignore[arg-type]
    return {name: value.clone() for name, value in found.module.state_dict().items()}


def assert_same(first: dict[str, Tensor], second: dict[str, Tensor], atol: float = 0) -> None:
    """Equal bits; with `atol`, equal to that, and to a float32's precision where numbers are large."""
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(
            value, second[name], atol=atol, rtol=1e-5 if atol else 0, msg=lambda text, name=name: f"{name}: {text}"
        )


@contextmanager
def killed_at(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A kill in the middle of a training: the gradient of that step is never finished."""
    real, seen = trainer._gradients, []

    def gradients(*arguments: object) -> float:
        seen.append(1)
        if len(seen) > step:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "_gradients", gradients)
        with pytest.raises(KeyboardInterrupt):
            yield


def test_the_softmax_classifier_of_early_releases_stays_as_it_was_drawn(tiny_bert: Path, tmp_path: Path) -> None:
    made = recipe(tiny_bert, "softmax-drawn")
    before = learner(made).module.state_dict()
    after = run(made, tmp_path)
    still = {name for name, value in after.items() if torch.equal(value, before[name])}
    moving = {name for name in after if name.endswith(("weight", "bias"))} - still
    assert {"objective.classifier.weight", "objective.classifier.bias"} <= still
    assert len(moving) == len([name for name in after if name.endswith(("weight", "bias"))]) - 2


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_parameter_gets_a_gradient_and_moves(tiny_bert: Path, tmp_path: Path, objective: str) -> None:
    made = recipe(tiny_bert, objective)
    found = learner(made)
    found.module.train()
    found.loss(np.arange(8)).backward()
    without = [name for name, parameter in found.module.named_parameters() if parameter.grad is None]
    assert without == []
    before = learner(made).module.state_dict()
    after = run(made, tmp_path)
    still = {name for name, value in after.items() if torch.equal(value, before[name])}
    assert not {name for name in still if name.endswith(("weight", "bias"))}


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("step", [1, 5, 9])
def test_a_training_that_was_killed_and_resumed_ends_with_the_same_weights(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objective: str, step: int
) -> None:
    made = recipe(tiny_bert, objective)
    options = trainer.Options(checkpoint_every=2)
    whole = run(made, tmp_path / "whole", options)
    with killed_at(step, monkeypatch):
        run(made, tmp_path / "cut", options)
    assert_same(run(made, tmp_path / "cut", options), whole)
    logs = [trainer.read_log(tmp_path / name / trainer.LOG) for name in ("whole", "cut")]
    assert [line["step"] for line in logs[0]] == [line["step"] for line in logs[1]]


def test_a_checkpoint_holds_the_moments_while_steps_remain(tiny_bert: Path, tmp_path: Path) -> None:
    from safetensors import safe_open

    run(recipe(tiny_bert, "cosine"), tmp_path, trainer.Options(checkpoint_every=6))  # of 8 steps
    kinds = {}
    for name in (checkpoint.BEFORE, checkpoint.NAME):
        with safe_open(tmp_path / name, framework="pt") as file:
            kinds[name] = {key.partition(".")[0] for key in file.keys()}  # noqa: SIM118
    assert kinds == {checkpoint.BEFORE: {"weights", *checkpoint.MOMENTS}, checkpoint.NAME: {"weights"}}


def test_the_best_model_is_kept_over_a_kill(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = recipe(tiny_bert, "cosine", select_every=2)
    options = trainer.Options(checkpoint_every=1)

    def looks() -> Iterator[float]:
        yield from (10.0, 30.0, 20.0, 30.0, 5.0, 5.0, 5.0, 5.0)

    def scored(folder: Path, scores: Iterator[float]) -> dict[str, Tensor]:
        return run(made, folder, options, dev=lambda: next(scores))

    best = scored(tmp_path / "whole", looks())
    place = checkpoint.load(tmp_path / "whole", "x", (found := learner(made)).module, trainer._optimizer(found, made))
    assert place.best is not None
    assert (place.best.step, place.best.score) == (4, 30.0)  # the first of equals
    scores = looks()
    with killed_at(7, monkeypatch):
        scored(tmp_path / "cut", scores)
    assert_same(scored(tmp_path / "cut", scores), best)
    last = run(replace(made, select_every=None), tmp_path / "last", options)
    assert any(not torch.equal(last[name], value) for name, value in best.items())


@pytest.mark.parametrize("objective", DIVISIBLE)
@pytest.mark.parametrize("parts", [2, 3])
def test_accumulated_gradients_are_those_of_the_whole_batch(tiny_bert: Path, objective: str, parts: int) -> None:
    grads = []
    for options in (trainer.Options(), trainer.Options(accumulate=parts)):
        found = learner(recipe(tiny_bert, objective))
        found.module.eval()  # without dropout
        trainer._gradients(found, np.arange(10, 26), 0, 1, options)
        grads.append({name: p.grad for name, p in found.module.named_parameters() if p.grad is not None})
    assert_same(grads[0], grads[1], atol=1e-6)


@pytest.mark.parametrize("objective", ["softmax", "cosine", "triplet", "contrastive"])
def test_groups_of_like_length_give_the_gradient_of_one_padded_batch(
    tiny_bert: Path, monkeypatch: pytest.MonkeyPatch, objective: str
) -> None:
    grads = []
    for size in (3, 1000):
        monkeypatch.setitem(models.GROUP, "cpu", size)
        found = learner(recipe(tiny_bert, objective))
        found.module.eval()
        trainer._gradients(found, np.arange(16), 0, 1, trainer.Options())
        grads.append({name: p.grad for name, p in found.module.named_parameters() if p.grad is not None})
    assert_same(grads[0], grads[1], atol=1e-6)


DISTRIBUTED = """
import sys, numpy as np, torch
from pathlib import Path
from safetensors.torch import save_file
from torch import distributed
from tests.training.test_trainer import examples, learner, recipe
from repro.training import trainer
from repro.training.train import data_parallel
base, out = Path(sys.argv[1]), Path(sys.argv[2])
with data_parallel() as first:
    for objective, count in (case.split("-") for case in sys.argv[3:]):
        found = learner(recipe(base, objective))
        found.module.eval()
        rank, world = trainer._rank()
        assert world == 2
        loss = trainer._gradients(found, np.arange(int(count)), rank, world, trainer.Options())
        if first:
            grads = {name: p.grad.contiguous().clone() for name, p in found.module.named_parameters()}
            save_file({**grads, "loss": torch.tensor(loss)}, out / f"{objective}-{count}")
"""


@pytest.mark.long
def test_two_processes_of_half_a_batch_give_the_gradient_of_one(tiny_bert: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    cases = ["softmax-16", "cosine-16", "triplet-13", "cosine-1"]  # even, odd, and one process without an example
    script = tmp_path / "two.py"
    script.write_text(DISTRIBUTED)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command += [str(script), str(tiny_bert), str(tmp_path), *cases]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    for case in cases:
        theirs = load_file(tmp_path / case)
        objective, count = case.split("-")
        found = learner(recipe(tiny_bert, objective))
        found.module.eval()
        loss = trainer._gradients(found, np.arange(int(count)), 0, 1, trainer.Options())
        assert float(theirs.pop("loss")) == pytest.approx(loss, abs=1e-6)
        grads = {name: p.grad for name, p in found.module.named_parameters() if p.grad is not None}
        assert_same(grads, theirs, atol=1e-6)


def test_the_schedule_is_that_of_transformers() -> None:
    from transformers import get_linear_schedule_with_warmup

    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = get_linear_schedule_with_warmup(optimizer, num_warmup_steps=7, num_training_steps=61)
    for step in range(61):
        assert trainer.schedule(step, 61, 0.1) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        theirs.step()


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone() -> None:
    found = list(trainer.batches(10, 4, 2, seed=1))
    assert [step for step, _ in found] == list(range(6))
    epochs = [np.concatenate([rows for _, rows in found[i : i + 3]]) for i in (0, 3)]
    for order in epochs:
        assert sorted(order) == list(range(10))
    assert list(epochs[0]) != list(epochs[1])
    assert [list(rows) for _, rows in trainer.batches(10, 4, 2, seed=1)] == [list(rows) for _, rows in found]


def test_weights_and_not_biases_or_norms_decay(tiny_bert: Path) -> None:
    found = learner(made := recipe(tiny_bert, "softmax"))
    names = {id(p): name for name, p in found.module.named_parameters()}
    decayed, plain = ({names[id(p)] for p in group["params"]} for group in trainer._optimizer(found, made).param_groups)
    assert decayed | plain == set(names.values())
    assert "objective.classifier.weight" in decayed
    assert all(name.endswith("bias") or "LayerNorm" in name for name in plain)
    assert not any(name.endswith("bias") or "LayerNorm" in name for name in decayed)


def flipped(path: Path, place: float = 0.7) -> None:
    """One bit of the file changed in place."""
    content = bytearray(path.read_bytes())
    content[int(len(content) * place)] ^= 4
    path.write_bytes(content)


def zeroed(path: Path) -> None:
    """One weight set to zero, everything else as it was."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    tensors["weights.encoder.embeddings.LayerNorm.weight"].zero_()
    save_file(tensors, path, metadata)


def moved(path: Path) -> None:
    """Another step in the description."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    metadata["about"] = json.dumps(json.loads(metadata["about"]) | {"step": 2})
    save_file(tensors, path, metadata)


ALTERED: dict[str, Callable[[Path], object]] = {
    "a bit of a weight": flipped,
    "a bit of the header": lambda path: flipped(path, 0.001),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "a zeroed weight": zeroed,
    "a wrong step": moved,
}


@pytest.mark.parametrize("how", ALTERED)
@pytest.mark.parametrize("both", [False, True])
def test_an_altered_checkpoint_is_said_and_whether_the_one_before_it_goes_on(
    how: str,
    both: bool,
    tiny_bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    made, options = recipe(tiny_bert, "cosine"), trainer.Options(checkpoint_every=3)
    whole = run(made, tmp_path / "whole", options)
    with killed_at(8, monkeypatch):
        run(made, tmp_path / "cut", options)
    for name in (checkpoint.NAME, checkpoint.BEFORE)[: 1 + both]:
        ALTERED[how](tmp_path / "cut" / name)
    assert_same(run(made, tmp_path / "cut", options), whole)
    then = (
        "no sound checkpoint is left, and the training starts anew" if both else "goes on from the checkpoint before it"
    )
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1 + both
    assert all("is not whole or was altered" in sentence and then in sentence for sentence in said)
    logs = [trainer.read_log(tmp_path / name / trainer.LOG) for name in ("whole", "cut")]
    assert [(line["step"], line["loss"]) for line in logs[0]] == [(line["step"], line["loss"]) for line in logs[1]]


def test_the_checkpoint_of_another_training_is_not_gone_on_with(tiny_bert: Path, tmp_path: Path) -> None:
    made = recipe(tiny_bert, "cosine")
    run(made, tmp_path)
    other = learner(made)
    assert checkpoint.load(tmp_path, "other", other.module, trainer._optimizer(other, made)).step == 0


@pytest.mark.parametrize("every", [1, 2, 5])
def test_the_log_of_a_training_that_went_on_is_that_of_one_that_did_not(
    every: int, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "LOG_EVERY", 4)
    made, options = recipe(tiny_bert, "cosine"), trainer.Options(checkpoint_every=every)
    run(made, tmp_path / "whole", options)
    for step in (6, 4):
        with killed_at(step, monkeypatch):
            run(made, tmp_path / "cut", options)
    run(made, tmp_path / "cut", options)
    logs = [trainer.read_log(tmp_path / name / trainer.LOG) for name in ("whole", "cut")]
    assert [(line["step"], line["loss"]) for line in logs[1]] == [(line["step"], line["loss"]) for line in logs[0]]
    seconds = [line["seconds"] for line in logs[1]]
    assert seconds == sorted(seconds)


def test_what_is_no_record_of_a_log_is_left_out(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, options = recipe(tiny_bert, "cosine"), trainer.Options(checkpoint_every=1)
    monkeypatch.setattr(trainer, "LOG_EVERY", 1)
    whole = run(made, tmp_path / "whole", options)
    with killed_at(5, monkeypatch):
        run(made, tmp_path / "cut", options)
    path = tmp_path / "cut" / trainer.LOG
    wrong = [
        '{"step": "1", "seconds": 1}',
        '{"step": 1, "seconds": 1, "loss": "low"}',
        "7",
        "[]",
        "{",
        "[" * 9000,
        "\x00",
    ]
    path.write_text("\n".join([*wrong, path.read_text(), '{"step": 2, "sec']))
    assert_same(run(made, tmp_path / "cut", options), whole)
    logs = [
        [(line["step"], line["loss"]) for line in trainer.read_log(tmp_path / n / trainer.LOG)]
        for n in ("whole", "cut")
    ]
    assert logs[0] == logs[1]


# Sentence-BERT's STS-B training: 360 steps an epoch, every 1,000, so at the ends of the four epochs; its NLI training
# on 36,703 pairs; SimCSE's supervised training: 1,617 steps, every 125
@pytest.mark.parametrize(
    ("settings", "epoch_steps", "epochs", "expected"),
    [
        ({"select_every": 1000}, 360, 4, [360, 720, 1080, 1440]),
        ({"select_every": 1000}, 2294, 1, [1000, 2000, 2294]),
        ({"select_every": 125, "looks": "training"}, 539, 3, list(range(125, 1617, 125))),
        ({"select_every": None}, 10, 1, []),
    ],
)
def test_when_the_dev_set_is_looked_at(settings: dict, epoch_steps: int, epochs: int, expected: list[int]) -> None:
    made = TrainedRecipe(TransformerRecipe("x"), "stsb", "cosine", **settings)
    found = [step for step in range(1, epoch_steps * epochs + 1) if trainer.looks(step, epoch_steps, made)]
    assert found == expected


def test_a_look_that_gives_no_number_never_wins(tiny_bert: Path, tmp_path: Path) -> None:
    made = recipe(tiny_bert, "cosine", select_every=2)
    scores = iter([float("nan"), 10.0, float("nan"), 5.0, *[float("nan")] * 4])
    kept = run(made, tmp_path / "one", dev=lambda: next(scores))
    place = checkpoint.load(tmp_path / "one", "x", (found := learner(made)).module, trainer._optimizer(found, made))
    assert place.best is not None
    assert (place.best.step, place.best.score) == (4, 10.0)
    assert_same(kept, place.best.weights)
    with pytest.raises(ReproError, match="none of 8 looks at the dev set gave a number"):
        run(made, tmp_path / "two", dev=lambda: float("nan"))


def test_a_full_disk_leaves_the_last_good_checkpoint(
    tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors import SafetensorError

    made, options = recipe(tiny_bert, "cosine"), trainer.Options(checkpoint_every=3)
    real, saved = checkpoint.save_file, []

    def full(tensors: dict[str, Tensor], path: Path, about: dict[str, str]) -> None:
        saved.append(1)
        real(tensors, path, about)
        if len(saved) > 1:
            path.write_bytes(path.read_bytes()[:1000])  # what fitted
            raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    whole = run(made, tmp_path / "whole", options)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", full)
        with pytest.raises(ReproError, match="the disk is full; free some space"):
            run(made, tmp_path / "cut", options)
    assert [path.name for path in (tmp_path / "cut").iterdir() if path.suffix != ".jsonl"] == [checkpoint.NAME]
    assert_same(run(made, tmp_path / "cut", options), whole)


def test_a_loss_that_is_not_finite_stops_the_training(tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ReproError, match=r"the loss is (nan|inf) at step \d+; lower learning_rate \(1e\+30\)"):
        run(recipe(tiny_bert, "cross-regression", learning_rate=1e30, warmup=0.0), tmp_path)


@pytest.mark.parametrize(("settings", "said"), [({}, True), ({"warmup": 0.0}, False), ({"epochs": 2}, False)])
def test_a_training_of_one_step_whose_learning_rate_is_zero_says_so(
    settings: dict[str, float], said: bool, tiny_bert: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = recipe(tiny_bert, "softmax", **{"epochs": 1, "batch_size": 50, **settings})
    before = learner(made).module.state_dict()
    after = run(made, tmp_path)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items()) == said
    assert ("50 examples in batches of 50 are one step, at the learning rate 0" in caplog.text) == said


def test_a_last_step_that_nobody_looks_at_is_looked_at(tiny_bert: Path, tmp_path: Path) -> None:
    made = recipe(tiny_bert, "cross-regression", learning_rate=1e30, warmup=0.0, epochs=1, batch_size=1000)
    for _ in range(2):  # the second start finds a checkpoint of the end
        with pytest.raises(
            ReproError, match=r"after the last step the loss is (nan|inf); lower learning_rate \(1e\+30"
        ):
            run(made, tmp_path)


@pytest.mark.parametrize("setting", [{"temperature": 1e-300}, {"mlm": 1e300}])
def test_the_advice_is_true_whatever_setting_it_was(setting: dict[str, float], tiny_bert: Path, tmp_path: Path) -> None:
    with pytest.raises(ReproError, match=r"the training diverged: .*, or go back to the settings of `repro list train"):
        run(recipe(tiny_bert, "contrastive", warmup=0.0, **setting), tmp_path)


def test_bfloat16_trains_too(tiny_bert: Path, tmp_path: Path) -> None:
    made = recipe(tiny_bert, "softmax")
    found = run(made, tmp_path / "bf16", trainer.Options(dtype="bfloat16"))
    assert all(torch.isfinite(value).all() for value in found.values())
    assert found["objective.classifier.weight"].dtype == torch.float32


def test_the_log_has_loss_rate_and_dev_score(tiny_bert: Path, tmp_path: Path) -> None:
    run(recipe(tiny_bert, "cosine", select_every=7), tmp_path, dev=lambda: 12.5)
    lines = [json.loads(line) for line in (tmp_path / trainer.LOG).read_text().splitlines()]
    assert [line["step"] for line in lines] == [7, 7, 14, 14]
    assert lines[-1].keys() == {"step", "dev", "seconds"}
    assert lines[-2].keys() == {"step", "epoch", "loss", "lr", "tokens_a_second", "seconds"}
    assert lines[-2]["epoch"] == 2
