"""Python's embedders on the texts of `cargo bench -p papr-embed`, beside its figures. See README.md."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[4]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
WORK = TARGET / "peers"
MODEL = PROJECT / "vendor/models/all-minilm-l6-v2"
WEIGHTS = PROJECT / "vendor/weights/all-minilm-l6-v2"

# As in benches/embed.rs: one token a word.
WORDS = "water house night music river paper light stone green table voice winter".split()
LENGTHS = [12, 32, 64, 128, 256]


def text(tokens: int) -> str:
    """A text of that many tokens, the two special ones included."""
    return " ".join(WORDS[place % len(WORDS)] for place in range(tokens - 2))


def background() -> list[str]:
    return [text(8 + number * 37 % 120) for number in range(64)]


def python() -> Path:
    """The interpreter of the virtual environment, made if need be."""
    folder = WORK / "venv"
    found = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not found.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return found


def install(requirements: str) -> bool:
    command = [str(python()), "-m", "pip", "install", "--quiet", "--only-binary=:all:"]
    return subprocess.run([*command, "-r", str(HERE / requirements)], check=False).returncode == 0


def time_peer(embed) -> dict:
    """`embed` takes a list of texts and gives their vectors."""
    result = {}
    for tokens in LENGTHS:
        one = [text(tokens)]
        for _ in range(5):
            embed(one)
        times = []
        for _ in range(40):
            start = time.perf_counter()
            embed(one)
            times.append((time.perf_counter() - start) * 1e3)
        result[str(tokens)] = round(statistics.median(times), 2)
    texts = background()
    embed(texts)
    rounds = []
    for _ in range(5):
        start = time.perf_counter()
        embed(texts)
        rounds.append(len(texts) / (time.perf_counter() - start))
    result["texts/s"] = round(statistics.median(rounds), 1)
    return result


def fastembed_peer() -> tuple[str, dict]:
    import fastembed
    from fastembed.common.model_description import ModelSource, PoolingType

    folder = WORK / "fastembed-model"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ["model.onnx", "tokenizer.json"]:
        if not (folder / name).exists():
            shutil.copy(MODEL / name, folder / name)
    shutil.copy(WEIGHTS / "config.json", folder / "config.json")
    tokens = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    (folder / "special_tokens_map.json").write_text(json.dumps(tokens))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 256, **tokens}))
    fastembed.TextEmbedding.add_custom_model(
        model="papr/minilm",
        pooling=PoolingType.DISABLED,
        normalization=False,
        sources=ModelSource(url="file:///nowhere"),
        dim=384,
        model_file="model.onnx",
    )
    start = time.perf_counter()
    model = fastembed.TextEmbedding("papr/minilm", specific_model_path=str(folder), threads=1)
    load_ms = (time.perf_counter() - start) * 1e3
    result = time_peer(lambda texts: list(model.embed(texts)))
    return f"fastembed {fastembed.__version__}", {**result, "load_ms": round(load_ms)}


def torch_peer() -> tuple[str, dict]:
    import sentence_transformers
    import torch
    from sentence_transformers import SentenceTransformer, models

    torch.set_num_threads(1)
    start = time.perf_counter()
    transformer = models.Transformer(str(WEIGHTS), max_seq_length=256)
    pooling = models.Pooling(transformer.get_word_embedding_dimension())
    model = SentenceTransformer(modules=[transformer, pooling, models.Normalize()], device="cpu")
    load_ms = (time.perf_counter() - start) * 1e3
    result = time_peer(lambda texts: model.encode(texts, show_progress_bar=False))
    return f"sentence-transformers {sentence_transformers.__version__}", {**result, "load_ms": round(load_ms)}


PEERS = {"fastembed": fastembed_peer, "torch": torch_peer}


def measure(peer: str) -> dict:
    """One peer in a process of its own, so that their threads and memory do not meet."""
    offline = {"HF_HUB_OFFLINE": "1", "ORT_DISABLE_TELEMETRY": "1", "OMP_NUM_THREADS": "1"}
    output = subprocess.run(
        [str(python()), __file__, "--measure", peer],
        env={**os.environ, **offline},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if output.returncode != 0:
        print(f"{peer}: could not be measured", file=sys.stderr)
        return {}
    return json.loads(output.stdout.splitlines()[-1])


def ours(run: bool) -> dict:
    if run:
        command = ["cargo", "bench", "--offline", "-p", "papr-embed", "--bench", "embed"]
        subprocess.run(command, cwd=PROJECT, check=True, stdout=sys.stderr)

    def median(path: str) -> float:
        estimates = TARGET / "criterion" / path / "new/estimates.json"
        return json.loads(estimates.read_text())["median"]["point_estimate"] / 1e6

    result = {str(tokens): round(median(f"query/{tokens}"), 2) for tokens in LENGTHS}
    result["texts/s"] = round(64 / (median("background/64 mixed texts") / 1e3), 1)
    return {"papr-embed": result}


def table(result: dict) -> str:
    columns = [*map(str, LENGTHS), "texts/s"]
    lines = [f"{'ms a query of … tokens':32}" + "".join(f"{column:>9}" for column in columns)]
    for name, figures in result.items():
        lines.append(f"{name:32}" + "".join(f"{figures.get(column, '-'):>9}" for column in columns))
    return "\n".join(lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--torch", action="store_true", help="sentence-transformers too")
    arguments.add_argument("--no-cargo", action="store_true", help="figures of the last cargo bench")
    arguments.add_argument("--measure", choices=PEERS, help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.measure:
        name, figures = PEERS[options.measure]()
        print(json.dumps({name: figures}))
        return
    if not (MODEL / "model.onnx").exists():
        sys.exit(f"{MODEL} is missing: run make test (it fetches the model)")
    if not install("requirements.txt"):
        sys.exit("fastembed cannot be installed: there is nothing to compare with")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    result = ours(not options.no_cargo)
    result.update(measure("fastembed"))
    if options.torch:
        if install("requirements-torch.txt"):
            result.update(measure("torch"))
        else:
            print("sentence-transformers cannot be installed here: left out", file=sys.stderr)
    if load is not None and load > 0.5:
        print(f"the machine was busy (load {load:.1f}): these are no figures to publish", file=sys.stderr)
    print(table(result))
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / "result.json").write_text(json.dumps({"load": load, "figures": result}, indent=2) + "\n")


if __name__ == "__main__":
    main()
