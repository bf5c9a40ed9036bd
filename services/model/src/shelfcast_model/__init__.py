"""Training, forecasts and the model registry."""
