"""Transformer encoders: one forward pass serves every recipe that shares weights and max length.

Letters: n sentences, B sentences in a batch, T tokens, d dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from tqdm import tqdm

from repro.encoders.pooling import POOLERS
from repro.encoders.weights import Dense, Resolved
from repro.errors import NotAvailable, ReproError

# Tokens per batch, padding included: the fastest of 256…4096 for all-MiniLM-L6-v2 on two cores; GPUs want more.
TOKEN_BUDGET = {"cpu": 1024, "cuda": 32768, "mps": 8192}


def pick_device(name: str) -> str:
    """`auto` is cuda, else mps, else cpu; `cuda:1` the second of several; ReproError when the device is not there."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    there |= {f"cuda:{number}": True for number in range(torch.cuda.device_count())}
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if there[device])
    if not there.get(name):
        raise ReproError(f"device {name!r} is not available here; use {', '.join(d for d, on in there.items() if on)}")
    return name


class TransformerEncoder:
    """Encodes with one or several recipes over the same weights; `encode` gives the first recipe's vectors."""

    def __init__(self, resolved: Sequence[Resolved], device: str = "auto", dtype: str = "float32") -> None:
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        base = resolved[0]
        self.resolved = list(resolved)
        self.max_length = base.recipe.max_length or 512
        self.lowercase = base.lowercase
        self.device = pick_device(device)
        self.dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[dtype]
        safely = {"trust_remote_code": False, "local_files_only": True}
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(base.folder, **safely)
            self.model: Any = AutoModel.from_pretrained(base.folder, dtype=self.dtype, weights_only=True, **safely)
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError, UnpicklingError) as error:
            reason = str(error).strip().split("\n")[0]
            raise ReproError(f"{base.folder}: the weights cannot be loaded ({reason})") from error
        self.model.eval().to(self.device)
        self.dense = [[_load_dense(module, self.device) for module in item.dense] for item in self.resolved]
        self._check()

    def _check(self) -> None:
        depth = self.model.config.num_hidden_layers
        for item in self.resolved:
            for layer in item.recipe.layers or ():
                if not -depth - 1 <= layer <= depth:
                    raise ReproError(f"{item.recipe.weights} has layers 0 to {depth}; layer {layer} does not exist")
            if item.recipe.pooling == "pooler" and not self._has_pooler(item):
                raise NotAvailable(f"{item.recipe.weights} has no trained pooler; use another pooling")

    def _has_pooler(self, item: Resolved) -> bool:
        if getattr(self.model, "pooler", None) is None:
            return False
        safe = item.folder / "model.safetensors"
        if not safe.is_file():
            return True
        from safetensors import safe_open

        with safe_open(safe, framework="pt") as file:  # a missing pooler would be drawn at random by from_pretrained
            return any("pooler." in key for key in file.keys())  # noqa: SIM118

    def token_ids(self, sentences: Sequence[str], max_length: int | None = None) -> list[list[int]]:
        """Token ids of each sentence, special tokens included, cut at the shorter of `max_length` and the encoder's."""
        if not sentences:
            return []
        texts = [sentence.lower() for sentence in sentences] if self.lowercase else list(sentences)
        length = min(max_length or self.max_length, self.max_length)
        encoded = self.tokenizer(texts, truncation=True, max_length=length, return_attention_mask=False)
        return list(encoded["input_ids"])

    def encode(self, sentences: Sequence[str], progress: bool = False) -> np.ndarray:
        """float32 (n, d) vectors of the first recipe."""
        return self.encode_each(sentences, progress)[0]

    def encode_each(self, sentences: Sequence[str], progress: bool = False) -> list[np.ndarray]:
        """One float32 (n, d) array a recipe. Each distinct sentence is encoded once, in batches of like length."""
        distinct = list(dict.fromkeys(sentences))
        position = {sentence: row for row, sentence in enumerate(distinct)}
        ids = self.token_ids(distinct)
        lengths = np.array([len(row) for row in ids], dtype=np.int64)
        outputs: list[np.ndarray | None] = [None] * len(self.resolved)
        with tqdm(total=len(distinct), unit=" sentences", disable=None if progress else True, leave=False) as bar:
            cut = batches(lengths, TOKEN_BUDGET[torch.device(self.device).type])
            for rows, found in zip(cut, self.run([[ids[row] for row in rows] for rows in cut]), strict=True):
                for i, array in enumerate(found):  # (B, d)
                    if outputs[i] is None:
                        outputs[i] = np.empty((len(distinct), array.shape[1]), np.float32)
                    outputs[i][rows] = array  # type: ignore[index]
                bar.update(len(rows))
        order = np.array([position[sentence] for sentence in sentences], dtype=np.int64)
        width = self.model.config.hidden_size
        return [np.empty((0, width), np.float32) if array is None else array[order] for array in outputs]

    def run(self, batched: list[list[list[int]]]) -> Iterator[list[np.ndarray]]:
        """`_forward` of every batch, in order. On the CPU as many batches at a time as torch has threads, each on one:

        one batch on all threads waits at every operation for the slowest of them, which costs more the busier the
        machine is; and a vector's last bits no longer depend on the number of threads.
        """
        if self.device != "cpu":
            yield from map(self._forward, batched)
            return
        with one_thread_each() as workers:
            yield from workers.map(self._forward, batched)

    @torch.inference_mode()
    def _forward(self, ids: list[list[int]]) -> list[np.ndarray]:
        """(B, d) float32 vectors of each recipe for one batch of token ids."""
        return [vectors.cpu().numpy() for vectors in self.vectors(ids)]

    def vectors(self, ids: Sequence[Sequence[int]], embedded: Tensor | None = None) -> list[Tensor]:
        """(B, d) float32 vectors of each recipe for one batch of token ids, on the encoder's device; differentiable.

        `embedded` (B, at least T, d): the token embeddings, where they have been looked up already.
        """
        tokens, mask = self.pad(ids)
        full = bool(mask.all())
        tokens, mask = tokens.to(self.device), mask.to(self.device)
        every = any(item.recipe.layers != (-1,) for item in self.resolved)
        inputs = {"input_ids": tokens} if embedded is None else {"inputs_embeds": embedded[:, : tokens.shape[1]]}
        output = self.model(
            **inputs,
            attention_mask=None if full and self.device == "cpu" else mask.long(),
            output_hidden_states=every,
        )
        return [self._pool(output, tokens, mask, i).float() for i in range(len(self.resolved))]

    def pad(self, ids: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Token ids (B, T) int64 and mask (B, T) bool."""
        longest = max(len(row) for row in ids)
        tokens = torch.full((len(ids), longest), self.tokenizer.pad_token_id or 0, dtype=torch.long)  # (B, T)
        mask = torch.zeros(len(ids), longest, dtype=torch.bool)  # (B, T)
        for i, row in enumerate(ids):
            tokens[i, : len(row)] = torch.tensor(row, dtype=torch.long)
            mask[i, : len(row)] = True
        return tokens, mask

    def _pool(self, output: Any, tokens: Tensor, mask: Tensor, i: int) -> Tensor:
        recipe = self.resolved[i].recipe
        if recipe.pooling == "pooler":
            vectors = output.pooler_output.float()  # (B, d)
        elif recipe.pooling == "static":
            special = torch.tensor(self.tokenizer.all_special_ids, device=tokens.device)
            words = mask & ~torch.isin(tokens, special)  # (B, T)
            embedded = self.model.get_input_embeddings()(tokens).float()  # (B, T, d)
            vectors = (embedded * words[:, :, None]).sum(dim=1) / words.sum(dim=1, keepdim=True).clamp(min=1)  # (B, d)
        else:
            layers = recipe.layers or (-1,)
            if layers == (-1,):
                hidden = output.last_hidden_state.float()  # (B, T, d)
            else:
                states = output.hidden_states
                hidden = torch.stack([states[layer].float() for layer in layers]).mean(dim=0)  # (B, T, d)
            vectors = POOLERS[recipe.pooling or "mean"](hidden, mask)  # (B, d)
        for dense in self.dense[i]:
            vectors = dense(vectors)  # (B, d')
        return nn.functional.normalize(vectors, dim=1) if recipe.normalize else vectors


@contextmanager
def one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """A pool of as many workers as torch has threads, torch's own threads resting meanwhile."""
    count = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,)) as workers:
            yield workers
    finally:
        torch.set_num_threads(count)


