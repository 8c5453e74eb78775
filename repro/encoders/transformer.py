"""Transformer encoders: one forward pass serves every recipe that shares weights, length and prompt.

Letters: n sentences, B sentences in a batch, T tokens, d dimensions.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from repro import progress
from repro.encoders.loading import (
    check_vocabulary,
    embedding_table,
    load_heads,
    load_model,
    load_tokenizer,
    refuse_inputs,
    refuse_longer,
)
from repro.encoders.model_files import loading_errors
from repro.encoders.pooling import POOLERS
from repro.encoders.recipe import NO_LIMIT
from repro.encoders.tokens import Tokens, tokenize
from repro.encoders.weights import Resolved
from repro.errors import ReproError

# Tokens per batch, padding included: the fastest of 256…4096 for all-MiniLM-L6-v2 on two cores; GPUs want more.
TOKEN_BUDGET = {"cpu": 1024, "cuda": 32768, "mps": 8192}
AHEAD = 64  # batches that are computed before their vectors are asked for
TRIAL = "a few words, such as these here"
UNREADABLE = "the model does not give vectors of plain text"
FAILS = "the model fails on these sentences"


def pick_device(name: str) -> str:
    """`auto` is cuda, else mps, else cpu; ReproError when the named device (`cuda:1` the second GPU) is not there."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    there |= {f"cuda:{number}": True for number in range(torch.cuda.device_count())}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if there[device])
    if not there.get(name):
        raise ReproError(f"device {name!r} is not available here; use {', '.join(d for d, on in there.items() if on)}")
    return name


def _modes(resolved: Resolved) -> list[str]:
    """How a recipe pools, several ways side by side; ReproError for a model that makes no vectors of sentences."""
    if not resolved.recipe.pooling:
        raise ReproError(
            f"{resolved.root} is a classifier or a cross-encoder, not a sentence encoder; for vectors of the model "
            "below its head add a pooling to its name, such as pooling=mean"
        )
    return resolved.recipe.pooling.split("+")


