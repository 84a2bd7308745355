"""The judge that asks a language model: what it asks, how the question is guarded, and how the reply is read."""
