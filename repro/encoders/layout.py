"""What a model folder says of itself, read as sentence-transformers 6 reads it: modules, pooling, lengths, prompts.

A setting is honoured or refused by name, never passed over. Nothing here imports torch.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from repro.encoders.heads import HEADS, Head, cut
from repro.encoders.lengths import max_length
from repro.encoders.model_files import flag, read_json, read_object
from repro.errors import ReproError

MODULE = re.compile(r"sentence_transformers\.(models|\w+\.modules)(\.\w+)?\.(?P<kind>\w+)")
# the first releases had a class for each architecture, which did what Transformer does
TRANSFORMERS = ("Transformer", "BERT", "RoBERTa", "DistilBERT", "ALBERT", "CamemBERT", "XLMRoBERTa")
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
# what sentence-transformers sets itself when it loads, whatever the file says
LOADING = frozenset({"trust_remote_code", "token", "revision", "subfolder", "cache_dir", "local_files_only"})


@dataclass(frozen=True)
class Layout:
    """A model folder without its weights. `max_length` counts tokens, specials included; None: no limit.

    `named_length` is what settings of sentence-transformers ask for, if they do.
    """

    transformer: Path
    pooling: str | None = "mean"  # None: it classifies texts or scores pairs, and makes no vectors of sentences
    heads: tuple[Head, ...] = ()
    max_length: int | None = None
    named_length: object = None
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
        return _plain(root, own_pooling)
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
            transformer, settings = folder, _transformer_settings(folder, own_pooling)
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
        raise ReproError(f"{modules} names no module; get the model folder again")
    if own_pooling and not pooling:
        raise ReproError(f"{modules} has no Pooling module; name a pooling, as in {root},pooling=mean")
    whole = root / "config_sentence_transformers.json"
    about = read_object(whole) if whole.exists() else {}
    if own_pooling and about.get("model_type", "SentenceTransformer") != "SentenceTransformer":
        raise ReproError(f"{whole}: a {about['model_type']} gives no single vector a sentence; name a pooling=…")
    _check_requirements(whole, about)
    tokenizer = _tokenizer_settings(transformer, settings)
    named = dict(tokenizer).get("model_max_length", settings.get("max_seq_length"))
    return Layout(
        transformer,
        pooling or "mean",
        (*heads, *cut(whole, about)),
        max_length(transformer, named),
        named,
        flag(settings, "do_lower_case", transformer, False),
        _default_prompt(whole, about),
        prompt_pooled,
        tokenizer,
        tuple(folders),
    )


def _plain(root: Path, own_pooling: bool) -> Layout:
    """A transformers folder: the mean of the last layer, or its last token where it was made to write text; none where
    it classifies texts or scores pairs."""
    config = root / "config.json"
    if not config.exists():
        raise ReproError(f"{root} holds neither modules.json nor config.json; it is not a model folder")
    settings = read_object(config)
    if own_pooling and _has_chat_template(root):
        raise ReproError(
            f"{root} has a chat template, which is not supported; name a pooling, as in {root},pooling=last"
        )
    architectures = settings.get("architectures")
    first = architectures[0] if isinstance(architectures, list) and architectures else ""
    classifies = str(first).endswith("ForSequenceClassification")
    writes = str(first).endswith("ForCausalLM") and settings.get("is_causal", True)
    pooling = "last" if writes else None if classifies else "mean"
    return Layout(root, pooling, max_length=max_length(root, None), folders=(root,))


def _has_chat_template(folder: Path) -> bool:
    """Whether sentence-transformers would wrap each sentence into a conversation."""
    tokenizer = folder / "tokenizer_config.json"
    named = read_object(tokenizer).get("chat_template") if tokenizer.exists() else None
    files = ("chat_template.jinja", "chat_template.json", "additional_chat_templates")
    return named is not None or any((folder / name).exists() for name in files)


def _kind(modules: Path, module: dict[str, object]) -> str:
    """The class of a module; one from elsewhere is code of somebody's own, whatever its name."""
    name = module.get("type")
    own = MODULE.fullmatch(name) if isinstance(name, str) else None
    if own is None:
        raise ReproError(
            f"{modules}: the module {name!r} is not one of sentence-transformers' own; foreign code is not run"
        )
    return own["kind"]


def _modules(path: Path) -> list[dict[str, object]]:
    """The entries; ReproError where two have one name, so that the later would stand in place of the earlier."""
    entries = read_json(path)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ReproError(f"{path} should be a list of modules; get the model folder again")
    names = [entry.get("name") for entry in entries]
    if any(names.count(name) > 1 for name in names):
        raise ReproError(f"{path}: modules need names that differ, found {names}")
    return entries


