"""PyTorch's modules packed and loaded again, with Debian's own PyTorch: ``make torch``.

PyTorch is no dependency of this project's lock, so this runs in an environment of its own, of the system's Python and
its packages; hence unittest, and no part of ``make test``. Debian's versions are on no index: the hashes in the lock
that these packages get are placeholders, and no clean environment is made from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from modelport.errors import FormatError, PackError
from modelport.package import Package, model_from_file, pack
from modelport.package.state.safetensors import TensorBytes, read_tensors, write_tensors
from modelport.package.state.torch import TorchBackend

PROJECTS = {
    "own_class": """
import torch
from torch import nn
from modelport import Model

class Block(nn.Module):
    def __init__(self, width, *, slope):
        super().__init__()
        self.dense, self.slope, self.activation = nn.Linear(width, width), slope, torch.tanh

    def forward(self, x):
        return self.activation(self.dense(x)) * self.slope

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(3, slope=0.5), Block(3, slope=2.0)])
        self.again = self.blocks[0]
        self.register_buffer("shift", torch.ones(3))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.again(x) + self.shift

torch.manual_seed(0)
net = Net().eval()

def score(x: list[float]) -> list[float]:
    with torch.no_grad():
        return net(torch.tensor([x]))[0].tolist()

model = Model(score=score)
model.add_example("score", {"x": [1.0, -2.0, 0.5]}, tolerance=1e-6)
""",
    "layers": """
import torch
from torch import nn
from modelport import Model

torch.manual_seed(0)
encoder = nn.Sequential(nn.Embedding(9, 4), nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), nn.Flatten()).eval()
recurrent = nn.LSTM(4, 2, batch_first=True)
weights = {"scale": torch.tensor([2.0, 3.0]), "shift": torch.tensor(1.0, dtype=torch.float64)}

def encode(words: list[int]) -> list[float]:
    with torch.no_grad():
        return encoder(torch.tensor([words]))[0].tolist()

def follow(x: list[float]) -> list[float]:
    with torch.no_grad():
        last = recurrent(torch.tensor([[x]]))[0][0, -1]
    return (last * weights["scale"] + weights["shift"]).tolist()

