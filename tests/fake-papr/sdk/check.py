"""Runs Papr's own Python SDK against the fake server: what the SDK can read, the fake server answers rightly.

    python3 -m venv VENV && VENV/bin/pip install --require-hashes -r tests/fake-papr/sdk/requirements.txt
    cargo build -p papr-fake
    VENV/bin/python tests/fake-papr/sdk/check.py target/debug/fake-papr

The SDK's on-device half stays off: no models, and no host but the loopback.
"""

import contextlib
import logging
import os
import socket
import subprocess
import sys
import tempfile

for name in ("PAPR_ONDEVICE_PROCESSING", "PAPR_ENABLE_COREML", "PAPR_ENABLE_MLX", "PAPR_ENABLE_METRICS"):
    os.environ[name] = "false"
os.environ["PAPR_DISABLE_ST_PRELOAD"] = "true"
# The SDK narrates at this level.
logging.disable(logging.INFO)
# Answers that do not fit the SDK's own types are errors here, not guesses.
STRICT = {"_strict_response_validation": True, "max_retries": 0}

if len(sys.argv) != 2:
    sys.exit("usage: check.py PATH_TO_FAKE_PAPR")
BINARY = os.path.abspath(sys.argv[1])


def only_the_loopback():
    """Whoever asks for another host is stopped."""
    real = socket.socket.connect

    def connect(self, address):
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
            raise AssertionError(f"a connection to {address[0]}")
        return real(self, address)

    socket.socket.connect = connect


only_the_loopback()

# After the switches above: the SDK reads some of them while it is imported.
import papr_memory  # noqa: E402
from papr_memory import Papr  # noqa: E402


