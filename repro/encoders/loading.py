"""Files → tokenizer, model and heads, strictly: what a vector depends on comes from the files or is refused by name."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from repro.encoders.layout import Head, Layout
from repro.encoders.model_files import refuse_pointer, text_files, weight_files
from repro.encoders.weights import Resolved
from repro.errors import NotAvailable, ReproError

SAFELY = {"trust_remote_code": False, "local_files_only": True}
# Of these only the encoder gives sentence vectors; of other encoder-decoders, as in sentence-transformers, the decoder
ENCODERS_OF = frozenset(
    "t5 mt5 umt5 longt5 switch_transformers prophetnet blenderbot blenderbot-small m2m_100 pegasus pegasus_x "
    "marian".split()
)
POSITIONS = frozenset({"position_embeddings", "wpe", "embed_positions", "positions_embed"})


@contextmanager
def loading_errors(folder: Path) -> Iterator[None]:
    """Whatever a library raises while it reads a model folder, as one sentence with the cause."""
    try:
        yield
    except (ReproError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic in a library written in Rust is no Exception
        raise ReproError(f"{folder}: the model cannot be loaded: {_cause(error)}") from error


def _cause(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if isinstance(error, ImportError):
        return f"a package is missing ({lines[0]}); install it"
    if isinstance(error, UnpicklingError) or "weights_only" in str(error):
        return "its pickle holds more than tensors and is not opened; ask for the weights as safetensors"
    if "trust_remote_code" in str(error):
        return "it needs code of its own, which is not run"
    return lines[0][:200]


def quietly() -> None:
    """Keep transformers' bars and warnings out of the terminal: what matters is raised."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def load_tokenizer(layout: Layout) -> Any:
    """The folder's tokenizer; ReproError when it has no vocabulary or lacks one of its files."""
    from transformers import AutoTokenizer

    quietly()
    folder = layout.transformer
    for path in text_files(folder):
        refuse_pointer(path)
    with loading_errors(folder):
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, **SAFELY, **dict(layout.tokenizer))
        names = dict(getattr(tokenizer, "vocab_files_names", {}))
        whole = names.pop("tokenizer_file", None)
        if not (whole and (folder / whole).is_file()):  # then of all its parts: merges that are missing leave letters
            for name in names.values():
                if not (folder / name).is_file():
                    raise ReproError(f"{folder} lacks the tokenizer's file {name}; get the whole model folder again")
        if names and len(tokenizer.get_vocab()) <= len(tokenizer.all_special_ids):
            raise ReproError(f"{folder}: the tokenizer knows no word; get its files (tokenizer.json, vocab.txt) again")
        if layout.lowercase:
            _lowercase(tokenizer)
    return tokenizer


def _lowercase(tokenizer: Any) -> None:
    """`do_lower_case` of sentence-transformers' own settings: before whatever the tokenizer does itself."""
    from tokenizers.normalizers import Lowercase, Sequence

    if not getattr(tokenizer, "is_fast", False):
        raise ReproError(f"do_lower_case needs a fast tokenizer; {type(tokenizer).__name__} is none")
    before = tokenizer.backend_tokenizer.normalizer
    tokenizer.backend_tokenizer.normalizer = Sequence([Lowercase(), before] if before is not None else [Lowercase()])


def load_model(found: Resolved, poolers: Iterable[str], dtype: torch.dtype) -> Any:
    """The transformer in evaluation mode, every weight that a forward pass uses taken from the files.

    `poolers`: the poolings that will read its output; only `pooler` needs the dense layer over [CLS].
    Raises ReproError with the names of missing weights, NotAvailable when `pooler` is asked for and was not trained.
    """
    from transformers import AutoModel

    folder = found.folder
    if (folder / "adapter_config.json").exists():
        raise ReproError(f"{folder} holds a PEFT adapter, which is not supported; merge it into its base and save that")
    with loading_errors(folder):
        model, missing = _from_pretrained(AutoModel, folder, dtype=dtype)
        if model.config.model_type in ENCODERS_OF:
            missing = [name for name in missing if not name.startswith("decoder.")]
            if hasattr(model, "get_encoder"):
                model = model.get_encoder()
        lacks_pooler = getattr(model, "pooler", None) is None or any(_of_pooler(name) for name in missing)
        if "pooler" in poolers and lacks_pooler:
            raise NotAvailable(f"{found.recipe.weights} has no trained pooler; use another pooling")
        refuse_missing(folder, [name for name in missing if not _of_pooler(name)])
        refuse_longer(found, model)
    return model.eval()


