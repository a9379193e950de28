"""Our index and other libraries on the same vectors and queries, in one run. See README.md.

Standard library only: the libraries come into a virtual environment below target/peers, made on demand.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent
WORK = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target")) / "peers"
DATA = WORK / "data"
RESULT = HERE / "result.json"
SIZES = ["1000x384", "10000x384", "100000x384", "1000x2560", "10000x2560"]
PEERS = ["hnswlib", "usearch", "faiss HNSW", "faiss flat", "sqlite-vec", "LanceDB", "ChromaDB",
         "ChromaDB, two collections"]
LIMIT = 1_800


def python() -> Path:
    """The interpreter of the virtual environment, made if need be."""
    folder = WORK / "index"
    found = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not found.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return found


def install() -> list[str]:
    """Installs each library; tells which could not be."""
    lines = (HERE / "requirements.txt").read_text().splitlines()
    missing = []
    for package in (line for line in lines if line and not line.startswith("#")):
        command = [str(python()), "-m", "pip", "install", "--quiet", package]
        if subprocess.run(command, check=False).returncode != 0:
            missing.append(package)
    return missing


def ours(arguments: list[str]) -> str:
    given = os.environ.get("PAPR_FIGURES")
    command = [given] if given else ["cargo", "bench", "-p", "papr-index", "--bench", "figures", "--"]
    done = subprocess.run([*command, *arguments], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def truth(size: str) -> Path:
    """The ten nearest by an exact computation in 32-bit floats."""
    path = DATA / f"{size}-truth.npy"
    code = (
        "import sys, numpy as np\n"
        "rows, queries = (np.fromfile(p, np.float32).reshape(-1, int(sys.argv[4])) for p in sys.argv[1:3])\n"
        "np.save(sys.argv[3], np.stack([np.argsort(-(rows @ q), kind='stable')[:10] for q in queries]))\n"
    )
    rows, queries = files(size)
    subprocess.run([str(python()), "-c", code, rows, queries, str(path), width(size)], check=True)
    return path


def files(size: str) -> tuple[str, str]:
    return str(DATA / f"{size}-rows.f32"), str(DATA / f"{size}-queries.f32")


def width(size: str) -> str:
    return size.split("x")[1]


def our_row(size: str, truth_path: Path) -> dict:
    line = json.loads(ours(["--files", *files(size), width(size)]).strip().splitlines()[-1])
    code = "import sys, json, numpy as np; print(json.dumps(np.load(sys.argv[1]).tolist()))"
    listed = subprocess.run([str(python()), "-c", code, str(truth_path)], stdout=subprocess.PIPE, check=True)
    best = json.loads(listed.stdout)
    hits = sum(len(set(one) & set(all_)) for one, all_ in zip(line["found"], best))
    return {
        "name": "papr-index", "build_s": line["add_all_s"] + line["link_s"], "p50": line["top10_ms"]["p50"],
        "p99": line["top10_ms"]["p99"], "recall": hits / sum(map(len, best)),
        "add_ms": line["replace_ms"]["p50"], "memory_mb": line["bytes"] / 1e6, "disk_mb": None,
        "load": os.getloadavg()[0],
    }


def peer_row(name: str, size: str, truth_path: Path) -> dict:
    environment = {**os.environ, "ANONYMIZED_TELEMETRY": "False", "TOKENIZERS_PARALLELISM": "false"}
    command = [str(python()), str(HERE / "one.py"), name, *files(size), str(truth_path), width(size)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, timeout=LIMIT, check=True)
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        return {"name": name, "failed": type(error).__name__}


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=SIZES, help="as in 10000x384")
    parser.add_argument("--peers", nargs="*", default=PEERS)
    parser.add_argument("--no-install", action="store_true", help="the environment is there")
    arguments = parser.parse_args()
    missing = [] if arguments.no_install else install()
    result = json.loads(RESULT.read_text()) if RESULT.exists() else {"sizes": {}}
    result |= {"processor": processor(), "cores": os.cpu_count(), "system": platform.platform(), "missing": missing,
               "date": datetime.date.today().isoformat()}
    for size in arguments.sizes:
        if not Path(files(size)[0]).exists():
            ours(["--write", str(DATA), size])
        truth_path = truth(size)
        label = (DATA / f"{size}-label.txt").read_text()
        rows = {row["name"]: row for row in result["sizes"].get(size, {}).get("rows", [])}
        rows["papr-index"] = our_row(size, truth_path)
        for name in arguments.peers:
            rows[name] = peer_row(name, size, truth_path)
            print(size, rows[name], flush=True)
        result["sizes"][size] = {"data": label, "rows": list(rows.values())}
        RESULT.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
