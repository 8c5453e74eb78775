"""Files → tokenizer, model and heads, strictly: what a vector depends on comes from the files or is refused by name."""

from __future__ import annotations

import inspect
import re
from collections import OrderedDict
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from repro.encoders.heads import Head
from repro.encoders.layout import Layout
from repro.encoders.model_files import head_weights, loading_errors, read_object, text_files
from repro.encoders.recipe import NO_LIMIT
from repro.encoders.weights import Resolved
from repro.errors import NotAvailable, ReproError
from repro.impostors import refuse_file

SAFELY = {"trust_remote_code": False, "local_files_only": True}
# Of these only the encoder gives sentence vectors; of other encoder-decoders, as in sentence-transformers, the decoder
ENCODERS = {
    "t5": "T5EncoderModel",
    "mt5": "MT5EncoderModel",
    "umt5": "UMT5EncoderModel",
    "longt5": "LongT5EncoderModel",
    "switch_transformers": "SwitchTransformersEncoderModel",
    "t5gemma": "T5GemmaEncoderModel",
}
PARTS = frozenset(  # these have no class of transformers that is saved and loaded as an encoder alone
    "prophetnet blenderbot blenderbot-small m2m_100 pegasus pegasus_x marian".split()
)
WHOLE = "tokenizer.json"  # all that a fast tokenizer is
# what an encoder computes without: buffers that were once saved with the weights, and a decoder's look at an encoder
UNUSED = re.compile(
    r"(attn|attention)\.(masked_)?bias$|(inv_freq|position_ids|causal_mask|(cos|sin)_cached)$|(^|\.)crossattention\."
)
LOST = frozenset({"relative_key", "relative_key_query", "alibi", "rotary"})  # positions that BERT and its kin had
INPUTS = frozenset({"input_ids", "token_type_ids", "attention_mask"})  # that are passed on
POSITIONS = frozenset({"position_embeddings", "position_embedding", "wpe", "embed_positions", "positions_embed"})


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
        refuse_file(path)
    with loading_errors(folder):
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, **SAFELY, **dict(layout.tokenizer))
        names = dict(getattr(tokenizer, "vocab_files_names", {}))
        names.pop("tokenizer_file", None)  # which classes have read without naming it
        # a tokenizer in Python fails without a file that it needs; a fast one goes on, and without merges by letters
        if getattr(tokenizer, "is_fast", False) and not (folder / WHOLE).is_file():
            for name in names.values():
                if not (folder / name).is_file() or not (folder / name).stat().st_size:
                    raise ReproError(f"{folder} lacks the tokenizer's file {name}; get the whole model folder again")
        if names and len(tokenizer.get_vocab()) <= len(tokenizer.all_special_ids):
            raise ReproError(f"{folder}: the tokenizer knows no word; get its files (tokenizer.json, vocab.txt) again")
        if layout.lowercase:
            _lowercase(tokenizer)
        if getattr(getattr(getattr(tokenizer, "backend_tokenizer", None), "model", None), "dropout", None):
            raise ReproError(f"{folder}: the tokenizer drops merges at random; remove dropout from tokenizer.json")
    return tokenizer


def refuse_inputs(folder: Path, tokenizer: Any, model: Any) -> None:
    """ReproError where the tokenizer gives what the model reads and this suite does not pass on (RoCBert's shapes)."""
    given = set(tokenizer(["a"])) & set(inspect.signature(model.forward).parameters)
    if more := sorted(given - INPUTS):
        raise ReproError(f"{folder}: its tokenizer gives {', '.join(more)} too, which is not supported; name another")


def _lowercase(tokenizer: Any) -> None:
    """`do_lower_case` of sentence-transformers' own settings: before whatever the tokenizer does itself."""
    from tokenizers.normalizers import Lowercase, Sequence

    if not getattr(tokenizer, "is_fast", False):
        raise ReproError(f"do_lower_case needs a fast tokenizer; {type(tokenizer).__name__} is none")
    before = tokenizer.backend_tokenizer.normalizer
    several = isinstance(before, Sequence)
    steps = list(before) if several else [before]
    if not any(isinstance(step, Lowercase) for step in steps):
        tokenizer.backend_tokenizer.normalizer = Sequence([Lowercase(), *(step for step in steps if step is not None)])


