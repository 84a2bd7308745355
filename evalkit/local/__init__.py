"""The embedded systems: honest small stand-ins for prompt-only, RAG, fine-tuned and hybrid features."""
