"""The language layer: tokens, sentences, quantities, refusals and similarity in any script."""
