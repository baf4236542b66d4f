"""Models of speech emotion: one LightningModule a file, and the parts they are made of."""
