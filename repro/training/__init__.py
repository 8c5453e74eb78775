"""Training: objectives, one trainer, and the models that they give."""