def _from_pretrained(kind: Any, folder: Path, **settings: object) -> tuple[Any, list[str]]:
    """(model, names of the weights that the files lack). What config.json says of attention kernels is ignored."""
    model, report = kind.from_pretrained(
        folder, **SAFELY, **settings, weights_only=True, attn_implementation=None, output_loading_info=True
    )
    lost = {name for name, *_ in report["mismatched_keys"]}
    return model, sorted(set(report["missing_keys"]) | lost)


def _of_pooler(name: str) -> bool:
    return "pooler" in name.split(".")


def refuse_missing(folder: Path, names: list[str]) -> None:
    """ReproError naming weights that would be drawn at random."""
    if names:
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        raise ReproError(f"{folder}: the weights do not hold {shown}; the model would be partly random")


def refuse_longer(found: Resolved, model: Any) -> None:
    """ReproError when the recipe asks for more tokens than the model's learned positions."""
    count = capacity(model)
    if count is not None and (found.recipe.max_length or 0) > count:
        raise ReproError(f"{found.folder} has positions for {count} tokens; name max_length={count}")


def capacity(model: Any) -> int | None:
    """How many tokens the learned positions of a loaded model serve; None where there are none."""
    for name, module in model.named_modules():
        parent = model.get_submodule(name.rpartition(".")[0])
        if name.rpartition(".")[2] in POSITIONS and isinstance(module, nn.Embedding):
            padding = getattr(parent, "padding_idx", None)
            before = padding + 1 if isinstance(padding, int) else getattr(module, "offset", 0)
            return int(module.num_embeddings - before)
    return None


def check_vocabulary(folder: Path, tokenizer: Any, model: Any) -> None:
    """ReproError when the tokenizer gives ids that the model has no embedding for."""
    rows = model.get_input_embeddings().num_embeddings
    largest = max(tokenizer.get_vocab().values(), default=0)
    if largest >= rows:
        raise ReproError(
            f"{folder}: the tokenizer has ids up to {largest}, the model {rows} embeddings; they do not belong together"
        )


class Residual(nn.Module):
    """A Dense module: activation(W x + b), plus x (projected where the widths differ) where it is residual."""

    def __init__(self, linear: nn.Linear, activation: nn.Module, residual: nn.Module | None) -> None:
        super().__init__()
        self.linear, self.activation, self.residual = linear, activation, residual

    def forward(self, x: Tensor) -> Tensor:
        """(B, d) → (B, d')."""
        projected: Tensor = self.activation(self.linear(x))
        return projected if self.residual is None else projected + self.residual(x)


def load_heads(found: Resolved, width: int) -> tuple[nn.Sequential, int]:
    """(the modules after the pooling, which gives (B, width); the width of what comes out of them).

    Raises ReproError when one does not fit what comes before it.
    """
    modules: list[nn.Module] = []
    for head in found.heads:
        if head.kind == "dropout":
            continue
        module = _Normalize() if head.kind == "normalize" else _load_head(head)
        with loading_errors(head.folder), torch.inference_mode():
            width = module(torch.zeros(1, width)).shape[1]
        modules.append(module)
    return nn.Sequential(*modules), width


def _load_head(head: Head) -> nn.Module:
    with loading_errors(head.folder):
        state = {name: tensor.float() for name, tensor in _state(head.folder).items()}
        module = _dense(head, state) if head.kind == "dense" else _layer_norm(head.folder, state)
        module.load_state_dict(state)
        return module.eval()


def _dense(head: Head, state: dict[str, Tensor]) -> nn.Module:
    weight = state.get("linear.weight")
    if weight is None or weight.ndim != 2:
        raise ReproError(f"{head.folder} holds no matrix linear.weight; get the whole model folder again")
    width, inputs = weight.shape
    kind = getattr(nn, head.activation, None)
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise ReproError(f"{head.folder}: torch.nn has no activation {head.activation!r}")
    residual: nn.Module | None = None
    if head.residual:
        residual = nn.Identity() if width == inputs else nn.Linear(inputs, width, bias=False)
    return Residual(nn.Linear(inputs, width, bias="linear.bias" in state), kind(), residual)


def _layer_norm(folder: Path, state: dict[str, Tensor]) -> nn.Module:
    if "norm.weight" not in state:
        raise ReproError(f"{folder} holds no norm.weight; get the whole model folder again")
    return nn.Sequential(OrderedDict(norm=nn.LayerNorm(len(state["norm.weight"]))))


class _Normalize(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x, dim=1)


def _state(folder: Path) -> dict[str, Tensor]:
    path = weight_files(folder)[0]
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    state: dict[str, Tensor] = torch.load(path, weights_only=True, map_location="cpu")
    return state
