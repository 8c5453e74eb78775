"""What a model folder says of itself, read as sentence-transformers 6 reads it: modules, pooling, lengths, prompts.

A setting is honoured or refused by name, never passed over. Nothing here imports torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from repro.encoders.model_files import read_json, read_object
from repro.errors import ReproError

OUTPUT = "sentence_embedding"  # what modules after the pooling read and write
TRANSFORMERS = ("Transformer", "BERT", "RoBERTa", "DistilBERT", "ALBERT", "XLNet", "CamemBERT", "XLMRoBERTa", "T5")
TRANSFORMER_SETTINGS = tuple(
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
# settings of a Transformer module that change nothing for plain sentences without a task
WITHOUT_EFFECT = {"unpad_inputs", "query_length", "document_length", "query_expansion", "max_seq_length"} | {
    "do_lower_case",
    "tokenizer_args",
    "processor_kwargs",
    "tokenizer_name_or_path",
}
# `pooling_mode` since 5.x, or a flag each before; in the order in which several are concatenated
POOLING_NAMES = {
    "cls": "cls",
    "max": "max",
    "mean": "mean",
    "mean_sqrt_len_tokens": "mean-sqrt-len",
    "weightedmean": "weighted-mean",
    "lasttoken": "last",
}
POOLING_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
POOLING_SETTINGS = {"pooling_mode", "include_prompt", "embedding_dimension", "word_embedding_dimension", *POOLING_FLAGS}
ACTIVATION = re.compile(r"torch\.nn(\.modules\.\w+)?\.([A-Z]\w*)")
# Learned positions that begin after the padding index (modeling_*.py: create_position_ids_from_input_ids)
AFTER_PADDING = frozenset(
    "roberta roberta-prelayernorm xlm-roberta xlm-roberta-xl camembert xmod longformer mpnet data2vec-text ibert luke "
    "lilt layoutlmv3 markuplm esm".split()
)
RELATIVE = frozenset({"t5", "mt5", "umt5", "longt5", "switch_transformers", "xlnet"})  # no limit of their own


@dataclass(frozen=True)
class Head:
    """A module after the pooling: `dense`, `layer-norm`, `normalize` or `dropout` (which rests at evaluation)."""

    kind: str
    folder: Path
    activation: str = ""  # class of torch.nn; dense only
    residual: bool = False  # dense only


@dataclass(frozen=True)
class Layout:
    """A model folder without its weights. `max_length` counts tokens, specials included; None: no limit."""

    root: Path
    transformer: Path
    pooling: str = "mean"
    heads: tuple[Head, ...] = ()
    max_length: int | None = None
    lowercase: bool = False
    prompt: str = ""
    prompt_pooled: bool = True  # whether the prompt's tokens take part in the pooling
    tokenizer: tuple[tuple[str, object], ...] = ()  # settings that the tokenizer is loaded with
    folders: tuple[Path, ...] = ()  # of all modules


def read(root: Path, own_pooling: bool = True) -> Layout:
    """The layout of a folder. `own_pooling` False: the caller pools the token vectors, so heads need not be known.

    Raises ReproError that names the file when something in it is not supported or not what it should be.
    """
    modules = root / "modules.json"
    if not modules.exists():
        return _plain(root)
    transformer: Path | None = None
    pooling, prompt_pooled = "", True
    heads: list[Head] = []
    folders: list[Path] = []
    settings: dict[str, object] = {}
    for number, module in enumerate(_modules(modules)):
        kind, folder = _kind(modules, module), _inside(root, module.get("path"))
        folders.append(folder)
        if number == 0:
            if kind not in TRANSFORMERS:
                raise ReproError(
                    f"{modules}: a model that begins with {kind!r} is not supported; it needs a Transformer"
                )
            transformer, settings = folder, _transformer_settings(folder)
        elif not own_pooling:
            continue
        elif kind == "Pooling" and not pooling:
            pooling, prompt_pooled = _pooling(folder / "config.json")
        elif kind in HEADS and pooling:
            heads.append(HEADS[kind](folder))
        else:
            raise ReproError(
                f"{modules}: the module {kind!r} is not supported here; name a pooling, as in {root},pooling=mean"
            )
    if transformer is None:
        raise ReproError(f"{modules} names no module")
    if own_pooling and not pooling:
        raise ReproError(f"{modules} has no Pooling module; name a pooling, as in {root},pooling=mean")
    return Layout(
        root,
        transformer,
        pooling or "mean",
        tuple(heads),
        _max_length(transformer, settings),
        _typed(settings, "do_lower_case", bool, transformer, False),
        _default_prompt(root / "config_sentence_transformers.json"),
        prompt_pooled,
        _tokenizer_settings(transformer, settings),
        tuple(folders),
    )


def _plain(root: Path) -> Layout:
    """A transformers folder: the mean of the last layer, or its last token where it was made to write text."""
    config = root / "config.json"
    if not config.exists():
        raise ReproError(f"{root} holds neither modules.json nor config.json; it is not a model folder")
    settings = read_object(config)
    architectures = settings.get("architectures")
    first = architectures[0] if isinstance(architectures, list) and architectures else ""
    writes = str(first).endswith("ForCausalLM") and settings.get("is_causal", True) is not False
    pooling = "last" if writes else "mean"
    return Layout(root, root, pooling, max_length=_max_length(root, {}), folders=(root,))


def _kind(modules: Path, module: dict[str, object]) -> str:
    """The class of a module; one from elsewhere is code of somebody's own, whatever its name."""
    name = module.get("type")
    if not isinstance(name, str) or not name.startswith("sentence_transformers."):
        raise ReproError(
            f"{modules}: the module {name!r} is not one of sentence-transformers' own; foreign code is not run"
        )
    return name.rsplit(".", 1)[-1]


