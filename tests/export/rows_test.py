"""What models of the contract offer, exported: read back without gengen, at a batch that was never seen before."""

import dataclasses
import json
from pathlib import Path

import jax
import numpy as np
import pytest
from jax import export
from ml_collections import ConfigDict

from gengen.core.refusal import Refusal
from gengen.data.signature import Signature
from gengen.export import exporting
from gengen.export.functions import Offer
from gengen.export.onnx_file import NoOnnxError, load_onnx, write_onnx
from gengen.export.parity import compared, saved
from gengen.export.stablehlo import PLATFORMS, lowered, write_stablehlo
from gengen.inference.domains import units_of
from gengen.runs.run import Run
from tests.contract import ROWS
from tests.contract_test import first

FEW = {
    "wgan": ("prior", "sample"),
    "projection": ("sample",),
    "variational": ("encode",),
    "vqvae": ("encode",),
    "variational_diffusion": ("denoise", "path"),
    "drifting": ("sample",),
    "cyclegan": ("translate_ab",),
}
"""Functions of each kind, and rows that have them; all functions of all rows are slow tests."""

ALL = [*FEW.items(), *[pytest.param(name, (), marks=pytest.mark.slow) for name in ROWS]]

UNSEEN = 7
"""A size of batch in which nothing is checked before an artefact is written."""


def signature_of_row(name):
    row = ROWS[name]
    counts = {"train": 8, "test": 8}
    made = Signature.of_pictures("few", row.shape, ("a", "b", "c"), counts, "", paired=row.second == "paired")
    return dataclasses.replace(made, second=made) if row.second == "second" else made


def offer_of(name, *, own=True):
    """The functions of a row's model, the model, its data's signature and its variables."""
    model, signature, variables = ROWS[name].build(), signature_of_row(name), first(name).variables
    return Offer(model, signature, variables, own=own).functions(), model, signature, variables


def one_by_one(name, model, signature, variables, arrays):
    """What a function gives of examples that are a batch each, by the capabilities of the model and nothing else."""
    units, domains = signature.units, units_of(signature)

    def key(given):
        return jax.random.wrap_key_data(given["key"][0]) if "key" in given else jax.random.key(5)

    def told(given):
        zeros = {condition: np.zeros((1, one.size) if one.size else (1, one.length) if one.length else 1, np.float32
                 if one.size else np.int32) for condition, one in model.conditions.items()}  # fmt: skip
        return {condition: given.get(condition, zero) for condition, zero in zeros.items()} or None

    if name == "path":
        return [np.asarray(of(arrays["time"])) for of in (model.denoise.path.alpha, model.denoise.path.sigma)]
    run, finish = (
        {
            "encode": lambda given: model.encode(key(given), variables, units.to_model(given["data"]), told(given)),
            "prior": lambda given: model.prior(key(given), variables, 1, told(given)),
            "decode": lambda given: model.decode(key(given), variables, given["latents"], told(given)),
            "draw": lambda given: model.sample(key(given), variables, 1, told(given)),
            "translate": lambda given: model.translate[name[-2:]](
                key(given), variables, domains[name[-2]].to_model(given["data"])
            ),
            "denoise": lambda given: model.denoise.mean(variables, given["noisy"], given["time"], told(given)),
        },
        np.asarray,
    )
    kind = "decode" if "latents" in arrays else "draw" if name == "sample" else name.partition("_")[0]
    if kind in ("decode", "draw", "translate"):
        finish = (domains[name[-1]] if kind == "translate" else units).to_data
    compiled = jax.jit(run[kind])
    each = [compiled({name: array[i : i + 1] for name, array in arrays.items()}) for i in range(UNSEEN)]
    return [finish(np.concatenate(each))]


@pytest.mark.parametrize(("name", "some"), ALL)
def test_a_function_that_jax_alone_reads_is_what_the_model_does_to_each_example(name, some, tmp_path):
    functions, *of_row = offer_of(name)
    model = of_row[0]
    offered = {name for function in functions for name in (function.name, *function.also)}
    assert ("encode" in offered) == (model.encode is not None)
    assert ("decode" in offered) == (model.decode is not None)
    assert ("sample" in offered) == (model.sample is not None)
    assert ("denoise" in offered) == (model.denoise is not None)
    assert {f"translate_{way}" for way in model.translate or {}} == {one for one in offered if "translate" in one}
    for function in [one for one in functions if one.name in some or not some]:
        write_stablehlo(tmp_path / function.name, function, of_row[2])
        artefact = export.deserialize(bytearray((tmp_path / function.name).read_bytes()))
        inputs = function.examples(UNSEEN, seed=1)
        arrays = {one.name: array for one, array in zip(function.inputs, inputs, strict=True)}
        expected = one_by_one(function.name, *of_row, arrays)
        for made, should in zip(artefact.call(*inputs), expected, strict=True):
            assert (made.shape, made.dtype) == (should.shape, should.dtype)
            if should.dtype.kind == "f":
                np.testing.assert_allclose(np.asarray(made), should, atol=1e-4 * np.abs(should).max())
            else:
                apart = np.abs(np.asarray(made).astype(int) - should.astype(int))
                assert apart.max() <= 1 and (apart > 0).mean() < 0.05, function.name


