"""Writes a random two-layer llama over bytes as a GGUF file: `python tiny_model.py tiny.gguf`."""

import sys

import gguf
import numpy as np

WIDTH, HEADS, LAYERS, HIDDEN = 64, 4, 2, 128
TOKENS = [b"<unk>", b"<s>", b"</s>", *(f"<0x{byte:02X}>".encode() for byte in range(256))]
KINDS = [2, 3, 3] + [6] * 256  # unknown, control, control, bytes


def describe(writer: gguf.GGUFWriter) -> None:
    writer.add_context_length(2048)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * len(TOKENS))
    writer.add_token_types(KINDS)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def fill(writer: gguf.GGUFWriter) -> None:
    chance = np.random.default_rng(0)
    shapes = {"token_embd.weight": (len(TOKENS), WIDTH), "output.weight": (len(TOKENS), WIDTH)}
    norms = ["output_norm.weight"]
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"{block}{part}.weight"] = (WIDTH, WIDTH)
        shapes[f"{block}ffn_gate.weight"] = shapes[f"{block}ffn_up.weight"] = (HIDDEN, WIDTH)
        shapes[f"{block}ffn_down.weight"] = (WIDTH, HIDDEN)
        norms += [f"{block}attn_norm.weight", f"{block}ffn_norm.weight"]
    for name, shape in shapes.items():
        writer.add_tensor(name, chance.normal(0, 0.05, shape).astype(np.float32))
    for name in norms:
        writer.add_tensor(name, np.ones(WIDTH, np.float32))


if __name__ == "__main__":
    writer = gguf.GGUFWriter(sys.argv[1], "llama")
    describe(writer)
    fill(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
