"""How many tokens of a sentence a model reads: what its settings, its tokenizer and its positions allow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from repro.encoders.model_files import read_object
from repro.errors import ReproError

UNLIMITED = 1e9  # tokens; tokenizers without a limit of their own are saved with 1e30
# Learned positions that begin after the padding index (modeling_*.py: create_position_ids_from_input_ids)
AFTER_PADDING = frozenset(
    "roberta roberta-prelayernorm xlm-roberta xlm-roberta-xl camembert xmod longformer mpnet data2vec-text ibert luke "
    "lilt layoutlmv3 markuplm esm".split()
)
RELATIVE = frozenset({"t5", "mt5", "umt5", "longt5", "switch_transformers", "xlnet"})  # no limit of their own


def max_length(folder: Path, named: object) -> int | None:
    """Tokens, special ones included; None: no limit. `named`: what settings of sentence-transformers say, or None.

    As in sentence-transformers a named length stands, else the tokenizer's is cut at `max_position_embeddings`; here
    neither goes beyond learned positions. Raises ReproError for what is no length.
    """
    config = read_object(folder / "config.json") if (folder / "config.json").exists() else {}
    tokenizer = folder / "tokenizer_config.json"
    limits = [positions(config)]
    if named is None:
        limits.append(None if config.get("model_type") in RELATIVE else _count(config))
        about = read_object(tokenizer) if tokenizer.exists() else {}
        named = about.get("model_max_length", about.get("max_len"))
    limits.append(None if named is None else _length(folder, named))
    return min((limit for limit in limits if limit is not None), default=None)


def _length(folder: Path, value: object) -> int | None:
    if isinstance(value, int | float) and value >= UNLIMITED:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 3:
        raise ReproError(
            f"{folder}: a maximum length of {value!r} tokens makes no sense; give a whole number from 3 on"
        )
    return value


def positions(config: Mapping[str, object]) -> int | None:
    """How many tokens an architecture has learned positions for; None where it has none, or this is not known.

    RoBERTa's family numbers them from behind the padding index, so that many are lost.
    """
    family, count = str(config.get("model_type")), _count(config)
    kind = config.get("position_embedding_type")
    rotary = kind == "rotary" or (kind != "absolute" and any("rope" in name for name in config))
    if count is None or family in RELATIVE or rotary or config.get("position_biased_input") is False:
        return None
    if family not in AFTER_PADDING:
        return count
    padding = 1 if family == "mpnet" else config.get("pad_token_id", 1)  # MPNet's is fixed in its code
    return count - (padding if isinstance(padding, int) else 1) - 1


def _count(config: Mapping[str, object]) -> int | None:
    names = ("max_position_embeddings", "n_positions", "max_seq_len", "context_length")
    counts = (config[name] for name in names if name in config)
    return next((n for n in counts if isinstance(n, int) and not isinstance(n, bool) and n > 0), None)
