"""A CLIP of a few hundred numbers, in the layout of the weights on the Hugging Face hub."""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

DIMENSION = 6
WORDS = ("<|startoftext|>", "<|endoftext|>", "a", "stop", "sign", "pole")


def _save(graph: onnx.GraphProto, file: Path) -> None:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(file))


def _vision(file: Path, rng: np.random.Generator) -> None:
    """Mean colour times a matrix."""
    weights = numpy_helper.from_array(rng.normal(size=(3, DIMENSION)).astype(np.float32), "w")
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "w"], ["image_embeds"]),
    ]
    pixels = helper.make_tensor_value_info(
        "pixel_values", TensorProto.FLOAT, ["n", 3, "height", "width"]
    )
    hidden = helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["n", 3])
    vectors = helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["n", DIMENSION])
    _save(helper.make_graph(nodes, "vision", [pixels], [hidden, vectors], [weights]), file)


def _text(file: Path, rng: np.random.Generator, *, mask: bool) -> None:
    """The sum of one row of a table for each token; with a mask, of the tokens it keeps."""
    table = rng.normal(size=(len(WORDS), DIMENSION)).astype(np.float32)
    table[WORDS.index("<|endoftext|>")] = 0
    rows = numpy_helper.from_array(table, "w")
    inputs = [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "length"])]
    nodes = [helper.make_node("Gather", ["w", "input_ids"], ["rows"])]
    summed = "rows"
    if mask:
        inputs.append(
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["n", "length"])
        )
        nodes += [
            helper.make_node("Cast", ["attention_mask"], ["kept"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["kept", "last"], ["column"]),
            helper.make_node("Mul", ["rows", "column"], ["masked"]),
        ]
        summed = "masked"
    nodes.append(helper.make_node("ReduceSum", [summed, "axis"], ["text_embeds"], keepdims=0))
    constants = [
        rows,
        numpy_helper.from_array(np.array([1], np.int64), "axis"),
        numpy_helper.from_array(np.array([-1], np.int64), "last"),
    ]
    vectors = helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, ["n", DIMENSION])
    _save(helper.make_graph(nodes, "text", inputs, [vectors], constants), file)


def _tokenizer(file: Path) -> None:
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="a"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|startoftext|> $A <|endoftext|>",
        special_tokens=[("<|startoftext|>", 0), ("<|endoftext|>", 1)],
    )
    tokenizer.save(str(file))


def write_tiny_clip(folder: Path, *, mask: bool = False) -> None:
    """Write the four files of a tiny CLIP into a folder."""
    rng = np.random.default_rng(5)
    _vision(folder / "onnx" / "vision_model.onnx", rng)
    _text(folder / "onnx" / "text_model.onnx", rng, mask=mask)
    _tokenizer(folder / "tokenizer.json")
    settings = {
        "crop_size": {"height": 32, "width": 32},
        "size": {"shortest_edge": 32},
        "image_mean": [0.48, 0.46, 0.41],
        "image_std": [0.27, 0.26, 0.28],
        "rescale_factor": 1 / 255,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")