def load_model(resolved: Resolved, poolers: Iterable[str], dtype: torch.dtype) -> Any:
    """The transformer in evaluation mode, every weight that a forward pass uses taken from the files.

    `poolers`: the poolings that will read its output; only `pooler` needs the dense layer over [CLS].
    Raises ReproError with the names of missing weights, NotAvailable when `pooler` is asked for and was not trained.
    """
    import transformers

    folder = resolved.folder
    if (folder / "adapter_config.json").exists():
        raise ReproError(f"{folder} holds a PEFT adapter, which is not supported; merge it into its base and save that")
    with loading_errors(folder):
        family = read_object(folder / "config.json").get("model_type")
        name = ENCODERS.get(str(family), "AutoModel")
        settings = {"is_encoder_decoder": False} if name in ENCODERS.values() else {}
        model, missing = _from_pretrained(getattr(transformers, name), folder, dtype=dtype, **settings)
        if family in PARTS:
            missing = [name for name in missing if not name.startswith("decoder.")]
            model = model.get_encoder()
        lacks_pooler = getattr(model, "pooler", None) is None or any(_of_pooler(name) for name in missing)
        if "pooler" in poolers and lacks_pooler:
            raise NotAvailable(f"{resolved.recipe.weights} has no trained pooler; use another pooling")
        refuse_missing(folder, [name for name in missing if not _of_pooler(name)])
        if "lsh" in getattr(model.config, "attn_layers", ()) and model.config.hash_seed is None:
            raise ReproError(f"{folder}: its attention hashes at random; set hash_seed in config.json")
    return model.eval()


def load_masked_lm(resolved: Resolved) -> tuple[Any, bool]:
    """(BERT with its head over the vocabulary, in evaluation mode; whether the files hold that head, or it was drawn).

    ReproError where it is no BERT, or the files lack a weight below the head.
    """
    from transformers import BertForMaskedLM

    folder = resolved.folder
    with loading_errors(folder):
        if read_object(folder / "config.json").get("model_type") != "bert":
            raise ReproError(f"{resolved.recipe.weights} is no BERT; only BERT's masked language model is supported")
        model, missing = _from_pretrained(BertForMaskedLM, folder, dtype=torch.float32)
    refuse_missing(folder, [name for name in missing if not name.startswith("cls.")])
    return model.eval(), not missing


def _from_pretrained(kind: Any, folder: Path, **settings: object) -> tuple[Any, list[str]]:
    """(model, names of the weights that the files lack). What config.json says of attention kernels is ignored."""
    model, report = kind.from_pretrained(
        folder,
        **SAFELY,
        **settings,
        weights_only=True,
        attn_implementation=None,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
    )
    for name, there, expected in sorted(report["mismatched_keys"])[:1]:
        shapes = f"{name} is {tuple(there)} in the weights and {tuple(expected)} by its configuration"
        raise ReproError(f"{folder}: {shapes}; get the whole model folder again")
    _refuse_unread(folder, model, sorted(report["unexpected_keys"]))
    return model, sorted(report["missing_keys"])


def _refuse_unread(folder: Path, model: Any, names: list[str]) -> None:
    """ReproError naming a weight inside a layer that this architecture does not read, or positions that it does not
    know: relative ones of BERT, adapters. transformers leaves both out without a word, and gives other vectors."""
    modules = {name for name, _ in model.named_modules()}
    for name in names:
        parts = name.removeprefix(f"{model.base_model_prefix}.").split(".")
        inside = max((count for count in range(len(parts)) if ".".join(parts[:count]) in modules), default=0)
        if any(part.isdigit() for part in parts[:inside]) and not UNUSED.search(name):
            raise ReproError(
                f"{folder}: transformers' {type(model).__name__} does not read the weights {name}; what it computes "
                "is another model"
            )
    kind = getattr(model.config, "position_embedding_type", None)
    if kind in LOST and f'"{kind}"' not in inspect.getsource(inspect.getmodule(type(model)) or type(model)):
        raise ReproError(
            f"{folder}: position_embedding_type is {kind!r}, which transformers' {type(model).__name__} does not know; "
            "what it computes is another model"
        )


def _of_pooler(name: str) -> bool:
    return "pooler" in name.split(".")


def refuse_missing(folder: Path, names: list[str]) -> None:
    """ReproError naming weights that would be drawn at random."""
    if names:
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        raise ReproError(f"{folder}: the weights do not hold {shown}; the model would be partly random")


def refuse_longer(resolved: Resolved, model: Any) -> None:
    """ReproError when the recipe asks for more tokens than the loaded model is known to serve.

    Likewise when it was cut at positions that the model turns out not to have, though its settings ask for more.
    """
    learned = capacity(model)
    limits = [learned, _steady(model.config)]
    if resolved.layout.named_length is None:
        limits.append(getattr(model.config, "max_position_embeddings", None))
    count = min((limit for limit in limits if isinstance(limit, int) and limit > 0), default=NO_LIMIT)
    length = resolved.recipe.max_length or 0
    if length > count:
        raise ReproError(f"{resolved.folder} reads {count} tokens at most; name max_length={count}")
    if resolved.shortened and learned is None:
        more = f"asks for {resolved.layout.named_length} tokens, more than its configuration's {length}"
        raise ReproError(f"{resolved.folder} {more}; name max_length={length}")