def _modules(path: Path) -> list[dict[str, object]]:
    entries = read_json(path)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ReproError(f"{path} should be a list of modules")
    return entries


def _inside(root: Path, path: object) -> Path:
    if not isinstance(path, str) or "\0" in path:
        raise ReproError(f"{root / 'modules.json'}: the path {path!r} is not a folder's name")
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ReproError(f"{root / 'modules.json'}: the path {path!r} leaves the model folder")
    return root / path


def _transformer_settings(folder: Path) -> dict[str, object]:
    """The first settings file that says anything; older models name it after their architecture."""
    there = [folder / name for name in TRANSFORMER_SETTINGS if (folder / name).exists()]
    path, settings = next(((path, content) for path in there if (content := read_object(path))), (folder, {}))
    allowed = {
        "transformer_task": "feature-extraction",
        "module_output_name": "token_embeddings",
        "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    }
    for name, value in settings.items():
        if name in WITHOUT_EFFECT or (name in allowed and value == allowed[name]):
            continue
        if name in ("model_args", "model_kwargs", "config_args", "config_kwargs", "processing_kwargs") and not value:
            continue
        raise ReproError(f"{path}: the setting {name} = {json.dumps(value)[:80]} is not supported; remove it")
    if settings.get("tokenizer_name_or_path") is not None:
        raise ReproError(f"{path}: tokenizer_name_or_path is not supported; put the tokenizer's files into {folder}")
    return settings


def _tokenizer_settings(folder: Path, settings: dict[str, object]) -> tuple[tuple[str, object], ...]:
    chosen = settings.get("tokenizer_args", settings.get("processor_kwargs")) or {}
    if not isinstance(chosen, dict):
        raise ReproError(f"{folder}: tokenizer_args should be an object, found {chosen!r}")
    for name, value in chosen.items():
        if not isinstance(value, str | int | float | bool | None):
            raise ReproError(f"{folder}: the tokenizer's setting {name} = {value!r} is not supported; remove it")
    return tuple(sorted((name, value) for name, value in chosen.items() if name not in ("trust_remote_code", "token")))


def _max_length(folder: Path, settings: dict[str, object]) -> int | None:
    """The smallest of what the settings, the tokenizer and the architecture allow; None: none of them sets a limit."""
    limits = [positions(read_object(folder / "config.json"))] if (folder / "config.json").exists() else []
    chosen = dict(_tokenizer_settings(folder, settings)).get("model_max_length")
    if chosen is None:
        chosen = settings.get("max_seq_length")
    tokenizer = folder / "tokenizer_config.json"
    if chosen is None and tokenizer.exists():
        about = read_object(tokenizer)
        chosen = about.get("model_max_length", about.get("max_len"))
    if chosen is not None:
        if isinstance(chosen, bool) or not isinstance(chosen, int | float) or not chosen >= 1:
            raise ReproError(f"{folder}: a maximum length of {chosen!r} tokens makes no sense; give a positive number")
        limits.append(int(chosen) if chosen < 1e9 else None)
    return min((limit for limit in limits if limit is not None), default=None)


def positions(config: dict[str, object]) -> int | None:
    """How many tokens an architecture has positions for; None where it has no limit, or this is not known.

    RoBERTa's family numbers them from behind the padding index, so that many are lost.
    """
    family = config.get("model_type")
    names = ("max_position_embeddings", "n_positions", "max_seq_len", "context_length")
    counts = (config[name] for name in names if name in config)
    count = next((n for n in counts if isinstance(n, int) and not isinstance(n, bool) and n > 0), None)
    if family in RELATIVE or count is None:
        return None
    if family not in AFTER_PADDING or config.get("position_embedding_type", "absolute") == "rotary":
        return count
    padding = 1 if family == "mpnet" else config.get("pad_token_id", 1)  # MPNet's is fixed in its code
    return count - (padding if isinstance(padding, int) else 1) - 1


def _pooling(path: Path) -> tuple[str, bool]:
    """(`mean`, or several as in `cls+mean`; whether a prompt takes part)."""
    settings = read_object(path)
    for name, value in settings.items():
        if name not in POOLING_SETTINGS:
            raise ReproError(f"{path}: the pooling setting {name} = {value!r} is not supported; name a pooling=…")
    if "pooling_mode" in settings:
        modes = settings["pooling_mode"]
        active = modes if isinstance(modes, list) else [modes]
    else:
        active = [mode for flag, mode in POOLING_FLAGS.items() if _typed(settings, flag, bool, path, False)] or ["mean"]
    names = [POOLING_NAMES.get(mode, "") if isinstance(mode, str) else "" for mode in active]
    if not all(names) or not names:
        raise ReproError(f"{path}: the pooling {active!r} is not supported; name one of your own with pooling=…")
    return "+".join(names), _typed(settings, "include_prompt", bool, path, True)


def _dense(folder: Path) -> Head:
    path = folder / "config.json"
    settings = read_object(path)
    _on_sentences(path, settings)
    name = settings.get("activation_function", "torch.nn.modules.activation.Tanh")
    activation = ACTIVATION.fullmatch(name) if isinstance(name, str) else None
    if activation is None:
        raise ReproError(f"{path}: the activation {str(name).rsplit('.', 1)[-1]!r} is not supported; torch.nn's are")
    return Head("dense", folder, activation.group(2), _typed(settings, "use_residual", bool, path, False))


def _normalize(folder: Path) -> Head:
    path = folder / "config.json"
    if path.exists():
        _on_sentences(path, read_object(path))
    return Head("normalize", folder)


def _on_sentences(path: Path, settings: dict[str, object]) -> None:
    for name in ("module_input_name", "module_output_name"):
        if settings.get(name) not in (None, OUTPUT):
            raise ReproError(f"{path}: {name} = {settings[name]!r} is not supported, {OUTPUT!r} is; name a pooling=…")


HEADS: dict[str, Callable[[Path], Head]] = {
    "Dense": _dense,
    "LayerNorm": lambda folder: Head("layer-norm", folder),
    "Normalize": _normalize,
    "Dropout": lambda folder: Head("dropout", folder),
}


def _default_prompt(path: Path) -> str:
    """The prompt that sentence-transformers puts before every sentence unless told otherwise, or ''."""
    if not path.exists():
        return ""
    settings = read_object(path)
    if settings.get("model_type", "SentenceTransformer") != "SentenceTransformer":
        raise ReproError(f"{path}: a {settings['model_type']} gives no single vector a sentence; name a pooling=…")
    name, prompts = settings.get("default_prompt_name"), settings.get("prompts") or {}
    if name is None:
        return ""
    prompt = prompts.get(name) if isinstance(prompts, dict) and isinstance(name, str) else None
    if prompt is None and name in ("query", "document"):
        prompt = ""  # these two exist, empty, in every model
    if not isinstance(prompt, str):
        raise ReproError(f"{path}: the default prompt {name!r} is not among its prompts")
    return prompt


def _typed(settings: dict[str, object], name: str, kind: type, path: Path, default: bool) -> bool:
    value = settings.get(name, default)
    if not isinstance(value, kind):
        raise ReproError(f"{path}: {name} = {value!r} should be {kind.__name__}")
    return bool(value)