def batches(lengths: np.ndarray, budget: int) -> list[np.ndarray]:
    """Row indices in batches of rising token count, each at most `budget` tokens with padding (or one sentence)."""
    order = np.argsort(lengths, kind="stable")  # (n,)
    cut: list[np.ndarray] = []
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or (end + 1 - start) * lengths[order[end]] > budget:
            cut.append(order[start:end])
            start = end
    return cut


def _load_dense(module: Dense, device: str) -> nn.Module:
    """Linear layer and activation of a Dense module, from safetensors or a weights-only pickle."""
    safe, pickled = module.folder / "model.safetensors", module.folder / "pytorch_model.bin"
    if safe.is_file():
        from safetensors.torch import load_file

        state = load_file(safe)
    elif pickled.is_file():
        state = torch.load(pickled, weights_only=True, map_location="cpu")
    else:
        raise NotAvailable(f"{module.folder} holds no weights of the Dense module")
    weight, bias = state["linear.weight"].float(), state.get("linear.bias")  # (d', d), (d',)
    linear = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    linear.load_state_dict({"weight": weight, **({} if bias is None else {"bias": bias.float()})})
    activation: nn.Module = nn.Tanh() if module.activation == "tanh" else nn.Identity()
    return nn.Sequential(linear, activation).to(device)