def capacity(model: Any) -> int | None:
    """How many tokens the learned positions of a loaded model serve; None where there are none."""
    counts = []
    for name, module in model.named_modules():
        grows = hasattr(module, "make_weight")  # sinusoids, as many as a text needs
        if name.rpartition(".")[2] in POSITIONS and isinstance(module, nn.Embedding) and not grows:
            before = getattr(module, "offset", 0) if module.padding_idx is None else module.padding_idx + 1
            counts.append(int(module.num_embeddings - before))
    return min(counts, default=None)


def _steady(config: Any) -> int | None:
    """Tokens up to which a sentence's vector does not depend on the others that were read with it or before it.

    BigBird turns its sparse attention off for good at the first text that is too short for it, and two kinds of rotary
    positions take other frequencies where the longest text of a batch, or of those before, is long. None: any number.
    """
    if getattr(config, "attention_type", None) == "block_sparse":
        return int((5 + 2 * config.num_random_blocks) * config.block_size)
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = [kind for kind in (rope, *rope.values()) if isinstance(kind, dict)]
    lengths = [
        int(kind.get("original_max_position_embeddings") or config.max_position_embeddings)
        for kind in kinds
        if kind.get("rope_type") in ("longrope", "dynamic")
    ]
    return min(lengths, default=None)


def embedding_table(model: Any) -> Tensor | None:
    """(vocabulary, d) embeddings of the tokens; None for a model without such a table, as of one that reads letters."""
    try:
        weight = model.get_input_embeddings().weight
    except (NotImplementedError, AttributeError):
        return None
    return weight if isinstance(weight, Tensor) and weight.ndim == 2 else None


def check_vocabulary(folder: Path, tokenizer: Any, model: Any) -> None:
    """ReproError when the tokenizer gives ids that the model has no embedding for."""
    table = embedding_table(model)
    largest = max(tokenizer.get_vocab().values(), default=0)
    if table is not None and largest >= len(table):
        raise ReproError(
            f"{folder}: the tokenizer has ids up to {largest}, the model {len(table)} embeddings; they do not belong "
            "together"
        )


class Dense(nn.Module):
    """activation(W x + b), plus x (projected where the widths differ) where it is residual; names as in the files."""

    def __init__(self, head: Head, activation: nn.Module) -> None:
        super().__init__()
        self.linear = nn.Linear(head.inputs, head.outputs, bias=head.bias)
        self.activation_function = activation
        if head.residual:
            same = head.inputs == head.outputs
            self.residual = nn.Identity() if same else nn.Linear(head.inputs, head.outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, d) → (B, d')."""
        projected: Tensor = self.activation_function(self.linear(x))
        return projected + self.residual(x) if hasattr(self, "residual") else projected


class Cut(nn.Module):
    """The first dimensions."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """(B, d) → (B, at most size)."""
        return x[:, : self.size]


class Normalize(nn.Module):
    """Vectors of length 1."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, d) → (B, d)."""
        return nn.functional.normalize(x, dim=1)


def load_heads(resolved: Resolved, width: int) -> tuple[nn.Sequential, int]:
    """(the modules after the pooling, which gives (B, width); the width of what comes out of them).

    Raises ReproError when one does not fit what comes before it.
    """
    modules: list[nn.Module] = []
    for head in resolved.heads:
        if head.kind == "dropout":
            continue
        module = _head(head)
        with loading_errors(head.folder), torch.inference_mode():
            width = module(torch.zeros(1, width)).shape[1]
        modules.append(module)
    return nn.Sequential(*modules), width


def _head(head: Head) -> nn.Module:
    if head.kind == "normalize":
        return Normalize()
    if head.kind == "cut":
        return Cut(head.outputs)
    with loading_errors(head.folder):
        module = (
            nn.Sequential(OrderedDict(norm=nn.LayerNorm(head.inputs))) if head.kind == "layer-norm" else _dense(head)
        )
        module.load_state_dict(_state(head.folder))
        return module.eval()


def _dense(head: Head) -> nn.Module:
    module, _, name = head.activation.rpartition(".")
    kind = getattr(import_module(module), name, None)
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise ReproError(f"{head.folder}: {module} has no activation {name!r}")
    return Dense(head, kind())


def _state(folder: Path) -> dict[str, Tensor]:
    path = head_weights(folder)
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    state: dict[str, Tensor] = torch.load(path, weights_only=True, map_location="cpu")
    return state