class TransformerEncoder:
    """Encodes with one or several recipes over the same weights; `encode` gives the first recipe's vectors."""

    late = False  # a file at fault shows before the first sentence

    def __init__(self, resolved: Sequence[Resolved], device: str = "auto", dtype: str = "float32") -> None:
        base = resolved[0]
        self.resolved = list(resolved)
        self.max_length = base.recipe.max_length or NO_LIMIT
        self.prompt = base.recipe.prompt or ""
        self.device = pick_device(device)
        self.poolings = [_modes(item) for item in self.resolved]
        self.tokenizer = load_tokenizer(base.layout)
        precision = {"float32": torch.float32, "bfloat16": torch.bfloat16}[dtype]
        self.model: Any = load_model(base, chain.from_iterable(self.poolings), precision)
        check_vocabulary(base.folder, self.tokenizer, self.model)
        with loading_errors(base.folder):
            refuse_inputs(base.folder, self.tokenizer, self.model)
        self.model.to(self.device)
        parameters = inspect.signature(self.model.forward).parameters
        self.constant = {"return_dict": True} | ({"use_cache": False} if "use_cache" in parameters else {})
        names = {"token_type_ids"} & set(self.tokenizer.model_input_names)
        self.typed = bool(names & set(parameters))  # some models add what they are given, even where all is 0
        self.uneven = True  # whether a batch may hold sentences of several lengths
        with loading_errors(base.folder, UNREADABLE), torch.inference_mode():
            read = self._try()
        refuse_longer(base, self.model)
        self.heads: list[nn.Module] = []
        self.widths: list[int] = []  # d of each recipe
        for item, modes, width in zip(self.resolved, self.poolings, read, strict=True):
            heads, width = load_heads(item, width * len(modes))
            self.heads.append(heads.to(self.device))
            self.widths.append(width)
        self.unpooled = 0 if base.layout.prompt_pooled else self._prompt_length()  # tokens that only the model sees
        # a blank at its end is of the first word
        self.prompted = len(tokenize(self.tokenizer, [self.prompt.rstrip()], None).ids) if self.prompt else 0
        self._check_room(self.max_length)

    def _try(self) -> list[int]:
        """Width of what each recipe pools, seen on a few tokens; whether it depends on padding is noted.

        Raises ReproError for a layer that does not exist, and for a model that gives other vectors each time or not one
        a token.
        """
        widths: list[int] = []
        length = min(11, self.max_length)  # no multiple of a window or a stride
        trial = tokenize(self.tokenizer, [TRIAL], None).ids
        ids = np.resize(trial if len(trial) else np.zeros(1, np.int32), length)  # (T,)
        short = ids[: (length + 1) // 2]
        outputs: list[Any] = []
        if self.poolings != [["static"]] * len(self.poolings):
            single = Tokens(short, np.array([0, len(short)]))
            both = Tokens(np.concatenate([short, ids]), np.cumsum([0, len(short), length]))
            outputs = [self._output(*self._padded(batch)) for batch in (single, single, both)]
        for i, modes in enumerate(self.poolings):
            weights = self.resolved[i].recipe.weights
            if modes == ["static"]:
                table = embedding_table(self.model)
                if table is None:
                    raise ReproError(f"{weights} has no table of token embeddings, which pooling=static averages")
                widths.append(int(table.shape[1]))
                continue
            alone, again, padded = (self._read(output, i)[0] for output in outputs)  # (T, d) each
            if modes != ["pooler"] and len(alone) != len(short):
                raise ReproError(f"{weights} gives {len(alone)} vectors for {len(short)} tokens; it is not supported")
            # half of the digits: far above what rounding does, far below what another token does
            tolerance = torch.finfo(self.model.dtype).eps ** 0.5 * float(alone.abs().max())
            if not _close(again, alone, tolerance):
                raise ReproError(f"{weights} gives other vectors each time; it is not supported")
            self.uneven &= _close(padded[: len(alone)], alone, tolerance)
            widths.append(int(alone.shape[1]))
        return widths

    def _prompt_length(self) -> int:
        """Tokens of the prompt as far as it is not cut, without a special one at the end."""
        if not self.prompt:
            return 0
        ids = tokenize(self.tokenizer, [self.prompt], None if self.max_length == NO_LIMIT else self.max_length).ids
        return len(ids) - int(len(ids) > 0 and int(ids[-1]) in self.tokenizer.all_special_ids)

    def tokens(self, sentences: Sequence[str], max_length: int | None = None) -> Tokens:
        """Tokens of each sentence, the prompt before it, cut at the shorter of `max_length` and the encoder's.

        ReproError where that is the prompt alone.
        """
        length = min(max_length or self.max_length, self.max_length)
        self._check_room(length)
        texts = [self.prompt + sentence for sentence in sentences] if self.prompt else sentences
        with loading_errors(self.resolved[0].folder):  # some faults of a tokenizer show when it is used
            return tokenize(self.tokenizer, texts, None if length == NO_LIMIT else length)

    def _check_room(self, length: int) -> None:
        """ReproError where the prompt alone takes so many tokens: all sentences would be one."""
        if self.prompted >= length and self.tokenizer.truncation_side == "right":
            raise ReproError(
                f"the prompt {self.prompt[:60]!r} takes {self.prompted} of {length} tokens, special ones with it, and "
                "leaves no room for a word; shorten it, or raise max_length (train_length in training)"
            )

    def vocabulary(self, sentences: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """(how often each entry of the vocabulary is a token of these sentences (V,), uncut, without a prompt, special
        tokens left out; its input embedding (V, d) float32). ReproError for a model without such a table.
        """
        table = embedding_table(self.model)
        if table is None:
            raise ReproError(f"{self.resolved[0].recipe.weights} has no table of token embeddings")
        with loading_errors(self.resolved[0].folder):
            ids = tokenize(self.tokenizer, sentences, None).ids
        counts = np.bincount(ids, minlength=len(table))
        counts[self.tokenizer.all_special_ids] = 0
        return counts, table.detach().float().cpu().numpy()

    def encode(self, sentences: Sequence[str]) -> np.ndarray:
        """float32 (n, d) vectors of the first recipe."""
        return self.encode_each(sentences)[0]

    def encode_each(self, sentences: Sequence[str]) -> list[np.ndarray]:
        """One float32 (n, d) array a recipe; a sentence without a token gives the zero vector.

        Each distinct sentence is encoded once, in batches of like length.
        """
        position: dict[str, int] = {}
        order = np.array([position.setdefault(sentence, len(position)) for sentence in sentences], np.int64)  # (n,)
        tokens = self.tokens(list(position))
        outputs = [np.zeros((len(position), width), np.float32) for width in self.widths]
        with progress.step(len(position), "sentences") as step:
            cut = batches(tokens.lengths, TOKEN_BUDGET[torch.device(self.device).type], self.uneven)
            for rows, vectors in zip(cut, self.run(tokens, cut), strict=True):
                for output, array in zip(outputs, vectors, strict=True):  # (B, d)
                    output[rows] = array
                step.advance(len(rows))
        return outputs if len(position) == len(order) else [output[order] for output in outputs]

    def encode_in_order(self, sentences: Sequence[str], size: int) -> None:
        """Encode `size` at a time, in their order, each as often as it occurs: what sorting by length is against."""
        tokens = self.tokens(sentences)
        for _ in self.run(tokens, np.array_split(np.arange(len(tokens)), range(size, len(tokens), size))):
            pass

    def run(self, tokens: Tokens, cut: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
        """(B, d) float32 vectors of each recipe for every batch of rows, in order."""

        @torch.inference_mode()
        def forward(rows: np.ndarray) -> list[np.ndarray]:
            with loading_errors(self.resolved[0].folder, FAILS):
                return [vectors.cpu().numpy() for vectors in self.vectors(tokens.select(rows))]

        # LSH attention seeds torch's generator, which all threads share, before it draws
        hashes = "lsh" in getattr(self.model.config, "attn_layers", ())
        return each_batch(forward, cut, self.device, one_at_a_time=hashes)

    def vectors(self, batch: Tokens, embedded: Tensor | None = None) -> list[Tensor]:
        """(B, d) float32 vectors of each recipe for one batch, on the encoder's device; differentiable.

        `embedded` (B, at least T, d): the token embeddings, where they have been looked up already.
        """
        tokens, mask, types = self._padded(batch)
        output = None
        if self.poolings != [["static"]] * len(self.poolings):
            output = self._output(tokens, mask, types, embedded)
        return [self._pool(output, tokens, mask, i).float() for i in range(len(self.resolved))]

    def token_vectors(self, batch: Tokens, embedded: Tensor | None = None) -> Tensor:
        """(tokens, d) of the last layer, for every token of the batch in its order; differentiable. As `vectors`."""
        tokens, mask, types = self._padded(batch)
        return self._output(tokens, mask, types, embedded).last_hidden_state[mask]  # type: ignore[no-any-return]

    def _padded(self, batch: Tokens) -> tuple[Tensor, Tensor, Tensor | None]:
        """(ids (B, T), mask (B, T), segment ids (B, T) where the model wants some), on the encoder's device."""
        ids, filled, types = batch.pad(self.tokenizer.pad_token_id or 0)
        if types is None and self.typed:
            types = np.zeros_like(ids)
        tokens, mask = torch.from_numpy(ids).to(self.device), torch.from_numpy(filled).to(self.device)
        return tokens, mask, torch.from_numpy(types).to(self.device) if types is not None and self.typed else None

    def _output(self, tokens: Tensor, mask: Tensor, types: Tensor | None, embedded: Tensor | None = None) -> Any:
        inputs = {"input_ids": tokens} if embedded is None else {"inputs_embeds": embedded[:, : tokens.shape[1]]}
        if types is not None:
            inputs["token_type_ids"] = types
        return self.model(
            **inputs,
            **self.constant,
            attention_mask=None if self.device == "cpu" and mask.all() else mask.long(),
            output_hidden_states=any(item.recipe.layers != (-1,) for item in self.resolved),
        )

    def _read(self, output: Any, i: int) -> Tensor:
        """What a recipe pools: token vectors (B, T, d), or the pooler's alone (B, 1, d)."""
        recipe = self.resolved[i].recipe
        if self.poolings[i] == ["pooler"]:
            return output.pooler_output.float()[:, None]  # type: ignore[no-any-return]
        layers = recipe.layers or (-1,)
        if layers == (-1,):
            return output.last_hidden_state.float()  # type: ignore[no-any-return]
        if self.model.config.is_encoder_decoder and hasattr(self.model, "decoder"):
            raise ReproError(f"{recipe.weights} is an encoder-decoder; only its last layer can be pooled")
        depth = len(output.hidden_states) - 1
        for layer in layers:
            if not -depth - 1 <= layer <= depth:
                raise ReproError(f"{recipe.weights} has layers 0 to {depth}; layer {layer} does not exist")
        return torch.stack([output.hidden_states[layer].float() for layer in layers]).mean(dim=0)

    def _pool(self, output: Any, tokens: Tensor, mask: Tensor, i: int) -> Tensor:
        recipe, modes = self.resolved[i].recipe, self.poolings[i]
        if modes == ["static"]:
            vectors = self._static(tokens, mask)  # (B, d)
        elif modes == ["pooler"]:
            vectors = self._read(output, i)[:, 0]  # (B, d)
        else:
            hidden = self._read(output, i)  # (B, T, d)
            pooled = mask.clone() if self.unpooled else mask
            pooled[:, : self.unpooled] = False
            vectors = torch.cat([POOLERS[mode](hidden, pooled) for mode in modes], dim=1)  # (B, modes × d)
        vectors = self.heads[i](vectors)  # (B, d')
        return nn.functional.normalize(vectors, dim=1) if recipe.normalize else vectors

    def _static(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Mean of the input embeddings (B, d) of all tokens but the special ones."""
        special = torch.tensor(self.tokenizer.all_special_ids, device=tokens.device)
        words = mask & ~torch.isin(tokens, special)  # (B, T)
        embedded = self.model.get_input_embeddings()(tokens).float()  # (B, T, d)
        total: Tensor = (embedded * words[:, :, None]).sum(dim=1)  # (B, d)
        return total / words.sum(dim=1, keepdim=True).clamp(min=1)


Output = TypeVar("Output")


def each_batch(
    forward: Callable[[np.ndarray], Output], cut: Sequence[np.ndarray], device: str, one_at_a_time: bool = False
) -> Iterator[Output]:
    """What `forward` gives for every batch of rows, in order.

    On the CPU as many batches at a time as torch has threads, each on one: one batch on all threads waits at every
    operation for the slowest of them, which costs more the busier the machine is; and a vector's last bits do not
    depend on the number of threads.
    """
    if device != "cpu":
        yield from map(forward, cut)
        return
    with one_thread_each(1 if one_at_a_time else torch.get_num_threads()) as workers:
        waiting: deque[Future[Output]] = deque()
        for rows in cut:  # a few ahead of what has been fetched: vectors that wait take memory
            waiting.append(workers.submit(forward, rows))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def one_thread_each(workers_at_once: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of workers, torch's own threads resting meanwhile."""
    count = torch.get_num_threads()
    workers = ThreadPoolExecutor(workers_at_once, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield workers
    finally:  # after an interrupt what has not begun is left out
        workers.shutdown(cancel_futures=True)
        torch.set_num_threads(count)


def _close(vectors: Tensor, expected: Tensor, tolerance: float) -> bool:
    return not (vectors - expected).abs().max() > tolerance  # what is not finite is told later


def batches(lengths: np.ndarray, budget: int, uneven: bool = True) -> list[np.ndarray]:
    """Row indices in batches of rising token count, each at most `budget` tokens with padding (or one sentence).

    Sentences without a token are in none. `uneven` False: no batch needs padding.
    """
    order = np.argsort(lengths, kind="stable")  # (n,)
    order = order[lengths[order] > 0]
    cut: list[np.ndarray] = []
    start = 0
    for end in range(1, len(order) + 1):
        full = end == len(order) or (end + 1 - start) * lengths[order[end]] > budget
        if full or (not uneven and lengths[order[end]] != lengths[order[start]]):
            cut.append(order[start:end])
            start = end
    return cut
