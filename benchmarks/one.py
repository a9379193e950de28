"""One library on one set of vectors, in a process of its own: prints a line of JSON. Called by peers.py."""

import json
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

TOP = 10
ADDED = 20
SEARCHES = 1_000


class Hnswlib:
    """M 16, ef_construction 200 (its defaults), ef 100."""

    def __init__(self, rows, _folder):
        import hnswlib

        self.index = hnswlib.Index(space="ip", dim=rows.shape[1])
        self.index.init_index(max_elements=len(rows) + ADDED, M=16, ef_construction=200, random_seed=7)
        self.index.add_items(rows, np.arange(len(rows)))
        self.index.set_num_threads(1)
        self.index.set_ef(100)

    def search(self, query):
        return self.index.knn_query(query, k=TOP)[0][0]

    def add(self, number, row):
        self.index.add_items(row, np.array([number]))

    def save(self, folder):
        self.index.save_index(str(folder / "index"))


class Usearch:
    """f16, connectivity and expansions as they come."""

    def __init__(self, rows, _folder):
        from usearch.index import Index

        self.index = Index(ndim=rows.shape[1], metric="ip", dtype="f16")
        self.index.add(np.arange(len(rows)), rows)

    def search(self, query):
        return self.index.search(query, TOP, threads=1).keys

    def add(self, number, row):
        self.index.add(number, row)

    def save(self, folder):
        self.index.save(str(folder / "index"))


class Faiss:
    """HNSW over f32, M 32, efConstruction 200, efSearch 100."""

    def __init__(self, rows, _folder):
        import faiss

        self.faiss = faiss
        self.index = faiss.IndexHNSWFlat(rows.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = 200
        self.index.add(rows)
        self.index.hnsw.efSearch = 100
        faiss.omp_set_num_threads(1)

    def search(self, query):
        return self.index.search(query[None], TOP)[1][0]

    def add(self, _number, row):
        self.index.add(row[None])

    def save(self, folder):
        self.faiss.write_index(self.index, str(folder / "index"))


class FaissFlat(Faiss):
    """Every vector looked at, in f32."""

    def __init__(self, rows, _folder):
        import faiss

        self.faiss = faiss
        self.index = faiss.IndexFlatIP(rows.shape[1])
        self.index.add(rows)
        faiss.omp_set_num_threads(1)


class SqliteVec:
    """A vec0 table on disk: every vector looked at, in f32. Through apsw: not every Python may load extensions."""

    def __init__(self, rows, folder):
        import apsw
        import sqlite_vec

        self.db = apsw.Connection(str(folder / "vectors.db"))
        self.db.enable_load_extension(True)
        self.db.load_extension(sqlite_vec.loadable_path())
        width = rows.shape[1]
        self.db.execute(f"create virtual table vectors using vec0(v float[{width}] distance_metric=cosine)")
        with self.db:
            for number, row in enumerate(rows):
                self.add(number, row)

    def search(self, query):
        ask = "select rowid from vectors where v match ? and k = ? order by distance"
        return [row[0] - 1 for row in self.db.execute(ask, (query.tobytes(), TOP))]

    def add(self, number, row):
        self.db.execute("insert into vectors(rowid, v) values (?, ?)", (number + 1, row.tobytes()))

    def save(self, _folder):
        self.db.close()


class Chroma:
    """One persistent collection, its defaults, cosine."""

    collections = 1

    def __init__(self, rows, folder):
        import chromadb

        client = chromadb.PersistentClient(str(folder), settings=chromadb.Settings(anonymized_telemetry=False))
        self.parts = []
        for part in range(self.collections):
            made = client.create_collection(f"tier{part}", metadata={"hnsw:space": "cosine"})
            numbers = range(part, len(rows), self.collections)
            for start in range(0, len(numbers), 1000):
                some = list(numbers[start : start + 1000])
                made.add(ids=[str(number) for number in some], embeddings=rows[some])
            self.parts.append(made)
        self.pool = ThreadPoolExecutor(self.collections)

    def ask(self, part, query):
        return part.query(query_embeddings=[query], n_results=TOP, include=["distances"])

    def search(self, query):
        found = [self.ask(self.parts[0], query)]
        return [int(name) for name in found[0]["ids"][0]]

    def add(self, number, row):
        self.parts[0].add(ids=[str(number)], embeddings=[row])

    def save(self, _folder):
        pass


class ChromaTiers(Chroma):
    """Two collections asked in two threads, then merged: a memory client's usual pattern."""

    collections = 2

    def search(self, query):
        found = self.pool.map(lambda part: self.ask(part, query), self.parts)
        pairs = [pair for one in found for pair in zip(one["distances"][0], one["ids"][0])]
        return [int(name) for _, name in sorted(pairs)[:TOP]]


class Lance:
    """A table on disk without an index: every vector looked at."""

    def __init__(self, rows, folder):
        import lancedb
        import pyarrow

        vectors = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.ravel()), rows.shape[1])
        table = pyarrow.table({"id": pyarrow.array(np.arange(len(rows))), "vector": vectors})
        self.table = lancedb.connect(str(folder)).create_table("vectors", table)

    def search(self, query):
        found = self.table.search(query).distance_type("cosine").limit(TOP).select(["id", "_distance"]).to_arrow()
        return found["id"].to_pylist()

    def add(self, number, row):
        self.table.add([{"id": number, "vector": row}])

    def save(self, _folder):
        pass


PEERS = {
    "hnswlib": Hnswlib,
    "usearch": Usearch,
    "faiss HNSW": Faiss,
    "faiss flat": FaissFlat,
    "sqlite-vec": SqliteVec,
    "ChromaDB": Chroma,
    "ChromaDB, two collections": ChromaTiers,
    "LanceDB": Lance,
}


def most_memory():
    """The greatest resident size so far, in MB; 0 where the system does not tell in this way."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM"))


def main():
    name, rows_path, queries_path, truth_path, width = sys.argv[1:]
    width = int(width)
    rows = np.fromfile(rows_path, np.float32).reshape(-1, width)
    queries = np.fromfile(queries_path, np.float32).reshape(-1, width)
    truth = np.load(truth_path)
    before = most_memory()
    folder = Path(tempfile.mkdtemp())
    try:
        started = time.perf_counter()
        peer = PEERS[name](rows, folder)
        build = time.perf_counter() - started
        found = [set(int(row) for row in peer.search(query)) for query in queries]
        hits = sum(len(one & set(best)) for one, best in zip(found, truth.tolist()))
        times, began = [], time.perf_counter()
        for turn in range(SEARCHES):
            query = queries[turn % len(queries)]
            start = time.perf_counter()
            peer.search(query)
            times.append(time.perf_counter() - start)
            if turn >= 200 and time.perf_counter() - began > 30:
                break
        adds = []
        for number in range(ADDED):
            start = time.perf_counter()
            peer.add(len(rows) + number, queries[number])
            adds.append(time.perf_counter() - start)
        memory = most_memory() - before
        peer.save(folder)
        disk = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        p50, p99 = np.percentile(times, [50, 99]) * 1e3
        result = {
            "name": name, "build_s": build, "p50": p50, "p99": p99, "recall": hits / truth.size,
            "add_ms": float(np.median(adds)) * 1e3, "memory_mb": memory, "disk_mb": disk / 1e6,
            "load": os.getloadavg()[0],
        }
        print(json.dumps(result))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
