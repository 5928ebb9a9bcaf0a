"""Machine learning as one more source of signals. What is here imports numpy, and training scikit-learn: no module
outside imports it at start."""