def a_run(name, folder):
    _, model, signature, variables = offer_of(name)
    origin = {"run": str(folder), "step": 4, "checkpoint": "latest", "weights": "as trained"}
    config = ConfigDict({"model": {"name": name}})
    folder.mkdir(exist_ok=True)
    return Run(folder, config, signature, model, 4, variables, origin, config)


def test_an_export_holds_the_weights_bit_for_bit_and_says_how_far_its_functions_are(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    from safetensors import safe_open

    run = a_run("projection", tmp_path / "run")
    said = exporting.export_run(run, tmp_path / "out", ("safetensors", "stablehlo"))
    assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "manifest.json", "prior.npz", "prior.stablehlo", "sample.npz", "sample.stablehlo", "weights.safetensors",
    ]  # fmt: skip
    found = numpy.load_file(tmp_path / "out" / "weights.safetensors")
    leaves, _ = jax.tree_util.tree_flatten_with_path(run.variables)
    assert len(found) == len(leaves)
    for path, leaf in leaves:
        array = found["/".join(step.key for step in path)]
        assert (array.dtype, array.shape, array.tobytes()) == (leaf.dtype, leaf.shape, np.asarray(leaf).tobytes())
    with safe_open(tmp_path / "out" / "weights.safetensors", "numpy") as file:
        about = file.metadata()
    assert json.loads(about["config"]) == {"model": {"name": "projection"}}
    assert json.loads(about["signature"]) == run.signature.to_json()
    assert (about["step"], about["data digest"]) == ("4", run.signature.digest)
    sample = said["functions"]["sample"]
    assert said["functions"]["decode"] == sample
    assert [(one["name"], one["shape"], one["dtype"]) for one in sample["inputs"]] == [
        ("latents", ["b", 5], "float32"),
        ("label", ["b"], "int32"),
    ]
    assert sample["files"]["stablehlo"]["differences"]["levels"] <= 1
    for path in (tmp_path / "out").iterdir():
        assert str(Path(exporting.__file__).parents[2]).encode() not in path.read_bytes(), "paths of this machine"
    exporting.export_run(run, tmp_path / "out", ("safetensors",))  # takes the place of the first
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "run"]


def test_weights_that_changed_are_found_and_nothing_is_left(tmp_path, monkeypatch):
    run = a_run("wgan", tmp_path / "run")

    def broken(path, function, variables):
        changed = jax.tree.map(lambda leaf: leaf * 1.5, variables)
        write_stablehlo(path, function, changed)

    monkeypatch.setattr(exporting, "write_stablehlo", broken)
    with pytest.raises(Refusal, match=r"^sample\.stablehlo in a batch of 6 differs from the model in 'data' by \d"):
        exporting.export_run(run, tmp_path / "out", ("stablehlo",))
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("name", ["dcgan", pytest.param("vqvae", marks=pytest.mark.slow)])
def test_convolutions_are_those_of_every_platform_and_not_our_own_products(name):
    functions, _, _, variables = offer_of(name)
    sample = next(function for function in functions if function.name == "sample")
    text = lowered(sample, variables).mlir_module()
    kernels = [leaf for leaf in jax.tree.leaves(variables["generator" if name == "dcgan" else "decoder"]["params"])
               if leaf.ndim == 4]  # fmt: skip
    assert text.count("stablehlo.convolution(") == len(PLATFORMS) * len(kernels)
    assert "stablehlo.optimization_barrier" not in text


def test_in_the_models_units_pictures_are_float32_and_pixels_are_their_rounding(tmp_path):
    (_, own), model, signature, variables = offer_of("wgan")
    latents = own.examples(3)
    free = Offer(model, signature, variables, own=False).functions()[1]
    (floats,), (pixels,) = free.run(variables, *latents), own.run(variables, *latents)
    assert floats.dtype == np.float32
    np.testing.assert_allclose(signature.units.to_data(floats).astype(int), pixels.astype(int), atol=1)


@pytest.mark.parametrize("name", ["wgan", "vqvae", *[pytest.param(name, marks=pytest.mark.slow) for name in ROWS]])
def test_what_onnx_has_is_what_the_model_does(name, tmp_path):
    for package in ("jax2onnx", "onnxruntime"):
        pytest.importorskip(package)
    functions, _, _, variables = offer_of(name)
    for function in functions:
        path = tmp_path / f"{function.name}.onnx"
        try:
            write_onnx(path, function, variables)
            found = compared(function, saved(function, variables), load_onnx(path), (1, 3), path.name)
        except NoOnnxError:
            continue
        assert found.relative < 0.01