model = Model(encode=encode, follow=follow)
model.add_example("encode", {"words": [1, 2, 8]}, tolerance=1e-5)
model.add_example("follow", {"x": [1.0, 2.0, 3.0, 4.0]}, tolerance=1e-6)
""",
}

PACK = """
import sys
from pathlib import Path
from modelport.package import model_from_file, pack
lock = Path(sys.argv[3]).read_text("utf-8")
pack(model_from_file(Path(sys.argv[1])), "net", Path(sys.argv[2]), known_lock=lock, verify_in=None)
"""


def file_of(value: object, folder: str, name: str = "x") -> Path:
    file = Path(folder) / f"{name}.safetensors"
    TorchBackend().save(value, file)
    return file


def digests(package: Package) -> dict[str, str]:
    return {path: hashlib.sha256((package.folder / path).read_bytes()).hexdigest() for path in package.files()}


class Scratch(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def run_python(self, *arguments: str, **variables: str) -> str:
        environment = {**os.environ, **variables}
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, check=False, env=environment
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout


class PackedModules(Scratch):
    def packed(self, name: str, source: str, lock: Path, seed: str) -> Package:
        out = Path(self.folder) / name
        out.mkdir()
        (out / "net.py").write_text(source)
        self.run_python("-c", PACK, str(out / "net.py"), str(out / "package"), str(lock), PYTHONHASHSEED=seed)
        return Package.read(out / "package")

    def test_packages_are_the_same_twice_and_answer_elsewhere(self) -> None:
        lock = Path(self.folder) / "lock"
        hashes = "    --hash=sha256:" + "0" * 64
        lock.write_text("".join(f"{one}=={version(one)} \\\n{hashes}\n" for one in ("numpy", "torch")))
        for name, source in PROJECTS.items():
            with self.subTest(name):
                one, package = (self.packed(f"{name}-{seed}", source, lock, seed) for seed in ("1", "2"))
                self.assertEqual(digests(one), digests(package))
                self.assertEqual(package.info["tier"]["level"], "code-bearing")
                self.assertEqual([one.split("==")[0] for one in package.info["requirements"]], ["torch"])
                report = json.loads(self.run_python("-m", "modelport.package.verify", str(package.folder)))
                self.assertEqual(report["problems"], [])
                self.assertEqual(report["examples"], source.count("add_example"))

    def test_torchscript_is_refused_with_a_way_out(self) -> None:
        file = Path(self.folder) / "script.py"
        file.write_text(
            "import torch\nfrom modelport import Model\nnet = torch.jit.script(torch.nn.Linear(1, 1))\n\n"
            "def f(x: float) -> float:\n    return net(torch.tensor([x])).item()\n\nmodel = Model(f=f)\n"
        )
        with self.assertRaisesRegex(PackError, "TorchScript module is code") as caught:
            pack(model_from_file(file), "net", Path(self.folder) / "out", verify_in=None)
        self.assertIn("eager mode", caught.exception.hint)


class KeptModules(Scratch):
    def test_layers_of_torch_come_back_as_they_were(self) -> None:
        layers = [
            nn.Conv2d(1, 2, 3), nn.GRU(2, 3), nn.Transformer(4, 2, 1, 1, 8), nn.Softmax(1), nn.LayerNorm(3),
            nn.MaxPool2d(2), nn.PReLU(), nn.GroupNorm(1, 2), nn.Upsample(2), nn.LSTM(2, 3, 2, bidirectional=True),
            nn.ParameterList([nn.Parameter(torch.ones(1))]), nn.BatchNorm1d(2), nn.MultiheadAttention(4, 2),
            nn.ModuleDict({"a": nn.Identity(), "b": nn.Dropout()}), nn.EmbeddingBag(3, 2),
        ]  # fmt: skip
        for layer in layers:
            with self.subTest(type(layer).__name__):
                file = file_of(layer, self.folder)
                again: Any = TorchBackend().load(file)
                self.assertEqual(file.read_bytes(), file_of(again, self.folder, "again").read_bytes())
                self.assertEqual(repr(again), repr(layer))
                for name, tensor in layer.state_dict().items():
                    self.assertTrue(torch.equal(tensor, again.state_dict()[name]))

    def test_shared_parts_stay_shared(self) -> None:
        dense = nn.Linear(2, 2)
        model = nn.Sequential(dense, nn.ReLU(), dense, nn.Linear(2, 2))
        model[3].weight = dense.weight
        model[3].bias.requires_grad_(False)  # noqa: FBT003 - torch's own form
        again: Any = TorchBackend().load(file_of(model, self.folder))
        self.assertIs(again[0], again[2])
        self.assertIs(again[3].weight, again[0].weight)
        self.assertFalse(again[3].bias.requires_grad)

    def test_tensors_of_all_kinds_come_back(self) -> None:
        kinds = (torch.bool, torch.uint8, torch.int8, torch.int64, torch.float16, torch.bfloat16, torch.float64)
        tensors = {str(kind): torch.tensor([[0, 1], [2, 3]]).to(kind).T for kind in kinds}
        tensors |= {"empty": torch.zeros(0, 3), "one": torch.ones((), dtype=torch.bool)}
        again: Any = TorchBackend().load(file_of(tensors, self.folder))
        self.assertEqual(list(again), list(tensors))
        for name, tensor in tensors.items():
            self.assertEqual(again[name].dtype, tensor.dtype)
            self.assertTrue(torch.equal(again[name], tensor))

    def test_what_is_not_plain_is_refused(self) -> None:
        hooked, odd, lost = nn.Linear(1, 1), nn.Linear(1, 1), nn.Linear(1, 1)
        hooked.register_forward_hook(print)
        odd.callback = print
        lost.table = [torch.ones(1)]
        for value, said in (
            (hooked, "has forward_hooks, which are code"),
            (nn.utils.weight_norm(nn.Linear(1, 1)), "which are code"),
            (odd, "attribute 'callback'"),
            (lost, "neither a parameter nor a buffer"),
            (torch.jit.script(nn.ReLU()), "TorchScript"),
            (torch.ones(2).to_sparse(), "safetensors does not hold"),
            (torch.ones(2, dtype=torch.complex64), "safetensors does not hold"),
            ({1: torch.ones(1)}, "keys that name none"),
        ):
            with self.subTest(said), self.assertRaisesRegex(PackError, said):
                file_of(value, self.folder)

    def test_hostile_descriptions_are_refused(self) -> None:
        linear = {"training": True, "attributes": {}, "parameters": [], "buffers": [], "passing": [], "modules": []}
        file = Path(self.folder) / "x.safetensors"
        descriptions: tuple[Any, ...] = (
            {**linear, "class": "os.system"},
            {**linear, "class": "torch.nn.modules.module.Module.__class__"},
            {**linear, "class": "torch.nn.Parameter"},
            {**linear, "class": "torch.nn.functional"},
            {**linear, "class": "torch.nn.ReLU", "attributes": {"x": {"function": "os.system"}}},
            {**linear, "class": "torch.nn.ReLU", "attributes": {"x": {"function": "torch.load"}}},
            {**linear, "class": "torch.nn.ReLU", "attributes": {"x": {"dtype": "load"}}},
            {**linear, "class": "torch.nn.ReLU", "attributes": {"_forward_hooks": {"dict": []}}},
            {**linear, "class": "torch.nn.ReLU", "attributes": {"__class__": 1}},
            {**linear, "class": "torch.nn.ReLU", "parameters": [["a", {"name": "missing", "trained": True}]]},
            {**linear, "class": "torch.nn.ReLU", "parameters": [["a", {"name": "t"}]]},
            {**linear, "class": "torch.nn.ReLU", "modules": [["a", {"same": 9}]]},
            {"same": 0},
            [],
        )
        for said in descriptions:
            about = {"modelport": json.dumps({"kind": "module", "module": said})}
            write_tensors(file, {"t": TensorBytes("F32", (1,), b"\0" * 4)}, about)
            with self.subTest(str(said)), self.assertRaises(FormatError):
                TorchBackend().load(file)
        self.assertEqual(len(read_tensors(file)[0]), 1)


if __name__ == "__main__":
    unittest.main()