@contextlib.contextmanager
def server(*arguments):
    command = [BINARY, "--key", "sdk-key=sdk", "--seed", "11", "--until-eof", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().split()[1]
        finally:
            process.stdin.close()
            assert process.wait(timeout=10) == 0, "the server ends when its input does"


def fails(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} expected")


def add_get_update_delete(papr):
    added = papr.memory.add(
        content="Alice prefers dark roast",
        type="text",
        metadata={
            "role": "user",
            "category": "preference",
            "topics": ["coffee"],
            "custom_metadata": {"client_id": "01JD-sdk"},
        },
    )
    assert added.code == 200 and added.status == "success", added
    (item,) = added.data
    assert item.memory_id and item.object_id and item.memory_chunk_ids == [f"{item.memory_id}_0"], item
    assert item.created_at.tzinfo is not None, item

    found = papr.memory.get(item.memory_id)
    (memory,) = found.data.memories
    assert memory.id == item.memory_id and memory.content == "Alice prefers dark roast", memory
    assert memory.type == "text" and memory.user_id and memory.acl == {}, memory
    assert found.data.nodes == []

    updated = papr.memory.update(item.memory_id, content="Alice prefers light roast", metadata={"topics": ["tea"]})
    (changed,) = updated.memory_items
    assert changed.memory_id == item.memory_id and changed.content == "Alice prefers light roast", changed
    assert changed.object_id == item.object_id and changed.updated_at >= item.created_at, changed
    assert changed.metadata.topics == ["tea"], "what is sent replaces what was there"
    assert changed.metadata.custom_metadata == {"client_id": "01JD-sdk"}, "and the rest stays"

    deleted = papr.memory.delete(item.memory_id)
    assert deleted.memory_id == item.memory_id and deleted.object_id == item.object_id, deleted
    assert deleted.deletion_status.parse is True and deleted.deletion_status.qdrant is True, deleted
    fails(papr_memory.NotFoundError, lambda: papr.memory.get(item.memory_id))
    fails(papr_memory.NotFoundError, lambda: papr.memory.update(item.memory_id, content="too late"))
    fails(papr_memory.NotFoundError, lambda: papr.memory.delete(item.memory_id))


def batch(papr):
    done = papr.memory.add_batch(memories=[{"content": f"batched fact {n}"} for n in range(3)], batch_size=10)
    assert done.code == 200 and (done.total_processed, done.total_successful, done.total_failed) == (3, 3, 0), done
    assert len({answer.data[0].memory_id for answer in done.successful}) == 3 and done.errors == [], done
    mixed = papr.memory.add_batch(memories=[{"content": "small"}, {"content": "x" * 15_001}])
    assert mixed.code == 207 and (mixed.total_successful, mixed.total_failed) == (1, 1), mixed
    (error,) = mixed.errors
    assert (error.index, error.code) == (1, 413), error
    refused = fails(papr_memory.UnprocessableEntityError, lambda: papr.memory.add_batch(memories=[]))
    assert isinstance(refused.body["detail"], list), refused.body


def search_and_feedback(papr):
    papr.memory.add(content="The night train to Lisbon leaves at nine", metadata={"topics": ["travel"]})
    found = papr.memory.search(query="when does the train to Lisbon leave?", max_memories=10, max_nodes=10)
    best = found.data.memories[0]
    assert "Lisbon" in best.content and 0 < best.similarity_score <= 1 and found.search_id, found
    given = papr.feedback.submit(
        search_id=found.search_id,
        feedback_data={"feedback_type": "thumbs_up", "feedback_source": "inline", "cited_memory_ids": [best.id]},
    )
    assert given.code == 200 and given.status == "success" and given.feedback_id, given
    fails(papr_memory.NotFoundError, lambda: papr.memory.search(query="zygomorphic quokka"))
    fails(papr_memory.UnprocessableEntityError, lambda: papr.memory.search(query="train", max_memories=5))
    unknown = {"feedback_type": "rating", "feedback_source": "inline"}
    fails(
        papr_memory.NotFoundError,
        lambda: papr.feedback.submit(search_id="never-searched", feedback_data=unknown),
    )


def tiers(papr):
    """Read strictly by the memory resource; the sync resource's type takes no `null` content, so it is lenient."""
    seen = papr.memory.sync_tiers(include_embeddings=True, embed_limit=5, max_tier0=30, max_tier1=200)
    assert seen.code == 200 and seen.tier0 and seen.tier1 and not seen.has_more, seen.code
    ids = [item["id"] for item in seen.tier0 + seen.tier1]
    assert len(set(ids)) < len(ids), "the samples hold repetitions"
    assert any(item["content"] in (None, "", "None") for item in seen.tier0 + seen.tier1), "and empty ones"
    assert sum("embedding" in item for item in seen.tier0) in (4, 5), "floats in tier 0, up to the limit"
    assert all(len(item.get("embedding", [0] * 2560)) == 2560 for item in seen.tier0)
    quantised = [item["embedding_int8"] for item in seen.tier1 if "embedding_int8" in item]
    assert quantised and all(max(map(abs, vector)) == 127 for vector in quantised)

    lenient = papr.with_options(_extra_kwargs={"_strict_response_validation": False})
    typed = lenient.sync.get_tiers(
        include_embeddings=True, embedding_format="float32", embed_limit=3, embed_model="Qwen4B"
    )
    assert {memory.id for memory in typed.tier0} == {item["id"] for item in seen.tier0}
    # The SDK knows the times of a memory by their camelCase names only; the snake_case ones it lets go.
    dated = {memory.id for memory in typed.tier0 + typed.tier1 if memory.created_at and memory.updated_at}
    assert dated and dated == {item["id"] for item in seen.tier0 + seen.tier1 if "createdAt" in item}, dated
    fails(papr_memory.UnprocessableEntityError, lambda: papr.sync.get_tiers(max_tier0=2001))


def delta(papr):
    rows, cursor, pages = [], None, 0
    while True:
        page = papr.sync.get_delta(limit=7, **({"cursor": cursor} if cursor else {}))
        rows += page["items"]
        cursor, pages = page["next_cursor"] or cursor, pages + 1
        if not page["has_more"]:
            break
    assert pages > 1 and len(rows) > 7, (pages, len(rows))
    assert papr.sync.get_delta(cursor=cursor)["items"] == [], "nothing new"
    papr.memory.add(content="newer than the cursor")
    (row,) = papr.sync.get_delta(cursor=cursor)["items"]
    assert row["content"] == "newer than the cursor", row


def omo_and_user(papr):
    (item,) = papr.memory.add(content="portable", metadata={"topics": ["omo"]}).data
    out = papr.omo.export_memories(memory_ids=[item.memory_id, "not-there"])
    assert out.count == 1 and out.memories[0]["content"] == "portable", out
    again = papr.omo.import_memories(memories=out.memories)
    assert (again.imported, again.skipped) == (0, 1), again
    papr.memory.delete(item.memory_id)
    back = papr.omo.import_memories(memories=out.memories)
    assert back.imported == 1 and back.memory_ids == [item.memory_id], back
    users = papr.user.list(page=1, page_size=1)
    assert users.total == 1 and users.data[0].external_id == "sdk", users


def refusals(url):
    wrong = Papr(x_api_key="wrong", base_url=url, **STRICT)
    fails(papr_memory.AuthenticationError, lambda: wrong.user.list(page=1, page_size=1))
    fails(papr_memory.AuthenticationError, lambda: wrong.memory.add(content="a"))
    papr = Papr(x_api_key="sdk-key", base_url=url, **STRICT)
    too_large = fails(papr_memory.APIStatusError, lambda: papr.memory.add(content="ü" * 7_501))
    assert too_large.status_code == 413, too_large.status_code


def quota():
    with server("--per-month", "9") as url:
        papr = Papr(x_api_key="sdk-key", base_url=url, **STRICT)
        papr.memory.add(content="four operations")
        papr.memory.add(content="eight operations")
        error = fails(papr_memory.PermissionDeniedError, lambda: papr.memory.add(content="twelve"))
        assert error.body["details"]["limit"] == 9 and error.body["details"]["current_count"] == 8, error.body


def main():
    print(f"papr-memory {papr_memory.__version__}")
    with tempfile.TemporaryDirectory() as folder:
        # The SDK writes files where it stands.
        os.chdir(folder)
        with server("--memories", "60") as url:
            papr = Papr(x_api_key="sdk-key", base_url=url, **STRICT)
            for check in (add_get_update_delete, batch, search_and_feedback, tiers, delta, omo_and_user):
                check(papr)
                print(f"ok  {check.__name__}")
            refusals(url)
            print("ok  refusals")
        quota()
        print("ok  quota")
        left = os.listdir(folder)
    print(f"every call of the SDK was served; files it left: {left or 'none'}")


if __name__ == "__main__":
    main()
