"""What the questions compute: pure functions of embeddings, features, photos and models."""