def _inside(root: Path, path: object) -> Path:
    if not isinstance(path, str) or "\0" in path:
        raise ReproError(f"{root / 'modules.json'}: the path {path!r} is not a folder's name")
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ReproError(f"{root / 'modules.json'}: the path {path!r} leaves the model folder")
    return root / path


def _transformer_settings(folder: Path, own_pooling: bool) -> dict[str, object]:
    """The first settings file that says anything; older models name it after their architecture."""
    there = [folder / name for name in TRANSFORMER_SETTINGS if (folder / name).exists()]
    path, settings = next(((path, content) for path in there if (content := read_object(path))), (folder, {}))
    allowed = {
        "transformer_task": "feature-extraction",
        "module_output_name": "token_embeddings",
        "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
    }
    for name, value in settings.items():
        if name in WITHOUT_EFFECT or (name in allowed and (value == allowed[name] or not own_pooling)):
            continue
        if name in ("model_args", "model_kwargs", "config_args", "config_kwargs", "processing_kwargs") and (
            not value or (isinstance(value, dict) and value.keys() <= LOADING)
        ):
            continue
        raise ReproError(f"{path}: the setting {name} = {json.dumps(value)[:80]} is not supported; remove it")
    if settings.get("tokenizer_name_or_path") is not None:
        raise ReproError(f"{path}: tokenizer_name_or_path is not supported; put the tokenizer's files into {folder}")
    return settings


def _tokenizer_settings(folder: Path, settings: dict[str, object]) -> tuple[tuple[str, object], ...]:
    chosen = settings.get("tokenizer_args", settings.get("processor_kwargs")) or {}
    if not isinstance(chosen, dict):
        raise ReproError(f"{folder}: tokenizer_args should be an object, found {chosen!r}")
    chosen = {name: value for name, value in chosen.items() if name not in LOADING}
    for name, value in chosen.items():
        if not isinstance(value, str | int | float | bool):
            raise ReproError(f"{folder}: the tokenizer's setting {name} = {value!r} is not supported; remove it")
    return tuple(sorted(chosen.items()))


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
        active = [mode for name, mode in POOLING_FLAGS.items() if flag(settings, name, path, False)] or ["mean"]
    names = [POOLING_NAMES.get(mode, "") if isinstance(mode, str) else "" for mode in active]
    if not all(names) or not names:
        raise ReproError(f"{path}: the pooling {active!r} is not supported; name one of your own with pooling=…")
    prompt_pooled = flag(settings, "include_prompt", path, True)
    if not {"embedding_dimension", "word_embedding_dimension"} & settings.keys():
        raise ReproError(f"{path} names no embedding_dimension; get the whole model folder again")
    return "+".join(names), prompt_pooled


def _check_requirements(path: Path, about: dict[str, object]) -> None:
    """ReproError where the model asks for packages or versions that are not here."""
    requirements = about.get("requirements")
    for package, wanted in requirements.items() if isinstance(requirements, dict) else ():
        wanted = wanted.get("specifier", "") if isinstance(wanted, dict) else wanted
        with suppress(InvalidSpecifier, TypeError, AttributeError):  # sentence-transformers passes them over, too
            if not _installed("torch" if package == "pytorch" else package, SpecifierSet(wanted)):
                raise ReproError(f"{path}: the model requires {package}{wanted}, which is not what is installed here")


def _installed(package: str, wanted: SpecifierSet) -> bool:
    try:
        return wanted.contains(python_version() if package == "python" else version(package), prereleases=True)
    except PackageNotFoundError:
        return False


def _default_prompt(path: Path, about: dict[str, object]) -> str:
    """The prompt that sentence-transformers puts before every sentence unless told otherwise, or ''."""
    name, prompts = about.get("default_prompt_name"), about.get("prompts") or {}
    if not isinstance(prompts, dict):
        raise ReproError(f"{path}: prompts should be an object, found {prompts!r}; mend the file")
    if name is None:
        return ""
    prompts = {"query": "", "document": ""} | prompts  # these two exist in every model
    prompt = prompts.get(name) if isinstance(name, str) else 0
    if not isinstance(prompt, str | None) or name not in prompts:
        raise ReproError(f"{path}: the default prompt {name!r} is not among its prompts")
    return prompt or ""
